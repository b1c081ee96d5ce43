"""Which column of a feed is which: what a page shows of it, and what a person chose there.

Imported when such a page is asked for: it knows the formats of all shop systems, which a web process does without.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from catalog.feeds import samples
from catalog.feeds.columns import ProductRow
from catalog.feeds.mapping.by_hand import asked, written
from catalog.feeds.mapping.files import MappingError
from catalog.feeds.mapping.suggesting import columns_of, guesses
from catalog.feeds.names import column_key
from catalog.feeds.rows import FeedError, FeedRow
from catalog.models import Errand, Feed

_EXAMPLE = 40  # characters of a column's example
_ASKED = tuple(one.field for one in asked("", {}))


@dataclass(frozen=True)
class Choice:
    """`rows`: the first ones of the feed. `mapping`: the text of a mapping file, "" where columns are taken as they are found.
    `by_hand`: whether a person says which column is which. `problem`: what is wrong with what was chosen, "" where nothing is.
    """

    rows: list[FeedRow]
    mapping: str
    by_hand: bool
    problem: str = ""


def choice(feed: Feed, errand: Errand, posted: Mapping[str, str] | None) -> Choice:
    """What was posted, else what is kept, else what is guessed of the rows that an errand has read."""
    rows = samples.read_rows(errand.result["rows"])
    guessed = guesses(rows)
    if posted is None:
        if feed.mapping.strip() or _are_ours(rows):
            return Choice(rows, feed.mapping, bool(feed.mapping.strip()))
        return Choice(rows, written({name: columns[0] for name, columns in guessed.items()}, "", guessed), True)
    if posted.get("way") == "found":
        return Choice(rows, "", False)
    names = set(columns_of(rows))
    chosen = {name: posted.get(f"column-{name}", "") for name in _ASKED}
    if unknown := [column for column in chosen.values() if column and column not in names]:
        return Choice(rows, feed.mapping, True, f"the feed has no column {unknown[0]!r}: choose one of the list")
    try:
        return Choice(rows, written(chosen, feed.mapping, guessed), True)
    except MappingError as error:
        return Choice(rows, feed.mapping, True, str(error))


def shown(feed: Feed, errand: Errand, choice: Choice) -> dict[str, Any]:
    """For the page's template: the first products that the rows become, what is wrong, and the columns to choose from."""
    products: list[ProductRow] = []
    problems = [choice.problem] if choice.problem else []
    try:
        products, wrong = samples.sample_products(choice.rows, choice.mapping, feed.currency)
        problems += wrong
    except FeedError as error:
        problems.append(str(error))
    pictures: Mapping[str, str] = errand.result["pictures"]
    shown = [
        {
            "row": product,
            "photos": [
                pictures.get(one, one if one.startswith("https://") else "") for one in (product.photos or ())[:3]
            ],
            "price": samples.price_of(product),
            "category": " › ".join(product.category or ()),
        }
        for product in products
    ]
    columns = [
        (name, next((text for text in texts if text), "")[:_EXAMPLE]) for name, texts in columns_of(choice.rows).items()
    ]
    return {
        "shop": errand.result["shop"],
        "products": shown,
        "problems": problems,
        "fields": asked(choice.mapping, {} if choice.by_hand else guesses(choice.rows)),
        "columns": columns,
        "by_hand": choice.by_hand,
    }


def _are_ours(rows: list[FeedRow]) -> bool:
    """Whether the feed needs no mapping: a known shop system wrote it, or it names its columns as we do."""
    names = {column_key(name) for name in columns_of(rows)}
    return samples.shop_of(rows) != "" or {"id", "title"} <= names
