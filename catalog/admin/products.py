"""Admin of products with their photos."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db import transaction
from django.db.models import Q, QuerySet
from django.forms import BaseFormSet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from catalog import announce, sales
from catalog.admin.forms import PhotoForm, PhotoFormSet, ProductForm, Upload, keep_uploads
from catalog.admin.history import KeepsHistory
from catalog.changes.products import delete_products
from catalog.edit_history import Edit, record
from catalog.models import Category, Product, ProductCategory, ProductImage
from catalog.photos import store
from catalog.photos.storage_errors import StorageUnavailable
from catalog.representation import photo_url, price_text, thumbnail_url
from catalog.text_search import text_search

if TYPE_CHECKING:
    ProductModelAdmin = admin.ModelAdmin[Product]
    PhotoInline = admin.TabularInline[ProductImage, Product]
else:
    ProductModelAdmin = admin.ModelAdmin
    PhotoInline = admin.TabularInline

_SAVED = "_saved_photos"  # attribute of a request whose form was saved: the product and its new uploads


def thumbnail(image: ProductImage | None, side: int) -> SafeString:
    """An <img> of a stored photo that links to it, or words where there is none."""
    if image is None:
        return format_html("<span>{}</span>", "no photo")
    if not image.digest:
        return format_html('<span title="{}">{}</span>', image.source_url, "to be fetched")
    return format_html(
        '<a href="{}"><img src="{}" alt="{}" loading="lazy" style="width:{}px;height:{}px;object-fit:cover;border-radius:6px"></a>',
        photo_url(image.digest, str(image.file)),
        thumbnail_url(image.digest),
        image.alt or "photo",
        side,
        side,
    )


class CategoryFilter(admin.SimpleListFilter):
    """A category with its descendants."""

    title = "category"
    parameter_name = "category"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        categories = Category.objects.order_by("path").values_list("slug", "name", "depth")
        return [(slug, "\u2003" * (depth - 1) + name) for slug, name, depth in categories]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Product]) -> QuerySet[Product] | None:
        if not (slug := self.value()):
            return None
        path = Category.objects.filter(slug=slug).values_list("path", flat=True).first()
        if not path:
            return queryset.none()
        further = ProductCategory.objects.filter(category__path__startswith=path).values("product_id")
        return queryset.filter(Q(category__path__startswith=path) | Q(pk__in=further))


class ProductImageInline(PhotoInline):
    model = ProductImage
    verbose_name = "photo"
    verbose_name_plural = "photos"
    form = PhotoForm
    formset = PhotoFormSet
    fields = ["preview", "file", "alt", "position"]
    readonly_fields = ["preview"]
    ordering = ["position", "id"]
    extra = 1

    @admin.display(description="")
    def preview(self, image: ProductImage) -> SafeString:
        return thumbnail(image, 96) if image.pk else SafeString()


@admin.register(Product)
class ProductAdmin(KeepsHistory, ProductModelAdmin):
    """Made to be extended: a subclass may replace `inlines` and add fields, columns and actions."""

    form = ProductForm
    inlines = [ProductImageInline]
    list_display = ["photo", "title", "sku", "brand", "category", "shown_price", "in_stock", "published"]
    list_display_links = ["photo", "title"]
    list_filter = ["published", "in_stock", CategoryFilter]
    list_select_related = ["category"]
    search_fields = ["sku", "title", "brand"]
    search_help_text = "SKU, title or brand"
    list_per_page = 50
    show_full_result_count = False
    actions = ["publish", "unpublish"]
    readonly_fields = ["list_price", "created_at", "updated_at"]
    fieldsets = [
        (None, {"fields": ["title", "sku", "category", "brand", "description", "new_photos"]}),
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
        ("More", {"fields": ["group", "attributes", ("created_at", "updated_at")], "classes": ["collapse"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Product]:
        return super().get_queryset(request).prefetch_related("images")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Product], search_term: str
    ) -> tuple[QuerySet[Product], bool]:
        """What the shop's own search finds, hidden products too."""
        search = text_search(search_term.replace("\0", " "), published=False)
        return (queryset if search is None else search.among(queryset)), False

    @admin.display(description="")
    def photo(self, product: Product) -> SafeString:
        return thumbnail(next(iter(product.images.all()), None), 56)

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
        """Called outside the transaction once the product has these new photos; for a subclass that has to say something."""

    def save_model(self, request: HttpRequest, obj: Product, form: Any, change: bool) -> None:
        """What is paid now follows from a sale that was given, changed or taken away here."""
        if {"sale_price", "sale_from", "sale_until"} & set(form.changed_data):
            sales.apply(obj, sales.Pricing.of(obj), timezone.now())
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        with transaction.atomic(), announce.together():
            new = form.cleaned_data.get("new_photos") or []
            held = [
                *new,
                *(pair for formset in formsets if isinstance(formset, PhotoFormSet) for pair in formset.uploads()),
            ]
            missing = set(store.hold(kept for _, kept in held))
            swept = [upload for upload, kept in held if kept in missing]
            keep_uploads(swept)
            if failed := [upload.kept for upload in swept if isinstance(upload.kept, StorageUnavailable)]:
                raise failed[0]
            super().save_related(request, form, formsets, change)
            _add_last(form.instance, [kept for _, kept in new])
        if held:
            setattr(request, _SAVED, (form.instance, [upload for upload, _ in held]))

    def save_formset(self, request: HttpRequest, form: Any, formset: BaseFormSet[Any], change: bool) -> None:
        if isinstance(formset, PhotoFormSet):
            position = store.next_position(form.instance.pk)
            for photo in formset.forms:
                if photo.has_changed() and photo.appended and photo.instance.pk is None:
                    photo.instance.position = position
                    position += 1
        super().save_formset(request, form, formset, change)


def _add_last(product: Product, new: list[store.KeptPhoto]) -> None:
    stored = set(ProductImage.objects.filter(product=product).values_list("digest", flat=True))
    for kept in new:
        if kept.digest not in stored:
            image = ProductImage(product=product, position=store.next_position(product.pk))
            store.name_file(image, kept)
            image.save()
