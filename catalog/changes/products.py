"""What is written of products together, by an import or a caller: the differences alone, in statements for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.utils import timezone

from catalog import announce, bulk
from catalog.announce import Priority
from catalog.changes.photos import PhotoChanges, write_photos
from catalog.changes.updating import update_products
from catalog.edit_history import Edit, edit_has_author, record, recorded_already
from catalog.models import Product, ProductCategory


@dataclass
class ProductChange:
    """The changes of one product, already made in `product` and not yet in Postgres.

    `fields`: the names of those that differ, `before`: their values before; `hides`: answers given before may no longer be shown; `further`: the ids of its
    further categories, where they change.
    """

    product: Product
    is_new: bool
    fields: set[str] = field(default_factory=set)
    before: dict[str, object] = field(default_factory=dict)
    hides: bool = False
    further: set[int] | None = None
    photos: PhotoChanges = field(default_factory=PhotoChanges)

    @property
    def is_unchanged(self) -> bool:
        return not (self.is_new or self.fields) and self.further is None and self.photos.are_none

    def set(self, name: str, value: object) -> None:
        """Give the product a value, unless it has that."""
        if getattr(self.product, name) != value:
            # Another group changes which products an answer may hold together.
            self.hides = self.hides or name == "group" or (name == "published" and not value)
            self.before.setdefault(name, getattr(self.product, name))
            setattr(self.product, name, value)
            self.fields.add(name)

    def set_photos(self, photos: PhotoChanges) -> None:
        self.photos = photos
        self.hides = self.hides or bool(photos.removed)


def write_changes(changes: Sequence[ProductChange], *, priority: Priority, refetch: bool = False) -> None:
    """Write products, further categories and photos, and announce them. Call it in the transaction that locked the products.

    `refetch`: as in `write_photos`.
    """
    with announce.together(priority=priority):
        _write_products([change for change in changes if not change.is_unchanged])
        _write_further(changes)
        write_photos((change.photos for change in changes), priority=priority, refetch=refetch)


def delete_products(product_ids: Iterable[int]) -> None:
    """Delete products with their photos and whatever hangs on those, and announce it. Call it in a transaction."""
    chosen = Product.objects.filter(pk__in=list(product_ids))
    if edit_has_author():
        record(Edit(product, None) for product in chosen)
    with announce.together(), recorded_already():
        chosen.delete()


def _write_products(changes: list[ProductChange]) -> None:
    bulk.insert([change.product for change in changes if change.is_new])
    changed = [change for change in changes if not change.is_new]
    if changed:
        now = timezone.now()
        for change in changed:
            change.product.updated_at = now
        names = {name for change in changed for name in change.fields}
        update_products([change.product for change in changed], [*sorted(names), "updated_at"])
    for hidden in (True, False):
        announce.products_changed([change.product.pk for change in changes if change.hides is hidden], hidden=hidden)


def _write_further(changes: Iterable[ProductChange]) -> None:
    changed = {change.product.pk: change.further for change in changes if change.further is not None}
    if changed:
        ProductCategory.objects.filter(product__in=list(changed)).delete()
        ProductCategory.objects.bulk_create(
            ProductCategory(product_id=product, category_id=category)
            for product, categories in changed.items()
            for category in sorted(categories)
        )
