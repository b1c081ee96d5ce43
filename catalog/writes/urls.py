from django.urls import path

import catalog.api.identifiers  # noqa: F401  (the converter `product`)
from catalog.caching import REVALIDATED, kept_as
from catalog.writes.batch_views import Batch
from catalog.writes.photo_views import OnePhoto, Photos
from catalog.writes.product_views import OneProduct, Products

# A SKU may hold slashes: the longer addresses come first.
urlpatterns = [
    path("products/", kept_as(REVALIDATED)(Products.as_view()), name="products"),
    path("products/batch/", Batch.as_view(), name="products-batch"),
    path("products/<product:product>/images/<int:image>/", OnePhoto.as_view(), name="product-image"),
    path("products/<product:product>/images/", Photos.as_view(), name="product-images"),
    path("products/<product:product>/", kept_as(REVALIDATED)(OneProduct.as_view()), name="product"),
]
