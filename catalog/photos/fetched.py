"""What becomes of the rows of photos given by URL, once a file has been fetched: for the first time, or anew."""

from __future__ import annotations

from django.db import transaction

from catalog import announce
from catalog.models import PhotoOrigin, Product, ProductImage
from catalog.photos.fetch import Fetched
from catalog.photos.store import KeptPhoto, hold, keep, name_file
from catalog.photos.validators import Validators


def store_fetched(image: ProductImage, fetched: Fetched) -> ProductImage | None:
    """Store what was fetched from `image.source_url`; the caller goes on with the row that is returned. Photos whose successor
    it is are deleted.

    None when the row is gone or has another URL by now, or when the product has the same photo already: then the row is
    deleted. The photo is not announced as new, because the caller is embedding it already.
    Raises PhotoError, StorageUnavailable.
    """
    while True:
        kept = keep(fetched.data)
        with transaction.atomic():
            if hold([kept]):
                continue
            if not _lock_product(image.product_id):
                return None
            row = ProductImage.objects.select_for_update().filter(pk=image.pk, source_url=image.source_url).first()
            if row is not None and not row.digest:
                with announce.together(priority="import"):
                    return _stored_first(row, kept, fetched.validators)
            return row


def replace_fetched(image: ProductImage, fetched: Fetched) -> bool:
    """Store what was fetched anew from `image.source_url`, where it differs; whether it does. The row, its position and its
    alternative text stay; it is deleted where another row of the product shows the same photo.

    Nothing is written when the row is gone or has another URL by now. Raises PhotoError, StorageUnavailable.
    """
    while True:
        kept = keep(fetched.data)
        with transaction.atomic():
            if hold([kept]):
                continue
            if not _lock_product(image.product_id):
                return False
            rows = ProductImage.objects.select_for_update().filter(pk=image.pk, source_url=image.source_url)
            row = rows.exclude(digest="").first()
            if row is None:
                return False
            with announce.together(priority="import"):
                return _stored_anew(row, kept, fetched.validators)


def _stored_first(row: ProductImage, kept: KeptPhoto, validators: Validators) -> ProductImage | None:
    replaced = ProductImage.objects.filter(product_id=row.product_id, successor=row.pk)
    same = _same_photo(row, kept)
    if same is not None:
        replaced.exclude(pk=same.pk).delete()
        row.delete()
        if same.successor_id is not None:
            _move(same, row, validators)
        return None
    replaced.delete()
    name_file(row, kept)
    ProductImage.objects.filter(pk=row.pk).update(
        file=kept.name, digest=kept.digest, width=kept.width, height=kept.height
    )
    _remember(row.pk, validators)
    announce.products_changed([row.product_id], hidden=False)
    return row


def _move(same: ProductImage, row: ProductImage, validators: Validators) -> None:
    """A photo that was to be replaced has merely moved to the deleted row's URL: it stays, with its features."""
    ProductImage.objects.filter(pk=same.pk).update(source_url=row.source_url, position=row.position, successor=None)
    _remember(same.pk, validators)
    announce.products_changed([row.product_id], hidden=False)


def _stored_anew(row: ProductImage, kept: KeptPhoto, validators: Validators) -> bool:
    _remember(row.pk, validators)
    if row.digest == kept.digest:
        return False
    same = _same_photo(row, kept)
    if same is not None and same.successor_id is None:
        row.delete()
        return True
    if same is not None:
        same.delete()
    name_file(row, kept)
    row.save()
    return True


def _lock_product(product_id: int) -> bool:
    return Product.objects.select_for_update(no_key=True).filter(pk=product_id).first() is not None


def _same_photo(row: ProductImage, kept: KeptPhoto) -> ProductImage | None:
    return ProductImage.objects.filter(product_id=row.product_id, digest=kept.digest).exclude(pk=row.pk).first()


def _remember(image_id: int, validators: Validators) -> None:
    origin = PhotoOrigin(
        image_id=image_id, etag=validators.etag, last_modified=validators.last_modified, length=validators.length
    )
    PhotoOrigin.objects.bulk_create(
        [origin],
        update_conflicts=True,
        unique_fields=["image"],
        update_fields=["etag", "last_modified", "length"],
    )
