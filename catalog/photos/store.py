"""Stores photos by their content: identical files are stored once, however many rows refer to them.

A file is written before the short transaction that creates the row. In between, the sweep (`catalog.photos.sweep`) might
remove it because no row refers to it yet. So the transaction takes a shared lock on the digest and checks that the file is
still there; the sweep deletes only while it holds the same lock exclusively.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Max, TextField
from django.utils import timezone

from catalog import announce
from catalog.announce import Priority
from catalog.bulk import In
from catalog.locks import Lock, share_parts_until_commit, try_until_commit
from catalog.models import Product, ProductImage
from catalog.photos.reading import PhotoError, inspect_photo
from catalog.photos.storage_errors import storage_errors
from catalog.storage_names import photo_path


class DuplicatePhoto(PhotoError):
    """The same file is already a photo of this product."""

    def __init__(self) -> None:
        super().__init__("duplicate", "the same file is already a photo of this product; choose another")


@dataclass(frozen=True)
class KeptPhoto:
    """A stored file: SHA-256 of its bytes (hex), its name in storage, width and height in pixels once upright."""

    digest: str
    name: str
    width: int
    height: int


def describe(data: bytes) -> KeptPhoto:
    """What `keep` would store. The header alone is read. Raises PhotoError where that shows no usable photo."""
    facts = inspect_photo(io.BytesIO(data))
    digest = digest_of(data)
    return KeptPhoto(digest, photo_path(digest, facts.extension), facts.width, facts.height)


def named(digests: Iterable[str]) -> dict[str, KeptPhoto]:
    """The photos of these digests that rows name, by digest: files that are stored and were judged already."""
    rows = ProductImage.objects.filter(In("digest", TextField(), digests)).values_list(
        "digest", "file", "width", "height"
    )
    return {
        digest: KeptPhoto(digest, name, width, height)
        for digest, name, width, height in rows
        if width is not None and height is not None
    }


def digest_of(data: bytes) -> str:
    """What a file is stored and known by."""
    return hashlib.sha256(data).hexdigest()


def keep(data: bytes, described: KeptPhoto | None = None) -> KeptPhoto:
    """Write the file unless storage has it already. Slow: call it outside transactions.

    `described`: the result of `describe(data)`, if the caller has it. Raises PhotoError, StorageUnavailable.
    """
    kept = described or describe(data)
    with storage_errors("the photo could not be stored"):
        if default_storage.exists(kept.name):
            if default_storage.size(kept.name) == len(data):
                return kept
            default_storage.delete(kept.name)  # half-written by a process that died
        stored = default_storage.save(kept.name, ContentFile(data))
        if stored != kept.name:
            default_storage.delete(stored)  # another process wrote the same file meanwhile, so this is a second copy
    return kept


def hold(kept: Iterable[KeptPhoto]) -> list[KeptPhoto]:
    """Protect stored files from the sweep until the current transaction, which creates rows for them, ends.

    Returns those that were swept before the lock was taken: the caller is to `keep` them again and start over. Storage is
    asked about files that no row refers to yet, which may be slow, so take locks that others wait for only after this.
    Raises StorageUnavailable.
    """
    photos = list(kept)
    if not photos:
        return []
    share_parts_until_commit(Lock.PHOTO_FILES, (_bucket(photo.digest) for photo in photos))
    have_rows = named(photo.digest for photo in photos)
    with storage_errors("the stored photos could not be looked at"):
        return [photo for photo in photos if photo.digest not in have_rows and not default_storage.exists(photo.name)]


def try_lock_for_sweep(digest: str) -> bool:
    """The lock of the sweep, for its transaction; False while some other transaction `hold`s a file of the same bucket."""
    return try_until_commit(Lock.PHOTO_FILES, _bucket(digest))


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
                    image.position = next_position(product.pk)
                name_file(image, kept)
                image.save()
                touch(product.pk)
            return image


def replace_photo(*, image: ProductImage, data: bytes, priority: Priority = "upload") -> ProductImage:
    """Replace the file of a photo; its row, position and alternative text stay, its URL goes. Raises PhotoError, DuplicatePhoto,
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
                if put_file(row, kept):
                    touch(row.product_id)
            return row


def put_file(image: ProductImage, kept: KeptPhoto) -> bool:
    """Give a photo, whose product is locked, another file, and no URL any more; whether it had another. Raises DuplicatePhoto."""
    if image.digest == kept.digest:
        return False
    _refuse_duplicate(image.product_id, kept.digest)
    name_file(image, kept)
    image.source_url, image.successor = "", None
    image.save()
    return True


def next_position(product_id: int) -> int:
    """Where a photo stands that is put last."""
    last = ProductImage.objects.filter(product=product_id).aggregate(last=Max("position"))["last"]
    return 0 if last is None else last + 1


def touch(product_id: int) -> None:
    """Raise the version of a product, to which its photos belong."""
    Product.objects.filter(pk=product_id).update(updated_at=timezone.now())


def name_file(image: ProductImage, kept: KeptPhoto) -> None:
    """Make an unsaved row refer to a kept file."""
    image.digest, image.width, image.height = kept.digest, kept.width, kept.height
    image.file = kept.name


def _refuse_duplicate(product_id: int, digest: str) -> None:
    if _has_photo(product_id, digest):
        raise DuplicatePhoto


def _has_photo(product_id: int, digest: str) -> bool:
    return ProductImage.objects.filter(product_id=product_id, digest=digest).exists()


def _bucket(digest: str) -> int:
    """The lock of a digest: one for each of the 256 folders of storage, so that a transaction holds at most 256 locks."""
    return int(digest[:2], 16)
