"""Compares a batch of feed rows with the catalogue and writes the differences in one short transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import BigIntegerField, TextField
from django.utils import timezone

from catalog import announce, bulk
from catalog.categories import CategoryTree
from catalog.feeds import sources
from catalog.feeds.columns import ProductRow
from catalog.feeds.offers import Offer, OfferCells
from catalog.feeds.photo_changes import PhotoChanges, PhotoReference, plan_photos, write_photos
from catalog.feeds.sources import Source
from catalog.identifiers import sku_forms
from catalog.models import Product, ProductCategory, ProductImage
from catalog.photos import store as photos
from catalog.sales import Pricing

_MISSING = -1  # a category that a dry run would make


@dataclass(frozen=True)
class Candidate:
    """A row and its photos. `complete`: every photo it names could be read; if not, no photo of the product is removed."""

    row: ProductRow
    photos: Sequence[PhotoReference] | None
    complete: bool


@dataclass
class Changes:
    """Products created, updated (photos included) and unchanged; photos added and removed, those among them that are shown until
    their successor is fetched.
    """

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    photos_added: int = 0
    photos_removed: int = 0

    def __iadd__(self, other: Changes) -> Changes:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)
        return self


@dataclass(frozen=True)
class Outcome:
    """What was changed, the products named that are there, and rows that were not taken, as they have no title and no product
    has their id.
    """

    changes: Changes
    products: list[int]
    untitled: list[ProductRow]


class PhotosSwept(Exception):
    """Stored files were swept before a row referred to them; those of `names` (in storage) are to be stored again."""

    def __init__(self, names: set[str]) -> None:
        super().__init__(", ".join(sorted(names)))
        self.names = names


@dataclass
class _Plan:
    """The changes of one product. `further`: its further categories, where they change."""

    product: Product
    is_new: bool
    fields: set[str] = field(default_factory=set)
    hides: bool = False
    offer: Offer | None = None
    further: set[int] | None = None
    photos: PhotoChanges = field(default_factory=PhotoChanges)

    @property
    def is_unchanged(self) -> bool:
        return not (self.is_new or self.fields) and self.further is None and self.photos.are_none


def would_change(batch: Iterable[Candidate], tree: CategoryTree, source: Source | None = None) -> Outcome:
    """Counts only; nothing is written."""
    plans, untitled = _plans(batch, tree, source, lock=False)
    return Outcome(_counts(plans), [plan.product.pk for plan in plans if not plan.is_new], untitled)


def write(
    batch: Sequence[Candidate], tree: CategoryTree, source: Source | None = None, refetch: bool = False
) -> Outcome:
    """Write a batch, note that the source names its products, and announce it. `refetch`: as in `write_photos`.

    Raises PhotosSwept, or the database's errors; then nothing of it is written.
    """
    rows = [candidate.row for candidate in batch]
    for path in dict.fromkeys(path for row in rows for path in (row.category, *row.further) if path):
        tree.make(path)
    with transaction.atomic():
        _hold_files(batch)
        plans, untitled = _plans(batch, tree, source, lock=True)
        with announce.together(priority="import"):
            _write_products(plans)
            _write_further(plans)
            write_photos((plan.photos for plan in plans), refetch=refetch)
        if source is not None:
            sources.name_products(
                source, {plan.product.pk: None if plan.offer is None else plan.offer is Offer.HIDDEN for plan in plans}
            )
    return Outcome(_counts(plans), [plan.product.pk for plan in plans], untitled)


def _plans(
    batch: Iterable[Candidate], tree: CategoryTree, source: Source | None, *, lock: bool
) -> tuple[list[_Plan], list[ProductRow]]:
    """What each row changes, and the rows that would be products without a title."""
    candidates = list(batch)
    existing = _existing([candidate.row.sku for candidate in candidates], lock=lock)
    images: defaultdict[int, list[ProductImage]] = defaultdict(list)
    ids = [product.pk for product in existing.values()]
    for image in ProductImage.objects.filter(bulk.In("product_id", BigIntegerField(), ids)).order_by("position", "id"):
        images[image.product_id].append(image)
    further = _further_categories(ids)
    hidden = [product.pk for product in existing.values() if not product.published]
    taken_off = sources.taken_off(source, hidden) if source and hidden else set()
    now = timezone.now()
    plans, untitled = [], []
    for candidate in candidates:
        product = existing.get(candidate.row.sku)
        if product is None and not candidate.row.fields.get("title"):
            untitled.append(candidate.row)
            continue
        plan = _Plan(product or Product(sku=candidate.row.sku), is_new=product is None)
        _plan_fields(plan, candidate.row, tree, now)
        _plan_further(plan, candidate.row, tree, further[plan.product.pk] if product else set())
        _plan_offer(plan, candidate.row.offer, plan.product.pk in taken_off, now)
        if candidate.photos is not None:
            have = images[plan.product.pk] if product else []
            plan.photos = plan_photos(plan.product, candidate.photos, have, complete=candidate.complete)
            plan.hides = plan.hides or bool(plan.photos.removed)
        plans.append(plan)
    return plans, untitled


def _existing(skus: Iterable[str], *, lock: bool) -> dict[str, Product]:
    """The products of SKUs in NFC, by those. One that was kept decomposed (NFD) is found too."""
    forms = {form: sku for sku in skus for form in sku_forms(sku)}
    products = Product.objects.filter(bulk.In("sku", TextField(), forms)).order_by("pk")
    if lock:
        products = products.select_for_update(no_key=True)
    found: dict[str, Product] = {}
    for product in products:
        sku = forms[product.sku]
        if sku not in found or product.sku == sku:
            found[sku] = product
    return found


def _plan_fields(plan: _Plan, row: ProductRow, tree: CategoryTree, now: datetime) -> None:
    wanted = dict(row.fields)
    if row.prices:
        wanted |= Pricing.of(plan.product).changed(row.prices).fields(now)
    if row.attributes is not None:
        kept = {name: value for name, value in plan.product.attributes.items() if name in row.unread}
        wanted["attributes"] = {**kept, **row.attributes}
    if row.category is not None:
        wanted["category_id"] = tree.find(row.category) or _MISSING if row.category else None
    for name, value in wanted.items():
        if getattr(plan.product, name) != value:
            plan.hides = plan.hides or name == "group"
            setattr(plan.product, name, value)
            plan.fields.add(name)


def _further_categories(products: Iterable[int]) -> Mapping[int, set[int]]:
    found: defaultdict[int, set[int]] = defaultdict(set)
    rows = ProductCategory.objects.filter(bulk.In("product_id", BigIntegerField(), products))
    for product, category in rows.values_list("product_id", "category_id"):
        found[product].add(category)
    return found


def _plan_further(plan: _Plan, row: ProductRow, tree: CategoryTree, have: set[int]) -> None:
    if row.category is not None:
        wanted = {tree.find(path) or _MISSING for path in row.further} - {plan.product.category_id}
        plan.further = wanted if wanted != have else None


def _plan_offer(plan: _Plan, cells: OfferCells, was_off: bool, now: datetime) -> None:
    """Whether the product is shown, and until when. `was_off`: this feed's own words had hidden it.

    A feed that states nothing any more shows again what its words, a date or its silence had hidden, but not what a person or
    another feed hid.
    """
    product, plan.offer = plan.product, cells.offer
    expires_at = cells.expires_at if cells.dated else product.expires_at
    if cells.offer is Offer.HIDDEN or (expires_at is not None and expires_at <= now):
        shown = False
    elif cells.offer is Offer.SHOWN:
        shown = True
    else:
        expired = cells.dated and product.expires_at is not None and product.expires_at <= now
        shown = product.published or product.withdrawn or expired or (cells.offer is Offer.UNSAID and was_off)
    for name, value in {"published": shown, "withdrawn": False, "expires_at": expires_at}.items():
        if getattr(product, name) != value:
            plan.hides = plan.hides or (name == "published" and not shown)
            setattr(product, name, value)
            plan.fields.add(name)


def _hold_files(batch: Iterable[Candidate]) -> None:
    """Protect the files from the sweep. Asks storage, which may be slow, so it comes before any row is locked."""
    references = (reference for candidate in batch for reference in candidate.photos or ())
    files = {reference.kept.name: reference.kept for reference in references if reference.kept is not None}
    if swept := photos.hold(files.values()):
        raise PhotosSwept({kept.name for kept in swept})


def _write_products(plans: list[_Plan]) -> None:
    bulk.insert([plan.product for plan in plans if plan.is_new])
    changed = [plan.product for plan in plans if plan.fields and not plan.is_new]
    names = {name for plan in plans if not plan.is_new for name in plan.fields}
    if changed:
        now = timezone.now()
        for product in changed:
            product.updated_at = now
        Product.objects.bulk_update(changed, [*sorted(names), "updated_at"])
    for hidden in (True, False):
        announce.products_changed(
            [plan.product.pk for plan in plans if plan.hides is hidden and not plan.is_unchanged], hidden=hidden
        )


def _write_further(plans: list[_Plan]) -> None:
    changed = {plan.product.pk: plan.further for plan in plans if plan.further is not None}
    if changed:
        ProductCategory.objects.filter(product__in=list(changed)).delete()
        ProductCategory.objects.bulk_create(
            ProductCategory(product_id=product, category_id=category)
            for product, categories in changed.items()
            for category in sorted(categories)
        )


def _counts(plans: Iterable[_Plan]) -> Changes:
    changes = Changes()
    for plan in plans:
        changes.created += plan.is_new
        changes.unchanged += plan.is_unchanged
        changes.updated += not plan.is_new and not plan.is_unchanged
        changes.photos_added += len(plan.photos.added)
        changes.photos_removed += len(plan.photos.removed) + plan.photos.counted
    return changes
