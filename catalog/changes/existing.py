"""The products that a batch of changes names, as they are, with their photos and categories: a fixed number of statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from django.db.models import BigIntegerField, Q, TextField

from catalog import bulk
from catalog.identifiers import sku_forms
from catalog.models import Product, ProductCategory, ProductImage
from catalog.parameters import MAX_ID


@dataclass(frozen=True)
class Existing:
    """Products by what named them: `by_sku` by SKUs in NFC. `photos` in their order and `further`, the ids of further categories,
    are by the product's id, and empty for others.
    """

    by_id: Mapping[int, Product]
    by_sku: Mapping[str, Product]
    photos: Mapping[int, list[ProductImage]] = field(default_factory=lambda: defaultdict(list))
    further: Mapping[int, set[int]] = field(default_factory=lambda: defaultdict(set))


def find_products(
    *, skus: Iterable[str] = (), ids: Iterable[int] = (), lock: Literal["no", "row", "key"] = "no"
) -> Existing:
    """Find products by SKUs in NFC, also those that were kept decomposed (NFD), and by ids.

    `lock`: `row` lets nobody else write them until the transaction ends, `key` is for those that are to be deleted or given
    another SKU as well. Rows are locked in the order of their ids, so that two batches never wait for each other.
    """
    wanted = [product_id for product_id in ids if product_id <= MAX_ID]
    forms = {form: sku for sku in skus for form in sku_forms(sku)}
    with_skus = Q(bulk.In("sku", TextField(), forms))
    named = Q(bulk.In("pk", BigIntegerField(), wanted)) | with_skus if wanted else with_skus
    products = Product.objects.filter(named).order_by("pk")
    if lock != "no":
        products = products.select_for_update(no_key=lock == "row")
    by_id, by_sku = {}, {}
    for product in products:
        by_id[product.pk] = product
        sku = forms.get(product.sku)
        if sku is not None and (sku not in by_sku or product.sku == sku):
            by_sku[sku] = product
    existing = Existing(by_id, by_sku)
    _read_photos(existing)
    _read_further(existing)
    return existing


def _read_photos(existing: Existing) -> None:
    for image in ProductImage.objects.filter(bulk.In("product_id", BigIntegerField(), existing.by_id)).order_by(
        "position", "id"
    ):
        existing.photos[image.product_id].append(image)


def _read_further(existing: Existing) -> None:
    for row in ProductCategory.objects.filter(bulk.In("product_id", BigIntegerField(), existing.by_id)):
        existing.further[row.product_id].add(row.category_id)
