"""Feeds as named sources: which products each names, and which products none names any more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from catalog import announce
from catalog.identifiers import sku_forms
from catalog.models import Feed, FeedProduct, Product

BATCH = 500
MAX_NAME = 500

# Said of f, a row of catalog_feedproduct: no other feed has named its product since that feed was last read to its end.
_NAMED_BY_NO_OTHER = """
NOT EXISTS (
    SELECT FROM catalog_feedproduct other JOIN catalog_feed feed ON feed.id = other.feed_id
    WHERE other.product_id = f.product_id AND other.feed_id <> f.feed_id AND other.named_in >= feed.last_whole
)
"""
_NAME = """
INSERT INTO catalog_feedproduct AS f (feed_id, product_id, named_in, off)
SELECT %(feed)s, named.id, %(run)s, named.off FROM unnest(%(ids)s::bigint[], %(off)s::boolean[]) AS named (id, off)
JOIN catalog_product p ON p.id = named.id ORDER BY named.id
ON CONFLICT (feed_id, product_id) DO UPDATE
SET named_in = greatest(f.named_in, excluded.named_in), off = coalesce(excluded.off, f.off)
"""
_COUNT = f"""
SELECT count(*) FROM catalog_feedproduct f JOIN catalog_product p ON p.id = f.product_id
WHERE f.feed_id = %(feed)s AND p.published AND {_NAMED_BY_NO_OTHER}
"""  # noqa: S608 (a condition of this module)
_PUBLISHED = """
SELECT count(*) FROM catalog_feedproduct f JOIN catalog_product p ON p.id = f.product_id
WHERE f.feed_id = %(feed)s AND p.published
"""
_GONE = f"""
SELECT p.id, count(*) OVER () FROM catalog_feedproduct f JOIN catalog_product p ON p.id = f.product_id
LEFT JOIN unnest(%(named)s::bigint[]) AS named (id) ON named.id = p.id
WHERE f.feed_id = %(feed)s AND p.published AND named.id IS NULL AND {_NAMED_BY_NO_OTHER} ORDER BY p.id LIMIT %(most)s
"""  # noqa: S608 (a condition of this module)
_LOCKED = f"""
SELECT p.id FROM catalog_feedproduct f JOIN catalog_product p ON p.id = f.product_id
WHERE f.feed_id = %(feed)s AND f.named_in < %(run)s AND f.product_id > %(after)s AND {_NAMED_BY_NO_OTHER}
ORDER BY f.product_id LIMIT {BATCH} FOR NO KEY UPDATE OF p
"""  # noqa: S608 (a condition of this module)
_MISSING = f"""
SELECT f.product_id, p.published, coalesce(f.off, false) FROM catalog_feedproduct f JOIN catalog_product p ON p.id = f.product_id
WHERE f.feed_id = %(feed)s AND f.named_in < %(run)s AND f.product_id = ANY (%(ids)s::bigint[]) AND {_NAMED_BY_NO_OTHER}
"""  # noqa: S608 (a condition of this module)


class SourceError(ValueError):
    """The name cannot be one of a feed; the text says why and what to do."""


@dataclass(frozen=True)
class Source:
    """One import of a named feed. `feed`: its id, 0 in a dry run of one that was never imported. `run`: the import's number."""

    feed: int
    run: int


@dataclass(frozen=True)
class Missing:
    """`products`: published ones that no feed names any more, of `of` that the feed had when the import began."""

    products: int
    of: int

    @property
    def share(self) -> float:
        return self.products / self.of if self.of else 0.0


def begin(name: str) -> Source:
    """Begin an import of a feed, which is made if there is none of that name. Raises SourceError."""
    check_name(name)
    feed, _ = Feed.objects.get_or_create(name=name)
    Feed.objects.filter(pk=feed.pk).update(runs=F("runs") + 1)
    return Source(feed.pk, Feed.objects.values_list("runs", flat=True).get(pk=feed.pk))


def pretend(name: str) -> Source:
    """The same for a dry run, which writes nothing. Raises SourceError."""
    check_name(name)
    feed = Feed.objects.filter(name=name).first()
    return Source(feed.pk, feed.runs + 1) if feed else Source(0, 1)


def taken_off(source: Source, product_ids: Iterable[int]) -> set[int]:
    """Those of the products that the feed's own words hide."""
    rows = FeedProduct.objects.filter(feed=source.feed, product__in=list(product_ids), off=True)
    return set(rows.values_list("product_id", flat=True))


def name_products(source: Source, products: Mapping[int, bool | None]) -> None:
    """Note that the feed names products, and whether it says that they are to be hidden (None: it does not say)."""
    if products:
        _ask(_NAME, feed=source.feed, run=source.run, ids=list(products), off=list(products.values()))


def skus_named(sku: str) -> list[int]:
    """The ids of the products that have a SKU, in whichever form each has it."""
    return list(Product.objects.filter(sku__in=sku_forms(sku)).values_list("pk", flat=True))


def published_products(source: Source) -> int:
    """How many published products the feed has named."""
    return int(_ask(_PUBLISHED, feed=source.feed)[0][0])


def only_here(source: Source, product_ids: Iterable[int] | None = None) -> int:
    """How many published products, of all or of some, would be named by no feed if this one did not name them."""
    statement = _COUNT if product_ids is None else _COUNT + "AND f.product_id = ANY (%(ids)s::bigint[])"
    return int(_ask(statement, feed=source.feed, ids=list(product_ids or ()))[0][0])


def no_longer_named(source: Source) -> int:
    """How many published products this import, read to its end, left without a feed that names them."""
    return int(_ask(_COUNT + "AND f.named_in < %(run)s", feed=source.feed, run=source.run)[0][0])


def no_longer_named_of(feed_id: int, named: Iterable[int], most: int) -> tuple[int, list[int]]:
    """Of the published products that belong to a feed, those that are not among `named` and that no other feed names: how many, and
    the ids of the first `most`.
    """
    rows = _ask(_GONE, feed=feed_id, named=list(named), most=most)
    return (rows[0][1], [row[0] for row in rows]) if rows else (0, [])


def end(source: Source) -> None:
    """Note that an import was read to its end."""
    Feed.objects.filter(pk=source.feed, last_whole__lt=source.run).update(last_whole=source.run)


def hide_missing(source: Source) -> int:
    """Hide the products that `no_longer_named` counts, in small batches; how many. They belong to the feed no more.

    Harmless to repeat, also after a run that broke off.
    """
    hidden = after = 0
    while True:
        with transaction.atomic():
            ids = [row[0] for row in _ask(_LOCKED, feed=source.feed, run=source.run, after=after)]
            if not ids:
                return hidden
            # Asked again now that no import can name them: one may have while their locks were waited for.
            rows = _ask(_MISSING, feed=source.feed, run=source.run, ids=ids)
            published = [product for product, shown, _ in rows if shown]
            withdrawn = [product for product, shown, off in rows if shown or off]
            Product.objects.filter(pk__in=withdrawn).update(published=False, withdrawn=True, updated_at=timezone.now())
            FeedProduct.objects.filter(feed=source.feed, product__in=[product for product, _, _ in rows]).delete()
            announce.products_changed(published, hidden=True)
        hidden += len(published)
        after = ids[-1]


def check_name(name: str) -> None:
    """Raises SourceError where a feed cannot have a name."""
    if not name.strip() or len(name) > MAX_NAME:
        raise SourceError(f"a feed's name has 1 to {MAX_NAME} characters; give it one by --feed NAME")


def _ask(statement: str, **values: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []
