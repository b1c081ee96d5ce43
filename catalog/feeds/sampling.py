"""Reads the first rows of a feed, so that a person can say which column is which and see what comes of it."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from PIL import Image

from catalog.changes.pricing_words import price_words
from catalog.errands.registry import ErrandFailed, Progress
from catalog.feeds.columns import ProductRow, RowError, is_url, read_columns
from catalog.feeds.mapping.applying import mapped
from catalog.feeds.mapping.files import Mapping, parse_mapping
from catalog.feeds.mapping.photos import looks_like_photos
from catalog.feeds.mapping.recognising import recognised
from catalog.feeds.mapping.shop import Context
from catalog.feeds.photo_files import PhotoReferenceError, read_photo_file
from catalog.feeds.price_cells import price_texts
from catalog.feeds.prices import PriceReader, survey
from catalog.feeds.rows import FeedError, FeedRow, Notices, Number
from catalog.feeds.runs import opened_feed
from catalog.filters.entries.price import currencies
from catalog.models import Errand, Feed
from catalog.photos.reading import PhotoError, decode_photo
from catalog.texts import printable

ERRAND = "sample_feed"
ROWS = 60  # kept; several may be one product
SHOWN = 6  # products
_CELL = 2_000  # characters of a value that are kept
_THUMBNAIL = 160


def sample_feed(errand: Errand, progress: Progress) -> dict[str, Any]:
    """Does the errand: the first rows as the feed writes them, and small pictures of those photos that lie in its archive.

    Raises ErrandFailed.
    """
    feed = Feed.objects.filter(pk=int(errand.about)).first()
    if feed is None:
        raise ErrandFailed("the feed was deleted meanwhile")
    progress("fetching the feed" if feed.url else "opening the file", 0, 0)
    try:
        with opened_feed(feed, None) as opened:
            rows = list(islice((row for row in opened.rows if isinstance(row, FeedRow)), ROWS))
            progress("looking at its photos", 0, 0)
            pictures = _pictures(rows, opened.root)
    except FeedError as error:
        raise ErrandFailed(str(error)) from error
    return {"rows": [_written(row) for row in rows], "shop": shop_of(rows), "pictures": pictures}


def shop_of(rows: Sequence[FeedRow]) -> str:
    """The shop system whose columns these are; "" where none is recognised."""
    shop = recognised(dict.fromkeys(name for row in rows for name in row.values))
    return shop.name if shop else ""


def read_rows(written: Iterable[dict[str, Any]]) -> list[FeedRow]:
    """The rows of such an errand's result."""
    return [
        FeedRow(
            one["line"],
            {name: [_read(text) for text in texts] for name, texts in one["values"]},
            one["complete"],
            one["where"],
        )
        for one in written
    ]


def sample_products(rows: Sequence[FeedRow], mapping: str, currency: str) -> tuple[list[ProductRow], list[str]]:
    """The first products that rows become by a mapping file's text ("": as they are found), and a sentence for each row that becomes
    none. Raises MappingError, FeedError.
    """
    rules = parse_mapping(mapping) if mapping.strip() else None
    reader = PriceReader(
        currency, lambda: currencies()[0].code, lambda: survey(_texts(rows, rules, currency)), Notices()
    )
    products, problems = [], []
    for row in _mapped(rows, rules, currency):
        try:
            products.append(read_columns(row, reader))
        except RowError as error:
            problems.append(f"{row.place}: {error}")
        if len(products) >= SHOWN:
            break
    return products, problems[:SHOWN]


def price_of(product: ProductRow) -> str:
    """What is paid, as the page shows it."""
    return price_words(product.prices, str(product.fields.get("currency") or ""))


def _mapped(rows: Sequence[FeedRow], rules: Mapping | None, currency: str) -> Iterable[FeedRow]:
    context = Context(lambda: iter(rows), Notices(), currency)
    return (row for row in mapped(iter(rows), context, rules) if isinstance(row, FeedRow))


def _texts(rows: Sequence[FeedRow], rules: Mapping | None, currency: str) -> Iterable[str]:
    return (text for row in _mapped(rows, rules, currency) for text in price_texts(row))


def _pictures(rows: Sequence[FeedRow], root: Path) -> dict[str, str]:
    """Small JPEGs as data: URLs, by how the feed names the photo."""
    found: dict[str, str] = {}
    named = (text.strip() for row in rows for texts in row.values.values() for text in texts)
    for reference in dict.fromkeys(text for text in named if text and looks_like_photos(text) and not is_url(text)):
        if len(found) >= 3 * SHOWN:
            break
        try:
            image = decode_photo(io.BytesIO(read_photo_file(root, reference)), at_least=_THUMBNAIL)
        except (PhotoReferenceError, PhotoError):
            continue
        found[reference] = _data_url(image)
    return found


def _data_url(image: Image.Image) -> str:
    image.thumbnail((_THUMBNAIL, _THUMBNAIL))
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "JPEG", quality=75)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _written(row: FeedRow) -> dict[str, Any]:
    values = [[printable(name), [_kept(text) for text in texts]] for name, texts in row.values.items()]
    return {"line": row.line, "values": values, "complete": row.complete, "where": printable(row.where)}


def _kept(text: str) -> str | dict[str, str]:
    """A number that the feed writes as one stays one."""
    kept = printable(text)[:_CELL]
    return {"number": kept} if isinstance(text, Number) else kept


def _read(kept: str | dict[str, str]) -> str:
    return Number(kept["number"]) if isinstance(kept, dict) else kept
