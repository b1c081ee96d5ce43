"""What the mapping of a shop system is, and functions that read a row by the names of its columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from catalog.feeds.names import column_key
from catalog.feeds.rows import BadRow, FeedRow, Notices

Values = dict[str, list[str]]
Rows = Iterator[FeedRow | BadRow]
Again = Callable[[], Rows]  # reads the feed once more from its first row


@dataclass(frozen=True)
class Context:
    """What a mapping has beside the rows.

    `again` reads the feed once more, for systems that say only later in it what belongs together. `currency`: the one wanted
    where a product has prices in several, or "".
    """

    again: Again
    notices: Notices
    currency: str = ""


Map = Callable[[Rows, Context], Rows]

key_of = lru_cache(maxsize=4096)(column_key)


@dataclass(frozen=True)
class Shop:
    """How one shop system names its columns.

    `needed`: sets of column keys, of which one must be there whole for a feed to be recognised. `map`: the rows under the
    names of Google's feed; one product may take several rows, and one row may hold several products. None: its names are
    those already. `key`: the key of a column's name, for a system that translates its names.
    """

    name: str
    needed: tuple[frozenset[str], ...]
    map: Map | None = None
    key: Callable[[str], str] = key_of

    def recognises(self, names: Iterable[str]) -> bool:
        keys = frozenset(map(self.key, names))
        return any(needed <= keys for needed in self.needed)


def keyed(row: FeedRow, key: Callable[[str], str] = key_of) -> Values:
    """A row's cells by column key; an empty one is a column without a value.

    Values of objects (`variants.sku`) keep their empty places: those of one object stand at the same place in each column.
    """
    cells: Values = {}
    for name, texts in row.values.items():
        nested = "." in name and len(texts) > 1
        cells.setdefault(key(name), []).extend(text for text in texts if nested or (text and not text.isspace()))
    return cells


def first(cells: Values, *keys: str) -> str:
    """The first value under the first of the keys that has one, or ""."""
    for key in keys:
        if texts := cells.get(key):
            return texts[0].strip()
    return ""


def put(values: Values, name: str, texts: Iterable[str], *, there: bool = True) -> None:
    """Add values under one of our names. `there`: whether the feed has the column, so that no value empties it."""
    found = [text for text in texts if text]
    if found or there:
        values.setdefault(name, []).extend(found)


def copy(values: Values, name: str, cells: Values, *keys: str) -> None:
    """Put what the first column with a value holds under one of our names; if all are empty, an empty one."""
    present = [key for key in keys if key in cells]
    if present:
        put(values, name, next((cells[key] for key in present if cells[key]), []))


def put_prices(values: Values, regular: str, sale: str, *, there: bool = True) -> None:
    """The price, and what is paid now where that is another."""
    if sale and not regular:
        regular, sale = sale, ""
    put(values, "price", [regular], there=there)
    put(values, "sale_price", [sale] if sale != regular else [], there=there)


def put_attribute(values: Values, name: str, texts: Iterable[str]) -> None:
    """An attribute, unless it has no name, no value, or the name of a column that means something else."""
    name = name.strip()
    found = [text for text in texts if text.strip()]
    if name and found:
        values.setdefault(name if key_of(name) not in OURS else f"{name} (attribute)", []).extend(found)


def nth(cells: Values, key: str, index: int, count: int) -> list[str]:
    """What the object `index` of `count` has under a key: all its values, where each object has as many; else none."""
    texts = cells.get(key, [])
    if not texts or len(texts) % count:
        return []
    each = len(texts) // count
    return [text for text in texts[index * each : (index + 1) * each] if text]


def renaming(fields: dict[str, tuple[str, ...]], passed_over: frozenset[str] = frozenset()) -> Map:
    """A mapping in which one row is one product: each of our fields takes the first of its columns that has a value.

    Other columns become attributes, but for those that are passed over.
    """
    taken = passed_over | {key for keys in fields.values() for key in keys}

    def renamed(rows: Rows, _: Context) -> Rows:
        for row in rows:
            if isinstance(row, BadRow):
                yield row
                continue
            cells = keyed(row)
            values: Values = {}
            for name, keys in fields.items():
                copy(values, name, cells, *keys)
            for name, texts in row.values.items():
                if key_of(name) not in taken:
                    put_attribute(values, name, texts)
            yield replace(row, values=values)

    return renamed


OURS = frozenset(
    (
        *("id", "title", "description", "link", "image_link", "additional_image_link", "price", "sale_price"),
        *("sale_price_effective_date", "availability", "quantity", "inventory", "brand", "product_type"),
        *("google_product_category", "item_group_id", "published", "status", "removed", "expiration_date"),
        *("currency", "currency_code", "price_currency"),
    )
)
