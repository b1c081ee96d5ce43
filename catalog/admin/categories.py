"""Admin of the category tree. Whoever changes the tree holds its lock."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.forms.widgets import Script
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from treebeard.admin import TreeAdmin

from catalog.admin.forms import CategoryForm
from catalog.admin.history import KeepsHistory
from catalog.categories import lock_tree
from catalog.category_totals import category_totals
from catalog.models import Category


@admin.register(Category)
class CategoryAdmin(KeepsHistory, TreeAdmin):
    form = CategoryForm
    list_display = ["name", "slug", "product_count"]
    search_fields = ["name", "slug"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Category]:
        # TreeAdmin sets it only when it is asked for a level of the tree, yet its template reads it for every list.
        request._treebeard_parent = None  # type: ignore[attr-defined]
        self.totals = category_totals()  # of the whole shop, so that it is no matter whose request reads them
        categories: QuerySet[Category] = super().get_queryset(request)
        return categories

    @admin.display(description="Products")
    def product_count(self, category: Category) -> SafeString:
        """With those of its descendants; a link to them."""
        url = f"{reverse('admin:catalog_product_changelist')}?category={quote(category.slug)}"
        return format_html('<a href="{}">{}</a>', url, self.totals.get(category.pk, 0))

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

    class Media:
        js = [Script("admin_lookalike/categories.js", type="module")]
