"""Photos stored by their content: identical files are one file, however many rows name them.

A file is written before the short transaction that names it. The sweep may remove a file that no row names yet, so the
transaction takes a shared lock on the digest and looks again; the sweep deletes under the same lock taken alone.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.db.models import Max

from catalog import announce
from catalog.announce import Priority
from catalog.models import Product, ProductImage
from catalog.photos.reading import PhotoError, inspect_photo
from catalog.photos.storage_errors import storage_errors
from catalog.storage_names import photo_path

_LOCK_CLASS = 0x70686F74  # "phot": the first key of the two-key advisory locks


class DuplicatePhoto(PhotoError):
    """The same file is already a photo of this product."""

    def __init__(self) -> None:
        super().__init__("duplicate", "the same file is already a photo of this product; choose another")


@dataclass(frozen=True)
class KeptPhoto:
    """A file that lies in storage: SHA-256 of its bytes, name, upright width and height in pixels."""

    digest: str
    name: str
    width: int
    height: int


def describe(data: bytes) -> KeptPhoto:
    """What `keep` would store. Raises PhotoError for what is not a usable photo (judged by its header)."""
    facts = inspect_photo(io.BytesIO(data))
    digest = hashlib.sha256(data).hexdigest()
    return KeptPhoto(digest, photo_path(digest, facts.extension), facts.width, facts.height)


def keep(data: bytes, described: KeptPhoto | None = None) -> KeptPhoto:
    """Write the file unless storage has it. Slow (storage may be far away): call it outside transactions.

    `described`: what `describe(data)` gave, if it was asked already. Raises PhotoError, StorageUnavailable.
    """
    kept = described or describe(data)
    with storage_errors("the photo could not be stored"):
        if default_storage.exists(kept.name):
            if default_storage.size(kept.name) == len(data):
                return kept
            default_storage.delete(kept.name)  # a storage that does not write whole files, and a process that died
        stored = default_storage.save(kept.name, ContentFile(data))
        if stored != kept.name:
            default_storage.delete(stored)  # somebody else wrote the same bytes at this moment
    return kept


def hold(kept: Iterable[KeptPhoto]) -> list[KeptPhoto]:
    """Inside the transaction that names them: protect the files from the sweep until it ends.

    Returns those that were swept before the lock was taken; the caller writes them again and starts over. Storage, which
    may be slow, is asked only for files that no row names, so take locks that others wait for afterwards. Raises
    StorageUnavailable.
    """
    photos = list(kept)
    with connection.cursor() as cursor:
        for bucket in sorted({_bucket(photo.digest) for photo in photos}):
            cursor.execute("SELECT pg_advisory_xact_lock_shared(%s, %s)", [_LOCK_CLASS, bucket])
    digests = [photo.digest for photo in photos]
    named = set(ProductImage.objects.filter(digest__in=digests).values_list("digest", flat=True))
    with storage_errors("the stored photos could not be looked at"):
        return [photo for photo in photos if photo.digest not in named and not default_storage.exists(photo.name)]


def try_lock_for_sweep(digest: str) -> bool:
    """The sweep's side, inside its transaction: False when somebody is naming a file of this bucket right now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [_LOCK_CLASS, _bucket(digest)])
        return bool(cursor.fetchone()[0])


def add_photo(
    *,
    product: Product,
    data: bytes,
    position: int | None = None,
    alt: str = "",
    priority: Priority = "upload",
) -> ProductImage:
    """Store a photo of a product, last unless `position` says where. Raises PhotoError, DuplicatePhoto,
    StorageUnavailable.
    """
    while True:
        kept = keep(data)
        with transaction.atomic():
            if hold([kept]):
                continue
            with announce.together(priority=priority):
                Product.objects.select_for_update(no_key=True).get(pk=product.pk)
                _refuse_duplicate(product.pk, kept.digest)
                image = ProductImage(product=product, position=position or 0, alt=alt)
                if position is None:
                    last = ProductImage.objects.filter(product=product).aggregate(last=Max("position"))["last"]
                    image.position = 0 if last is None else last + 1
                name_file(image, kept)
                image.save()
            return image


def replace_photo(*, image: ProductImage, data: bytes, priority: Priority = "upload") -> ProductImage:
    """Give a photo other pixels; its row, position and text stay. Raises PhotoError, DuplicatePhoto,
    StorageUnavailable, DoesNotExist.
    """
    while True:
        kept = keep(data)
        with transaction.atomic():
            if hold([kept]):
                continue
            with announce.together(priority=priority):
                Product.objects.select_for_update(no_key=True).get(pk=image.product_id)
                row = ProductImage.objects.select_for_update().get(pk=image.pk)
                if row.digest != kept.digest:
                    _refuse_duplicate(row.product_id, kept.digest)
                    name_file(row, kept)
                    row.source_url = ""
                    row.save()
            return row


def store_fetched(image: ProductImage, data: bytes) -> ProductImage | None:
    """Store what was fetched from `image.source_url`; the caller goes on with the row that is returned.

    None when the row is gone or points elsewhere by now, or when the product shows the same photo already: then the row
    is one too many and is deleted. The photo is not announced as new: whoever fetched it is at work on it.
    Raises PhotoError, StorageUnavailable.
    """
    while True:
        kept = keep(data)
        with transaction.atomic():
            if hold([kept]):
                continue
            if not Product.objects.select_for_update(no_key=True).filter(pk=image.product_id).first():
                return None
            row = ProductImage.objects.select_for_update().filter(pk=image.pk, source_url=image.source_url).first()
            if row is not None and not row.digest:
                if _has_photo(row.product_id, kept.digest):
                    row.delete()
                    return None
                name_file(row, kept)
                ProductImage.objects.filter(pk=row.pk).update(
                    file=kept.name, digest=kept.digest, width=kept.width, height=kept.height
                )
                announce.products_changed([row.product_id], hidden=False)
            return row


def name_file(image: ProductImage, kept: KeptPhoto) -> None:
    """Point the (unsaved) row at a kept file."""
    image.digest, image.width, image.height = kept.digest, kept.width, kept.height
    image.file = kept.name


def _refuse_duplicate(product_id: int, digest: str) -> None:
    if _has_photo(product_id, digest):
        raise DuplicatePhoto


def _has_photo(product_id: int, digest: str) -> bool:
    return ProductImage.objects.filter(product_id=product_id, digest=digest).exists()


def _bucket(digest: str) -> int:
    """256 locks at most in a transaction, however many photos it names; one for each folder of storage."""
    return int(digest[:2], 16)
