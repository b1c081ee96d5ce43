from django.urls import path

from catalog.writes.batch_views import Batch
from catalog.writes.photo_views import OnePhoto, Photos
from catalog.writes.product_views import OneProduct, Products

urlpatterns = [
    path("products/", Products.as_view(), name="products"),
    path("products/batch/", Batch.as_view(), name="products-batch"),
    path("products/<product:product>/", OneProduct.as_view(), name="product"),
    path("products/<product:product>/images/", Photos.as_view(), name="product-images"),
    path("products/<product:product>/images/<int:image>/", OnePhoto.as_view(), name="product-image"),
]
