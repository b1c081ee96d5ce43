"""Placeholders in the admin: the pictures, the products that show them, and what a person rules on them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, OuterRef, QuerySet, Subquery, Value
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from catalog.models import Product, ProductImage
from catalog.representation import thumbnail_url
from recommender.admin.read_only import ReadOnlyAdmin
from recommender.merchandising.placeholders import UnknownPhoto, rule
from recommender.models import Placeholder, PlaceholderFile
from recommender.pipeline import doorbell

MAY_RULE = "recommender.change_placeholder"
APPLY = "recommender.tasks.apply_rulings"
_SHOWN, _SHOWN_IN_LIST = 100, 3  # products of a picture


def rule_on(request: HttpRequest, digests: Iterable[str], ruling: Placeholder.Ruling) -> None:
    """Keep a ruling on the pictures of these photo files, for a person who may; workers apply it within seconds."""
    if not request.user.has_perm(MAY_RULE):
        raise PermissionDenied
    pictures: set[int] = set()
    with transaction.atomic():
        for digest in digests:
            try:
                pictures.add(rule(digest=digest, ruling=ruling).pk)
            except UnknownPhoto as error:
                messages.error(request, f"{error}: it was deleted or replaced meanwhile.")
        transaction.on_commit(lambda: doorbell.ring(task=APPLY), robust=True)
    if pictures:
        count = f"{len(pictures)} {'picture' if len(pictures) == 1 else 'pictures'}"
        messages.success(request, f"{count} ruled: {ruling.label}. Answers follow within seconds.")


@admin.register(Placeholder)
class PlaceholderAdmin(ReadOnlyAdmin):
    list_display = ["picture", "groups", "photos", "is_placeholder", "found", "ruled", "some_products"]
    list_filter = ["is_placeholder", "found", "ruling"]
    list_per_page = 50
    ordering = ["-groups", "id"]
    actions = ["rule_placeholder", "rule_photo", "rule_as_found"]
    fields = ["picture", "is_placeholder", "groups", "photos", "found", "ruled", "counted_at", "products"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Placeholder]:
        files = PlaceholderFile.objects.filter(placeholder=OuterRef(OuterRef("pk"))).values("digest")
        photos = ProductImage.objects.filter(digest__in=files).order_by().values(one=Value(1)).values(n=Count("pk"))
        rows: QuerySet[Placeholder] = super().get_queryset(request)
        return rows.annotate(photo_count=Subquery(photos))

    def has_rule_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(MAY_RULE)

    @admin.action(description="This is a placeholder", permissions=["rule"])
    def rule_placeholder(self, request: HttpRequest, queryset: QuerySet[Placeholder]) -> None:
        self._rule(request, queryset, Placeholder.Ruling.PLACEHOLDER)

    @admin.action(description="A photo like any other", permissions=["rule"])
    def rule_photo(self, request: HttpRequest, queryset: QuerySet[Placeholder]) -> None:
        self._rule(request, queryset, Placeholder.Ruling.PHOTO)

    @admin.action(description="As found", permissions=["rule"])
    def rule_as_found(self, request: HttpRequest, queryset: QuerySet[Placeholder]) -> None:
        self._rule(request, queryset, Placeholder.Ruling.NONE)

    def _rule(self, request: HttpRequest, queryset: QuerySet[Placeholder], ruling: Placeholder.Ruling) -> None:
        rule_on(request, list(queryset.values_list("digest", flat=True)), ruling)

    @admin.display(description="picture")
    def picture(self, placeholder: Placeholder) -> SafeString:
        return format_html(
            '<img src="{}" alt="{}" class="lookalike-thumb">', thumbnail_url(placeholder.digest), placeholder
        )

    @admin.display(description="photos", ordering="photo_count")
    def photos(self, placeholder: Any) -> int:
        return placeholder.photo_count or 0

    @admin.display(description="ruling", ordering="ruling")
    def ruled(self, placeholder: Placeholder) -> str:
        return placeholder.get_ruling_display()

    @admin.display(description="products")
    def some_products(self, placeholder: Placeholder) -> SafeString:
        return _products(placeholder, _SHOWN_IN_LIST)

    @admin.display(description="products")
    def products(self, placeholder: Placeholder) -> SafeString:
        return _products(placeholder, _SHOWN)


def _products(placeholder: Placeholder, most: int) -> SafeString:
    """The first products that show the picture, with links, and whether there are more."""
    shown = ProductImage.objects.filter(digest__in=placeholder.files.values("digest")).values("product")
    products = list(Product.objects.filter(pk__in=shown).only("sku", "title").order_by("pk")[: most + 1])
    links = format_html_join(
        SafeString("<br>"),
        '<a href="{}">{}</a>',
        ((reverse("admin:catalog_product_change", args=[product.pk]), product) for product in products[:most]),
    )
    return format_html("{}{}", links, SafeString("<br>and more") if len(products) > most else "")
