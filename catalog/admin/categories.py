"""Admin of the category tree. Whoever changes the tree holds its lock."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponseBase
from treebeard.admin import TreeAdmin

from catalog.admin.forms import CategoryForm
from catalog.admin.history import KeepsHistory
from catalog.categories import lock_tree
from catalog.models import Category


@admin.register(Category)
class CategoryAdmin(KeepsHistory, TreeAdmin):
    form = CategoryForm
    list_display = ["name", "slug", "product_count"]
    search_fields = ["name", "slug"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Category]:
        # TreeAdmin sets it only when it is asked for a level of the tree, yet its template reads it for every list.
        request._treebeard_parent = None  # type: ignore[attr-defined]
        categories: QuerySet[Category] = super().get_queryset(request)
        counted: QuerySet[Category] = categories.annotate(product_count=Count("products"))
        return counted

    @admin.display(description="Products")
    def product_count(self, category: Any) -> int:
        return int(category.product_count)

    @transaction.atomic
    def move_node(self, request: HttpRequest) -> HttpResponseBase:
        lock_tree()
        moved: HttpResponseBase = super().move_node(request)
        return moved

    @transaction.atomic
    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if request.method == "POST":
            lock_tree()
        return super().changeform_view(request, *args, **kwargs)
