"""Admin of products with their photos."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db import models, transaction
from django.db.models import QuerySet
from django.forms import BaseFormSet
from django.forms.widgets import Script
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from catalog import announce, sales
from catalog.admin.bulk import ManyProducts
from catalog.admin.category_filter import CategoryFilter
from catalog.admin.forms import ProductForm
from catalog.admin.history import KeepsHistory
from catalog.admin.photo_filter import PhotoFilter
from catalog.admin.photo_forms import PhotoForm, PhotoFormSet
from catalog.admin.photo_views import LivePhotos, add_by_url
from catalog.admin.uploads import Upload, keep_uploads
from catalog.admin.widgets import LabelledDateTime, TreeChoiceField
from catalog.changes.products import delete_products
from catalog.edit_history import Edit, record
from catalog.models import Category, Product, ProductImage
from catalog.photos import store
from catalog.photos.storage_errors import StorageUnavailable
from catalog.photos.store import KeptPhoto
from catalog.representation import price_text, thumbnail_url
from catalog.text_search import text_search

if TYPE_CHECKING:
    ProductModelAdmin = admin.ModelAdmin[Product]
    PhotoInline = admin.TabularInline[ProductImage, Product]
else:
    ProductModelAdmin = admin.ModelAdmin
    PhotoInline = admin.TabularInline

_SAVED = "_saved_photos"  # attribute of a request whose form was saved: the product and its new uploads


def thumbnail(image: ProductImage | None, title: str) -> SafeString:
    """An <img> of a stored photo of a product, or words where there is none."""
    if image is None:
        return format_html('<span class="desk-thumb desk-thumb-none">{}</span>', "no photo")
    if not image.digest:
        return format_html('<span class="desk-thumb desk-thumb-none">{}</span>', "to be fetched")
    return format_html(
        '<img class="desk-thumb" src="{}" alt="{}" width="56" height="56" loading="lazy">',
        thumbnail_url(image.digest),
        image.alt or title,
    )


class ProductImageInline(PhotoInline):
    model = ProductImage
    verbose_name = "photo"
    verbose_name_plural = "photos"
    form = PhotoForm
    formset = PhotoFormSet
    template = "admin/catalog/product/photos.html"
    fields = ["file", "alt", "position"]
    ordering = ["position", "id"]
    extra = 0


@admin.register(Product)
class ProductAdmin(KeepsHistory, ManyProducts, LivePhotos, ProductModelAdmin):
    """Made to be extended: a subclass may replace `inlines` and add fields, columns and actions."""

    form = ProductForm
    formfield_overrides = {models.DateTimeField: {"widget": LabelledDateTime}}
    inlines = [ProductImageInline]
    change_form_template = "admin/catalog/product/change_form.html"
    change_list_template = "admin/catalog/product/change_list.html"
    ordering = ["-id"]
    list_display = ["photo", "title", "sku", "brand", "category", "shown_price", "in_stock", "published"]
    list_display_links = ["photo", "title"]
    list_filter = [CategoryFilter, "published", "in_stock", PhotoFilter]
    list_select_related = ["category"]
    search_fields = ["sku", "title", "brand"]
    search_help_text = "SKU, title or brand"
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # the tree has its counts; Django would count each category by itself
    actions = ["publish", "unpublish"]
    readonly_fields = ["list_price", "created_at", "updated_at"]
    fieldsets = [
        (None, {"fields": ["title", "sku", "category", "brand", "description"]}),
        (
            "Sale",
            {
                "fields": [
                    ("price", "currency", "list_price"),
                    ("sale_price", "sale_from", "sale_until"),
                    "in_stock",
                    ("published", "expires_at"),
                    "url",
                ]
            },
        ),
        ("Attributes", {"fields": ["attributes"]}),
        ("More", {"fields": ["group", ("created_at", "updated_at")], "classes": ["collapse"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Product]:
        return super().get_queryset(request).prefetch_related("images")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "category":
            kwargs |= {"form_class": TreeChoiceField, "queryset": Category.objects.order_by("path")}
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Product], search_term: str
    ) -> tuple[QuerySet[Product], bool]:
        """What the shop's own search finds, hidden products too."""
        search = text_search(search_term.replace("\0", " "), published=False)
        return (queryset if search is None else search.among(queryset)), False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().changelist_view(request, {"title": "Products", **(extra_context or {})})

    @admin.display(description="Photo")
    def photo(self, product: Product) -> SafeString:
        return thumbnail(next(iter(product.images.all()), None), product.title)

    @admin.display(description="Price", ordering="price")
    def shown_price(self, product: Product) -> str:
        text = price_text(product.price, product.currency)
        return "–" if text is None else f"{text} {product.currency}".strip()

    @admin.action(description="Publish selected products", permissions=["change"])
    def publish(self, request: HttpRequest, queryset: QuerySet[Product]) -> None:
        self._set_published(request, queryset, published=True)

    @admin.action(description="Hide selected products from the shop", permissions=["change"])
    def unpublish(self, request: HttpRequest, queryset: QuerySet[Product]) -> None:
        self._set_published(request, queryset, published=False)

    def _set_published(self, request: HttpRequest, queryset: QuerySet[Product], *, published: bool) -> None:
        with transaction.atomic():
            chosen = Product.objects.filter(pk__in=queryset.values("pk")).exclude(published=published)
            before = {product.pk: product for product in chosen.select_for_update().order_by("pk")}
            ids = list(before)
            now = timezone.now()
            if published:  # what is over would be hidden again at once
                Product.objects.filter(pk__in=ids, expires_at__lte=now).update(expires_at=None)
            Product.objects.filter(pk__in=ids).update(published=published, withdrawn=False, updated_at=now)
            record(Edit(before[product.pk], product) for product in Product.objects.filter(pk__in=ids))
            announce.products_changed(ids, hidden=not published)
        done = "published" if published else "hidden from the shop"
        self.message_user(request, f"{len(ids)} products {done}.")

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Product]) -> None:
        with transaction.atomic():
            delete_products(queryset.values_list("pk", flat=True))

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Photos are stored here, before Django opens the transaction of the form.

        Where the storage fails inside it, all is rolled back and the form is answered once more, with that at its fields.
        """
        uploads: list[Any] = []
        if request.method == "POST" and (self.has_add_permission(request) or self.has_change_permission(request)):
            uploads = [upload for _, given in request.FILES.lists() for upload in given]
            keep_uploads(uploads)
        try:
            response = super().changeform_view(request, *args, **kwargs)
        except StorageUnavailable as error:
            if not uploads:
                raise
            for upload in uploads:
                upload.kept = error
            return super().changeform_view(request, *args, **kwargs)
        if (saved := getattr(request, _SAVED, None)) is not None:
            self.photos_saved(request, *saved)
        return response

    def photos_saved(self, request: HttpRequest, product: Product, uploads: Sequence[Upload]) -> None:
        """Called outside the transaction once the product has these new photos."""
        for level, text in self.told_of(product, uploads):
            self.message_user(request, text, level=level)

    def save_model(self, request: HttpRequest, obj: Product, form: Any, change: bool) -> None:
        """What is paid now follows from a sale that was given, changed or taken away here."""
        if {"sale_price", "sale_from", "sale_until"} & set(form.changed_data):
            sales.apply(obj, sales.Pricing.of(obj), timezone.now())
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        with transaction.atomic(), announce.together():
            new = form.cleaned_data.get("new_photos") or []
            before = form.cleaned_data.get("kept_photos") or []
            held: list[tuple[Any, KeptPhoto]] = [
                *new,
                *before,
                *(pair for formset in formsets if isinstance(formset, PhotoFormSet) for pair in formset.uploads()),
            ]
            missing = set(store.hold(kept for _, kept in held))
            gone = [name for name, kept in before if kept in missing]
            swept = [upload for upload, kept in held if kept in missing and not isinstance(upload, str)]
            keep_uploads(swept)
            if failed := [upload.kept for upload in swept if isinstance(upload.kept, StorageUnavailable)]:
                raise failed[0]
            super().save_related(request, form, formsets, change)
            _add_last(form.instance, [kept for name, kept in (*new, *before) if name not in gone])
            url = form.cleaned_data.get("new_photo_url")
            if url and not form.instance.images.filter(source_url=url).exists():
                add_by_url(form.instance, url)
        left_out = [*form.refused, *(f"{name}: it is kept no longer; choose it again" for name in gone)]
        for text in left_out:
            self.message_user(request, f"Not added: {text}.", level="warning")
        uploads = [upload for upload, _ in held if not isinstance(upload, str)]
        if uploads:
            setattr(request, _SAVED, (form.instance, uploads))

    def save_formset(self, request: HttpRequest, form: Any, formset: BaseFormSet[Any], change: bool) -> None:
        if isinstance(formset, PhotoFormSet):
            position = store.next_position(form.instance.pk)
            for photo in formset.forms:
                if photo.has_changed() and photo.appended and photo.instance.pk is None:
                    photo.instance.position = position
                    position += 1
        super().save_formset(request, form, formset, change)

    class Media:
        js = [
            Script("admin_lookalike/guard.js", type="module"),
            Script("admin_lookalike/attributes.js", type="module"),
            Script("admin_lookalike/photos.js", type="module"),
        ]


def _add_last(product: Product, new: list[store.KeptPhoto]) -> None:
    stored = set(ProductImage.objects.filter(product=product).values_list("digest", flat=True))
    for kept in new:
        if kept.digest not in stored:
            image = ProductImage(product=product, position=store.next_position(product.pk))
            store.name_file(image, kept)
            image.save()
