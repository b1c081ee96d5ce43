from django.urls import path

from catalog.api.products import categories, product, products

urlpatterns = [
    path("products/", products, name="products"),
    path("products/<int:product_id>/", product, name="product"),
    path("categories/", categories, name="categories"),
]
