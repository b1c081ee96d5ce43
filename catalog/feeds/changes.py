"""Compares a batch of feed rows with the catalogue and writes the differences in one short transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from catalog.categories import CategoryTree
from catalog.changes.existing import find_products
from catalog.changes.photos import PhotoReference, plan_photos
from catalog.changes.products import ProductChange, write_changes
from catalog.feeds import sources
from catalog.feeds.columns import ProductRow
from catalog.feeds.offers import Offer, OfferCells
from catalog.feeds.sources import Source
from catalog.models import Product
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
    has their id. `planned`: in a dry run, the changes of each product.
    """

    changes: Changes
    products: list[int]
    untitled: list[ProductRow]
    planned: Sequence[ProductChange] = ()


class PhotosSwept(Exception):
    """Stored files were swept before a row referred to them; those of `names` (in storage) are to be stored again."""

    def __init__(self, names: set[str]) -> None:
        super().__init__(", ".join(sorted(names)))
        self.names = names


@dataclass
class _Plan:
    """The changes of one row's product. `offer`: what the row says of its being shown."""

    change: ProductChange
    offer: Offer | None

    @property
    def product(self) -> Product:
        return self.change.product


def would_change(batch: Iterable[Candidate], tree: CategoryTree, source: Source | None = None) -> Outcome:
    """Counts only; nothing is written."""
    plans, untitled = _plans(batch, tree, source, lock=False)
    return Outcome(
        _counts(plans),
        [plan.product.pk for plan in plans if not plan.change.is_new],
        untitled,
        [plan.change for plan in plans],
    )


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
        write_changes([plan.change for plan in plans], priority="import", refetch=refetch)
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
    existing = find_products(skus=[candidate.row.sku for candidate in candidates], lock="row" if lock else "no")
    hidden = [product.pk for product in existing.by_id.values() if not product.published]
    taken_off = sources.taken_off(source, hidden) if source and hidden else set()
    now = timezone.now()
    plans, untitled = [], []
    for candidate in candidates:
        row = candidate.row
        product = existing.by_sku.get(row.sku)
        if product is None and not row.fields.get("title"):
            untitled.append(row)
            continue
        change = ProductChange(product or Product(sku=row.sku), is_new=product is None)
        _plan_fields(change, row, tree, now)
        _plan_further(change, row, tree, existing.further[product.pk] if product else set())
        _plan_offer(change, row.offer, change.product.pk in taken_off, now)
        if candidate.photos is not None:
            have = existing.photos[product.pk] if product else []
            change.set_photos(plan_photos(change.product, candidate.photos, have, complete=candidate.complete))
        plans.append(_Plan(change, row.offer.offer))
    return plans, untitled


def _plan_fields(change: ProductChange, row: ProductRow, tree: CategoryTree, now: datetime) -> None:
    wanted = dict(row.fields)
    if row.prices:
        wanted |= Pricing.of(change.product).changed(row.prices).fields(now)
    if row.attributes is not None:
        kept = {name: value for name, value in change.product.attributes.items() if name in row.unread}
        wanted["attributes"] = {**kept, **row.attributes}
    if row.category is not None:
        wanted["category_id"] = tree.find(row.category) or _MISSING if row.category else None
    if change.product.group_decided:
        wanted.pop("group", None)
    for name, value in wanted.items():
        change.set(name, value)


def _plan_further(change: ProductChange, row: ProductRow, tree: CategoryTree, have: set[int]) -> None:
    if row.category is not None:
        wanted = {tree.find(path) or _MISSING for path in row.further} - {change.product.category_id}
        change.further = wanted if wanted != have else None


def _plan_offer(change: ProductChange, cells: OfferCells, was_off: bool, now: datetime) -> None:
    """Whether the product is shown, and until when. `was_off`: this feed's own words had hidden it.

    A feed that states nothing any more shows again what its words, a date or its silence had hidden, but not what a person or
    another feed hid.
    """
    product = change.product
    expires_at = cells.expires_at if cells.dated else product.expires_at
    if cells.offer is Offer.HIDDEN or (expires_at is not None and expires_at <= now):
        shown = False
    elif cells.offer is Offer.SHOWN:
        shown = True
    else:
        expired = cells.dated and product.expires_at is not None and product.expires_at <= now
        shown = product.published or product.withdrawn or expired or (cells.offer is Offer.UNSAID and was_off)
    for name, value in {"published": shown, "withdrawn": False, "expires_at": expires_at}.items():
        change.set(name, value)


def _hold_files(batch: Iterable[Candidate]) -> None:
    """Protect the files from the sweep. Asks storage, which may be slow, so it comes before any row is locked."""
    references = (reference for candidate in batch for reference in candidate.photos or ())
    files = {reference.kept.name: reference.kept for reference in references if reference.kept is not None}
    if swept := photos.hold(files.values()):
        raise PhotosSwept({kept.name for kept in swept})


def _counts(plans: Iterable[_Plan]) -> Changes:
    changes = Changes()
    for change in (plan.change for plan in plans):
        changes.created += change.is_new
        changes.unchanged += change.is_unchanged
        changes.updated += not change.is_new and not change.is_unchanged
        changes.photos_added += len(change.photos.added)
        changes.photos_removed += len(change.photos.removed) + change.photos.counted
    return changes
