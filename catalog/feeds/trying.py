"""Tries a feed: reads it whole, writes nothing, and says which products would be new, changed and gone."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import JSONField

from catalog.changes.products import ProductChange
from catalog.changes.timeline import shown_value
from catalog.errands.registry import ErrandFailed, Progress
from catalog.feeds.importing import FeedImport
from catalog.feeds.mapping.files import parse_mapping
from catalog.feeds.rows import FeedError
from catalog.feeds.runs import opened_feed
from catalog.feeds.sources import SourceError, no_longer_named_of
from catalog.models import Category, Errand, Feed, Product
from catalog.representation import price_text, thumbnail_url
from catalog.texts import printable

SHOWN = 100  # products of each kind that are listed; all are counted
_PROBLEMS = 100
_FIELDS = {
    "group": "variant group",
    "category_id": "category",
    "in_stock": "in stock",
    "url": "address",
    "published": "shown",
    "expires_at": "shown until",
    "list_price": "price without the sale",
    "sale_price": "price of the sale",
    "sale_from": "sale from",
    "sale_until": "sale until",
}
_UNSAID = {"withdrawn"}


def try_feed(errand: Errand, progress: Progress) -> dict[str, Any]:
    """Does the errand: a dry run of the feed as a difference to the catalogue, as JSON. Raises ErrandFailed."""
    feed = Feed.objects.filter(pk=int(errand.about)).first()
    if feed is None:
        raise ErrandFailed("the feed was deleted meanwhile")
    progress("fetching the feed" if feed.url else "opening the file", 0, 0)
    found = _Differences()
    try:
        with opened_feed(feed, None) as opened:
            report = FeedImport(
                opened,
                currency=feed.currency,
                mapping=parse_mapping(feed.mapping) if feed.mapping.strip() else None,
                dry_run=True,
                source=feed.name,
                unpublish_missing=feed.unpublish_missing,
                compare=found.add,
                advance=lambda report: progress(f"{report.rows:,} rows read", opened.position, opened.size),
            ).run()
    except (FeedError, SourceError) as error:
        raise ErrandFailed(str(error)) from error
    gone, listed = no_longer_named_of(feed.pk, found.named, SHOWN)
    return {
        "rows": report.rows,
        "new": {"count": report.changes.created, "products": found.new},
        "changed": {"count": report.changes.updated, "products": found.changed},
        "unchanged": report.changes.unchanged,
        "gone": {"count": gone, "products": _listed(listed), "hides": feed.unpublish_missing and report.hidden > 0},
        "photos_added": report.changes.photos_added,
        "photos_removed": report.changes.photos_removed,
        "problem_count": report.problem_count,
        "problems": [[printable(one.place)[:200], printable(one.reason)[:400]] for one in report.problems[:_PROBLEMS]],
        "notices": [printable(str(notice)) for notice in report.notices],
        "mapping": feed.mapping,
    }


@dataclass
class _Differences:
    """The first products that would be made or changed, and the ids of all that the feed names."""

    named: array[int] = field(default_factory=lambda: array("q"))
    new: list[dict[str, Any]] = field(default_factory=list)
    changed: list[dict[str, Any]] = field(default_factory=list)

    def add(self, changes: Sequence[ProductChange]) -> None:
        for change in changes:
            if not change.is_new:
                self.named.append(change.product.pk)
            shown = self.new if change.is_new else self.changed
            if not change.is_unchanged and len(shown) < SHOWN:
                shown.append(_shown(change))


def _shown(change: ProductChange) -> dict[str, Any]:
    product = change.product
    added = change.photos.added
    pictures = (
        image.source_url or (thumbnail_url(image.digest) if image.digest and not change.is_new else "")
        for image in added
    )
    picture = next((one for one in pictures if one), "")
    if not change.is_new:
        first = product.images.exclude(digest="").first()
        picture = thumbnail_url(first.digest) if first else picture
    return {
        "id": product.pk,
        "sku": product.sku,
        "title": product.title,
        "picture": picture,
        "price": _price(product),
        "category": "" if product.category_id is None else _category(product.category_id),
        "photos": [len(added), len(change.photos.removed)],
        "fields": [] if change.is_new else list(_fields(change)),
    }


def _fields(change: ProductChange) -> Iterator[list[str]]:
    """Each as [what, old, new]."""
    for name in sorted(change.fields - _UNSAID):
        old, new = change.before.get(name), getattr(change.product, name)
        if name == "category_id":
            yield [_FIELDS[name], _category(old), _category(new)]
        elif (
            isinstance(Product._meta.get_field(name), JSONField)
            and isinstance(old, Mapping)
            and isinstance(new, Mapping)
        ):
            for key in sorted({*old, *new}):
                if old.get(key) != new.get(key):
                    yield [str(key), shown_value(old.get(key)), shown_value(new.get(key))]
        else:
            yield [_FIELDS.get(name, name), shown_value(old), shown_value(new)]
    if change.further is not None:
        yield ["further categories", "", "other ones"]


def _price(product: Product) -> str:
    text = price_text(product.price, product.currency)
    return "" if text is None else f"{text} {product.currency}".strip()


def _category(pk: object) -> str:
    if pk is None:
        return shown_value(None)
    found = Category.objects.filter(pk=pk).first()
    return str(found) if found else "a new category"


def _listed(ids: Sequence[int]) -> list[dict[str, Any]]:
    products = Product.objects.filter(pk__in=ids).prefetch_related("images").order_by("pk")
    return [
        {
            "id": product.pk,
            "sku": product.sku,
            "title": product.title,
            "picture": next((thumbnail_url(image.digest) for image in product.images.all() if image.digest), ""),
        }
        for product in products
    ]
