"""What products are searched by."""

from __future__ import annotations

from django.contrib.postgres.search import SearchVectorField
from django.db import models

from catalog.models.products import Product


class ProductText(models.Model):
    """The words of a product's title, brand and SKU, and the three as one text without case and accents.

    Postgres alone writes it, by a trigger on Product (migration 0009), and removes it with its product.
    """

    product = models.OneToOneField(Product, on_delete=models.DO_NOTHING, primary_key=True, related_name="+")
    words = SearchVectorField()
    plain = models.TextField()

    def __str__(self) -> str:
        return f"text of product {self.product_id}"
