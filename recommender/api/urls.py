from django.urls import path

from recommender.api.color import ColorSearch, ProductColors
from recommender.api.duplicates import Duplicates
from recommender.api.photo_search import PhotoSearch
from recommender.api.similar import Batch, Recommendations, Similar
from recommender.api.status import Status
from recommender.api.why import Why

urlpatterns = [
    path("products/<int:product_id>/similar/", Similar.as_view(), name="similar"),
    path("products/<int:product_id>/similar/<int:other_id>/why/", Why.as_view(), name="why"),
    path("products/<int:product_id>/duplicates/", Duplicates.as_view(), name="duplicates"),
    path("products/<int:product_id>/colors/", ProductColors.as_view(), name="product-colors"),
    path("search/color/", ColorSearch.as_view(), name="search-color"),
    path("search/image/", PhotoSearch.as_view(), name="search-image"),
    path("recommendations/", Recommendations.as_view(), name="recommendations"),
    path("similar/batch/", Batch.as_view(), name="similar-batch"),
    path("status/", Status.as_view(), name="status"),
]
