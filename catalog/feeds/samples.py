"""What becomes of a feed's first rows, which a worker has read (`sampling`), by the columns that a person says.

It reads no file, and needs none of the packages that do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from catalog.changes.pricing_words import price_words
from catalog.feeds.columns import ProductRow, RowError, read_columns
from catalog.feeds.mapping.applying import mapped
from catalog.feeds.mapping.files import Mapping, parse_mapping
from catalog.feeds.mapping.recognising import recognised
from catalog.feeds.mapping.shop import Context
from catalog.feeds.price_cells import price_texts
from catalog.feeds.prices import PriceReader, survey
from catalog.feeds.rows import FeedRow, Notices, Number
from catalog.filters.entries.price import currencies

SHOWN = 6  # products


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


def _read(kept: str | dict[str, str]) -> str:
    return Number(kept["number"]) if isinstance(kept, dict) else kept
