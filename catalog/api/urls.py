from django.urls import path

import catalog.api.identifiers  # noqa: F401  (the converter `product`)
from catalog.api.products import categories, product, products

urlpatterns = [
    path("products/", products, name="products"),
    path("products/<product:product>/", product, name="product"),
    path("categories/", categories, name="categories"),
]
