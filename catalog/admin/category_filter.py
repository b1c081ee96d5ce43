"""The category tree beside the list of products, with how many products each category and its descendants hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from catalog.category_totals import category_totals
from catalog.models import Category, Product, ProductCategory


class CategoryFilter(admin.SimpleListFilter):
    """A category with its descendants."""

    title = "category"
    parameter_name = "category"
    template = "admin/catalog/product/category_filter.html"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(slug, name) for slug, name in Category.objects.order_by("path").values_list("slug", "name")]

    def choices(self, changelist: Any) -> Iterator[Any]:
        totals = category_totals()
        rows = Category.objects.order_by("path").values_list("slug", "name", "depth", "pk")
        yield {
            "selected": self.value() is None,
            "query_string": changelist.get_query_string(remove=[self.parameter_name]),
            "display": "All",
        }
        for slug, name, depth, pk in rows:
            yield {
                "selected": self.value() == slug,
                "query_string": changelist.get_query_string({self.parameter_name: slug}),
                "display": name,
                "depth": min(depth, 6),
                "count": totals.get(pk, 0),
            }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Product]) -> QuerySet[Product] | None:
        if not (slug := self.value()):
            return None
        path = Category.objects.filter(slug=slug).values_list("path", flat=True).first()
        if not path:
            return queryset.none()
        further = ProductCategory.objects.filter(category__path__startswith=path).values("product_id")
        return queryset.filter(Q(category__path__startswith=path) | Q(pk__in=further))
