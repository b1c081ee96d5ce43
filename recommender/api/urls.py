from django.urls import path

import catalog.api.identifiers  # noqa: F401  (the converter `product`)
from recommender.api.color import ColorSearch, ProductColors
from recommender.api.duplicates import Duplicates
from recommender.api.photo_search import PhotoSearch
from recommender.api.similar import Batch, Recommendations, Similar
from recommender.api.status import Status
from recommender.api.why import Why

urlpatterns = [
    path("products/<product:product>/similar/", Similar.as_view(), name="similar"),
    path("products/<product:product>/similar/<product:other>/why/", Why.as_view(), name="why"),
    path("products/<product:product>/duplicates/", Duplicates.as_view(), name="duplicates"),
    path("products/<product:product>/colors/", ProductColors.as_view(), name="product-colors"),
    path("search/color/", ColorSearch.as_view(), name="search-color"),
    path("search/image/", PhotoSearch.as_view(), name="search-image"),
    path("recommendations/", Recommendations.as_view(), name="recommendations"),
    path("similar/batch/", Batch.as_view(), name="similar-batch"),
    path("status/", Status.as_view(), name="status"),
]
