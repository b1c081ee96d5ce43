"""Many products at once, by their photos: files are sent, what would become of them is shown, and only then is it done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.base import ContentFile
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_http_methods, require_POST

from catalog.admin.uploads import ACCEPT, Upload, keep_uploads, kept_upload, of_token, shown_kept, token_of
from catalog.changes.photo_groups import (
    MOST_PHOTOS,
    CannotMake,
    NamedPhoto,
    PhotoGroup,
    grouped,
    known,
    make,
    with_existing,
)
from catalog.models import Category, Product
from catalog.photos.archives import ArchiveError, looks_like_archive, unpacked
from catalog.photos.storage_errors import StorageUnavailable

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Product]
else:
    Base = admin.ModelAdmin

_NEEDED = ("catalog.add_product", "catalog.add_productimage")


@dataclass(frozen=True)
class _Refused:
    name: str
    reason: str


class ManyProducts(Base):
    """Of ProductAdmin. The page is one form: without scripts the files come with it, with them they were sent before, each by a
    request of its own, and the form has their tokens."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        page = require_http_methods(["GET", "HEAD", "POST"])(self.bulk)
        return [
            path("bulk/", view(page), name="catalog_product_bulk"),
            path("bulk/unpack/", view(require_POST(self.unpack)), name="catalog_product_unpack"),
            *super().get_urls(),
        ]

    def bulk(self, request: HttpRequest) -> HttpResponse:
        """Choose files; see what becomes of them; make it so."""
        self._check(request)
        if request.method == "POST" and "make" in request.POST:
            return self._made(request)
        sent = list(_sent(request.FILES.getlist("files")))
        kept = [
            *_from_tokens(request.POST.getlist("kept_photos")),
            *(one for one in sent if isinstance(one, NamedPhoto)),
        ]
        refused = [one for one in sent if isinstance(one, _Refused)]
        by_name = request.POST.get("by", "name") == "name"
        if len(kept) > MOST_PHOTOS:
            refused += [
                _Refused(one.name, f"{MOST_PHOTOS} photos at a time; send it next") for one in kept[MOST_PHOTOS:]
            ]
        groups = grouped(kept[:MOST_PHOTOS], by_name=by_name)
        return self._page(request, groups, by_name=by_name, refused=refused)

    def unpack(self, request: HttpRequest) -> JsonResponse:
        """The photos of one ZIP, stored, and what was refused of it."""
        self._check(request)
        file: Any = request.FILES.get("photo")
        if file is None or not looks_like_archive(file):
            return JsonResponse({"error": "This is no ZIP file; choose one, or photos."}, status=422)
        found = list(_sent([file]))
        kept = [one for one in found if isinstance(one, NamedPhoto)]
        return JsonResponse(
            {
                "kept": [{"name": one.name, "token": token_of(one.name, one.kept)} for one in kept],
                "refused": [f"{one.name}: {one.reason}" for one in found if isinstance(one, _Refused)],
            }
        )

    def _check(self, request: HttpRequest) -> None:
        if not request.user.has_perms(_NEEDED):
            raise PermissionDenied

    def _page(self, request: HttpRequest, groups: list[PhotoGroup], **context: Any) -> HttpResponse:
        shown_by = known(photo for group in groups for photo in group.photos)
        shown = [
            {
                "title": group.title,
                "sku": group.sku,
                "existing": group.existing,
                "photos": [
                    shown_kept(one.name, one.kept) | {"known": shown_by.get(one.kept.digest)} for one in group.photos
                ],
                "error": context.get("errors", {}).get(group.sku, ""),
            }
            for group in groups
        ]
        new = sum(group.existing is None for group in groups)
        context = {
            **self.admin_site.each_context(request),
            "title": "Add many products by their photos",
            "opts": self.opts,
            "groups": shown,
            "new": new,
            "added_to": len(groups) - new,
            "photos": sum(len(group.photos) for group in groups),
            "categories": Category.objects.order_by("path"),
            "accept": f"{ACCEPT},.zip,application/zip",
            "most": MOST_PHOTOS,
            "by_name": True,
            **context,
        }
        return TemplateResponse(request, "admin/catalog/product/bulk.html", context)

    def _made(self, request: HttpRequest) -> HttpResponse:
        """Each product by itself: what is wrong with one is shown again, and keeps no other out."""
        slug = request.POST.get("category", "")
        category = Category.objects.filter(slug=slug).first() if slug else None
        made, left, errors = 0, [], {}
        for group in with_existing(list(_groups(request))):
            try:
                if group.existing is not None and not self.has_change_permission(request, group.existing):
                    raise CannotMake("a product has this SKU, and you may not change it; give another one")
                product = make(group, category=category, published="published" in request.POST)
            except (CannotMake, StorageUnavailable) as error:
                left.append(group)
                errors[group.sku] = str(error)
                continue
            made += 1
            if group.existing is None:
                self.log_addition(request, product, [{"added": {}}])
            else:
                self.log_change(request, product, [{"added": {"name": "photo", "object": f"{len(group.photos)}"}}])
        if made:
            self.message_user(
                request, f"{made} {'product has' if made == 1 else 'products have'} new photos.", "success"
            )
        if left:
            self.message_user(request, f"{len(left)} could not be made; the reasons stand below.", "error")
            return self._page(request, left, errors=errors)
        return redirect("admin:catalog_product_changelist")


def _groups(request: HttpRequest) -> Iterator[PhotoGroup]:
    """As the preview was sent back: titles and SKUs as they were edited, without what was left out."""
    for number in request.POST.getlist("group")[:MOST_PHOTOS]:
        photos = list(_from_tokens(request.POST.getlist(f"photos-{number}")))
        left_out = set(request.POST.getlist(f"skip-{number}"))
        photos = [one for one in photos if one.kept.digest not in left_out]
        if photos:
            title, sku = (request.POST.get(f"{name}-{number}", "") for name in ("title", "sku"))
            yield PhotoGroup(title.replace("\0", ""), sku.replace("\0", ""), photos)


def _from_tokens(tokens: Iterable[str]) -> Iterator[NamedPhoto]:
    """Those that are still kept."""
    for token in tokens:
        try:
            name, kept = of_token(token)
        except ValidationError:
            continue
        yield NamedPhoto(name, kept)


def _sent(files: Iterable[Upload]) -> Iterator[NamedPhoto | _Refused]:
    """Files of the request, those of a ZIP one by one: stored, or what is wrong with them."""
    for file in files:
        if not looks_like_archive(file):
            yield _kept(file.name, file)
            continue
        try:
            for one in unpacked(file):
                yield _Refused(one.name, one.error) if one.error else _kept(one.name, ContentFile(one.data, one.name))
        except ArchiveError as error:
            yield _Refused(file.name, str(error))


def _kept(name: str, file: Upload) -> NamedPhoto | _Refused:
    keep_uploads([file])
    try:
        return NamedPhoto(name, kept_upload(file))
    except ValidationError as error:
        return _Refused(name, error.messages[0].removeprefix(f"{file.name}: "))
