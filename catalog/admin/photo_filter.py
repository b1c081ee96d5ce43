"""Products with and without a photo, as a filter of their list."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest

from catalog.models import Product, ProductImage


class PhotoFilter(admin.SimpleListFilter):
    """Whether a photo of the product is stored."""

    title = "photos"
    parameter_name = "photos"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("some", "With a photo"), ("none", "Without a photo")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Product]) -> QuerySet[Product]:
        stored = Exists(ProductImage.objects.filter(product=OuterRef("pk")).exclude(digest=""))
        if self.value() == "some":
            return queryset.filter(stored)
        return queryset.filter(~stored) if self.value() == "none" else queryset
