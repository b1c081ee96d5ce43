"""Products out of many photos: which files belong to one product, by their names, and what is made of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from catalog import announce
from catalog.changes.photos import MOST_PHOTOS as MOST_OF_A_PRODUCT
from catalog.identifiers import canonical_sku, sku_forms
from catalog.models import Category, Product, ProductImage
from catalog.photos import store
from catalog.photos.store import KeptPhoto

MOST_PHOTOS = 300  # at a time
_MOST_SKU, _MOST_TITLE = 200, 500
# What stands behind the name of a product in that of a photo: its number, or the side that it shows.
_VIEW = re.compile(
    r"[\s._-]*(\(\d+\)|(?<=[\s._-])\d{1,2}|(?<=[\s._-])(front|back|side|left|right|top|bottom|detail|main))$", re.I
)
_SEPARATORS = re.compile(r"[\s_.-]+")


@dataclass(frozen=True)
class NamedPhoto:
    """A stored file, under the path that it was sent by."""

    name: str
    kept: KeptPhoto


@dataclass(frozen=True)
class PhotoGroup:
    """Photos that become a product, or that are added to the `existing` one of this SKU."""

    title: str
    sku: str
    photos: Sequence[NamedPhoto]
    existing: Product | None = None


class CannotMake(Exception):
    """Nothing was made of a group; the text says why."""


def grouped(photos: Sequence[NamedPhoto], *, by_name: bool) -> list[PhotoGroup]:
    """A product for each photo or, `by_name`, for each folder and each name without its number: `red-shoe_1.jpg` and
    `red-shoe_2.jpg` are one. The same file twice is one photo. SKUs are made of the names and unlike each other."""
    found: dict[str, list[NamedPhoto]] = {}
    seen: set[str] = set()
    for number, photo in enumerate(photos):
        if photo.kept.digest in seen:
            continue
        seen.add(photo.kept.digest)
        key = _key(photo.name) if by_name else f"{number}"
        found.setdefault(key.casefold(), []).append(photo)
    groups: list[PhotoGroup] = []
    skus: set[str] = set()
    for members in found.values():
        name = _key(members[0].name) if by_name else PurePosixPath(members[0].name).stem
        sku = _free(slugify(name, allow_unicode=True).upper() or "PHOTO", skus)
        skus.add(sku)
        ordered = sorted(members, key=lambda one: _natural(one.name)) if by_name else members
        groups.append(PhotoGroup(_title(name), sku, ordered))
    return with_existing(groups)


def with_existing(groups: Sequence[PhotoGroup]) -> list[PhotoGroup]:
    """The same groups, each with the product that has its SKU."""
    forms = {form for group in groups for form in sku_forms(group.sku)}
    there = {canonical_sku(product.sku): product for product in Product.objects.filter(sku__in=forms)}
    return [replace(group, existing=there.get(canonical_sku(group.sku))) for group in groups]


def make(group: PhotoGroup, *, category: Category | None, published: bool) -> Product:
    """Make a product of the photos, or add them to the one that has the SKU. Raises CannotMake, StorageUnavailable."""
    sku, title = canonical_sku(group.sku.strip()), group.title.strip()
    if not sku or len(sku) > _MOST_SKU:
        raise CannotMake(f"a SKU of 1 to {_MOST_SKU} characters is needed")
    if not title or len(title) > _MOST_TITLE:
        raise CannotMake(f"a title of 1 to {_MOST_TITLE} characters is needed")
    try:
        return _made(replace(group, sku=sku, title=title), category, published)
    except IntegrityError as error:
        raise CannotMake("somebody else has just made a product of this SKU; look at it, then try again") from error


def _made(group: PhotoGroup, category: Category | None, published: bool) -> Product:
    """Raises CannotMake, IntegrityError, StorageUnavailable."""
    with transaction.atomic(), announce.together():
        if store.hold(one.kept for one in group.photos):
            raise CannotMake("its photos are kept no longer; choose them again")
        product = Product.objects.select_for_update(no_key=True).filter(sku__in=sku_forms(group.sku)).first()
        if product is None:
            product = Product.objects.create(sku=group.sku, title=group.title, category=category, published=published)
        have = set(product.images.values_list("digest", flat=True))
        position = store.next_position(product.pk)
        for photo in group.photos:
            if photo.kept.digest in have:
                continue
            image = ProductImage(product=product, position=position)
            store.name_file(image, photo.kept)
            image.save()
            have.add(photo.kept.digest)
            position += 1
        if len(have) > MOST_OF_A_PRODUCT:
            raise CannotMake(f"a product may have {MOST_OF_A_PRODUCT} photos; leave some out")
        store.touch(product.pk)
    return product


def known(photos: Iterable[NamedPhoto]) -> Mapping[str, Product]:
    """Of the files that the catalogue has already, by digest, a product that shows it."""
    rows = ProductImage.objects.filter(digest__in={one.kept.digest for one in photos}).select_related("product")
    return {row.digest: row.product for row in rows.order_by("-pk")}


def _key(name: str) -> str:
    """The innermost folder, else the file's name without what tells its photos apart."""
    path = PurePosixPath(name)
    if len(path.parts) > 1:
        return path.parts[-2]
    stem, before = path.stem, ""
    while stem != before and (shorter := _VIEW.sub("", stem)):
        stem, before = shorter, stem
    return stem


def _title(name: str) -> str:
    words = _SEPARATORS.sub(" ", name).strip() or "Photo"
    return (words[0].upper() + words[1:])[:_MOST_TITLE]


def _natural(name: str) -> list[tuple[int, str]]:
    """As people count: photo2 before photo10."""
    return [
        (int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"([0-9]+)", name.casefold()) if part
    ]


def _free(sku: str, taken: set[str]) -> str:
    sku, number, free = sku[: _MOST_SKU - 5], 2, sku[: _MOST_SKU - 5]
    while free in taken:
        free, number = f"{sku}-{number}", number + 1
    return free
