"""What the page of a product asks for while it is open: a photo is stored, or replaced, as soon as it is chosen, each by a
request of its own, so that every file has an outcome of its own and no edit of the form waits for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import URLPattern, path
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST, require_safe

from catalog.admin.photo_forms import PhotoFormSet, PhotoUrlField
from catalog.admin.uploads import Upload, keep_uploads, kept_upload, of_token, shown_kept
from catalog.models import Product, ProductImage
from catalog.photos import store
from catalog.photos.reading import PhotoError
from catalog.photos.storage_errors import StorageUnavailable
from catalog.photos.uploads import small_picture

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Product]
else:
    Base = admin.ModelAdmin

PLACE = "__place__"
_REFUSED = 422
_ADDS, _CHANGES = "catalog.add_productimage", "catalog.change_productimage"


class LivePhotos(Base):
    """Of ProductAdmin. Each answer is JSON: what is to be shown, `told` as messages (`level` and `html`), or an `error`."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        ours = [
            path("photos/keep/", view(require_POST(self.keep_photo)), name="catalog_product_keep_photo"),
            path(
                "photos/kept/<str:token>/", view(require_safe(self.kept_picture)), name="catalog_product_kept_picture"
            ),
            path("<int:product_id>/photos/", view(require_POST(self.add_photo)), name="catalog_product_add_photo"),
            path(
                "<int:product_id>/photos/<int:image_id>/",
                view(require_POST(self.replace_photo)),
                name="catalog_product_replace_photo",
            ),
        ]
        return [*ours, *super().get_urls()]

    def told_of(self, product: Product | None, uploads: Sequence[Upload]) -> list[tuple[str, SafeString]]:
        """Level and text of what there is to say of new photos of a product; for a subclass that knows pictures."""
        return []

    def keep_photo(self, request: HttpRequest) -> JsonResponse:
        """Store a photo of a product that is not saved yet; its form names it by the token."""
        if not (self.has_add_permission(request) or self.has_change_permission(request)):
            raise PermissionDenied
        try:
            upload = _sent(request)
            kept = kept_upload(upload)
        except ValidationError as error:
            return _refusal(request, error)
        shown = shown_kept(upload.name, kept)
        card = render_to_string("admin/catalog/product/kept_photo.html", {"kept": shown})
        return JsonResponse({"card": card, "told": self._told(None, upload)})

    def kept_picture(self, request: HttpRequest, token: str) -> HttpResponse:
        """A small picture of a photo that no product has yet."""
        if not (self.has_add_permission(request) or self.has_change_permission(request)):
            raise PermissionDenied
        try:
            data = small_picture(of_token(token)[1])
        except (ValidationError, PhotoError, FileNotFoundError) as error:
            raise Http404("there is no such photo any more") from error
        return HttpResponse(data, content_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})

    def add_photo(self, request: HttpRequest, product_id: int) -> JsonResponse:
        """Put a file, or the photo behind `url`, last among a product's photos."""
        product = self._product(request, product_id, _ADDS)
        try:
            if "url" in request.POST:
                image, upload = self._add_by_url(product, request.POST["url"]), None
            else:
                upload = _sent(request)
                kept_upload(upload)
                image = store.add_photo(product=product, data=_read(upload))
        except (ValidationError, PhotoError, StorageUnavailable) as error:
            return _refusal(request, error)
        self.log_change(request, product, [{"added": {"name": "photo", "object": str(image)}}])
        told = [] if upload is None else self._told(product, upload)
        return JsonResponse({"card": self.card(request, product, image), "told": told})

    def replace_photo(self, request: HttpRequest, product_id: int, image_id: int) -> JsonResponse:
        """Give a photo another file; its place and alternative text stay."""
        product = self._product(request, product_id, _CHANGES)
        image = get_object_or_404(ProductImage, pk=image_id, product=product)
        try:
            upload = _sent(request)
            kept_upload(upload)
            image = store.replace_photo(image=image, data=_read(upload))
        except (ValidationError, PhotoError, StorageUnavailable) as error:
            return _refusal(request, error)
        self.log_change(request, product, [{"changed": {"name": "photo", "object": str(image), "fields": ["file"]}}])
        return JsonResponse({"card": self.card(request, product, image), "told": self._told(product, upload)})

    def card(self, request: HttpRequest, product: Product, image: ProductImage) -> str:
        """The photo as the product's form shows it. The page puts the number of the photo's form, of which it knows how many there
        are, in place of PLACE."""
        [inline] = [one for one in self.get_inline_instances(request, product) if issubclass(one.formset, PhotoFormSet)]
        formset = inline.get_formset(request, product)(
            instance=product, queryset=ProductImage.objects.filter(pk=image.pk), prefix="images"
        )
        form = formset.initial_forms[0]
        form.prefix = f"images-{PLACE}"
        context = {"form": form, "image": image, "original": product}
        return render_to_string("admin/catalog/product/photo.html", context, request)

    def _product(self, request: HttpRequest, product_id: int, permission: str) -> Product:
        product = get_object_or_404(Product, pk=product_id)
        if not (self.has_change_permission(request, product) and request.user.has_perm(permission)):
            raise PermissionDenied
        return product

    def _add_by_url(self, product: Product, url: str) -> ProductImage:
        """Raises ValidationError."""
        address = PhotoUrlField(required=True).clean(url)
        try:
            with transaction.atomic():
                return add_by_url(product, address)
        except IntegrityError as error:
            raise ValidationError("The product has a photo from this URL already.", code="duplicate") from error

    def _told(self, product: Product | None, upload: Upload) -> list[dict[str, str]]:
        return [{"level": level, "html": conditional_escape(text)} for level, text in self.told_of(product, [upload])]


def add_by_url(product: Product, url: str) -> ProductImage:
    """Put a photo that a worker fetches last. Raises IntegrityError where the product has one from this URL."""
    return ProductImage.objects.create(product=product, source_url=url, position=store.next_position(product.pk))


def _sent(request: HttpRequest) -> Upload:
    """The file of the request, judged and stored if it is a photo. Raises ValidationError where there is none."""
    upload: Any = request.FILES.get("photo")
    if upload is None:
        raise ValidationError("No file was sent; choose one.", code="required")
    keep_uploads([upload])
    return upload


def _read(upload: Upload) -> bytes:
    upload.seek(0)
    data: bytes = upload.read()
    return data


def _refusal(request: HttpRequest, error: Exception) -> JsonResponse:
    """The page has the name of the file beside it."""
    upload = request.FILES.get("photo")
    text = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
    text = text.removeprefix(f"{upload.name}: ") if upload is not None else text
    return JsonResponse({"error": text}, status=503 if isinstance(error, StorageUnavailable) else _REFUSED)
