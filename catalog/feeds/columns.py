"""Turns the cells of a feed row into checked values of a product; a cell that cannot be read costs itself alone."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import urlsplit

from catalog.categories import Path
from catalog.changes.photos import MOST_PHOTOS
from catalog.feeds import availability, category_cells, offers, price_cells
from catalog.feeds.category_cells import read_categories
from catalog.feeds.names import column_key
from catalog.feeds.offers import OfferCells, read_offer, unknown_word
from catalog.feeds.price_cells import CURRENCIES, PRICE_KEYS, read_prices
from catalog.feeds.prices import PriceReader
from catalog.feeds.rows import FeedRow, Number
from catalog.models import Product
from catalog.sales import PriceCells
from catalog.texts import HALF_A_CHARACTER, printable, text_problem

_PHOTOS = ("image_link", "additional_image_link")
_QUANTITIES = ("quantity", "inventory")
_TEXTS = {"title": "title", "description": "description", "brand": "brand", "item_group_id": "group"}
# What a complete row gives, if empty; and what is known where it is there.
_STATED = (
    *("id", "link", "availability", "price", "sale_price", price_cells.DATES),
    *(*_PHOTOS, *category_cells.COLUMNS, *_TEXTS, *offers.KEYS),
)
_KNOWN = {*_STATED, *_QUANTITIES, *PRICE_KEYS}
_AS_WRITTEN = {"link", *_PHOTOS}  # addresses, which are not to be normalised
_LENGTHS = {field.name: field.max_length for field in Product._meta.fields if field.max_length}
MAX_URL = _LENGTHS["url"]

Tell = Callable[[str], None]


class RowError(ValueError):
    """The row cannot become a product; the text names the column and the reason.

    `product_unknown`: which product it is about cannot be told, and it may be one that is there.
    """

    def __init__(self, text: str, *, product_unknown: bool = True) -> None:
        super().__init__(text)
        self.product_unknown = product_unknown


@dataclass(frozen=True)
class ProductRow:
    """The values that a row gives. `None`, or no entry: the row says nothing of it, so the product keeps its value.

    `sku` is in NFC. `fields`: values by field name of Product; `prices`: what it says of price and sale; `photos`: references as
    written, each once. `category`: the path that is shown; `further`: others under which the product is found. `offer`: whether the
    product is to be shown. `problems`: a sentence for each cell that could not be read; of such a cell the row says nothing.
    `unread`: the attributes among those. `noticed`: what is to be said once of the feed, by kind with an example.
    """

    place: str
    line: int
    sku: str
    fields: dict[str, object] = field(default_factory=dict)
    prices: PriceCells = field(default_factory=PriceCells)
    offer: OfferCells = field(default_factory=OfferCells)
    category: Path | None = None
    further: tuple[Path, ...] = ()
    attributes: dict[str, str | list[str]] | None = None
    unread: frozenset[str] = frozenset()
    photos: tuple[str, ...] | None = None
    problems: tuple[str, ...] = ()
    noticed: tuple[tuple[str, str], ...] = ()


@dataclass
class _Cells:
    """A row's cells in known columns, by key, and its attributes. `unread`: attributes whose cell cannot be read.

    `names`: what the feed calls the known columns.
    """

    known: dict[str, list[str]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, str | list[str]] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set)
    stated: bool = False


def read_columns(row: FeedRow, prices: PriceReader | None = None) -> ProductRow:
    """A row's values, prices by the reader of its feed. Raises RowError where no product is named.

    A complete row without a title is none: it says something of a product that is there already.
    """
    problems: list[str] = []
    cells = _sorted_cells(row, problems.append)
    known = cells.known
    if not (sku := _single(known, "id")):
        raise RowError(
            next((text for text in problems if text.startswith("id: ")), "id: missing; every product needs one")
        )
    if len(sku) > _LENGTHS["sku"]:
        raise RowError(f"id: longer than {_LENGTHS['sku']} characters", product_unknown=False)
    if complete := row.complete and bool(known.get("title")):
        for key in _STATED:
            known.setdefault(key, [])
        for key in cells.unread & set(_STATED):
            del known[key]
    fields: dict[str, object] = {}
    category, further = read_categories(known, problems.append)

    def take(name: str, column: str, read: Callable[[str], object]) -> None:
        try:
            fields[name] = read(_single(known, column))
        except ValueError as error:
            problems.append(f"{column}: {error}")

    for column, name in _TEXTS.items():
        if known.get(column) or (column in known and column != "title"):  # a title can be changed and not emptied
            take(name, column, _text_of(name))
    if "link" in known:
        take("url", "link", _link)
    if (stock := _stock_column(known)) is not None:
        take("in_stock", stock, _in_stock if stock == "availability" else availability.counted)
    priced = read_prices(known, prices or PriceReader(), row.place, problems.append)
    if priced.currency is not None:
        fields["currency"] = priced.currency
    offer = read_offer(known, problems.append)
    for key in offer.unknown:  # as any other column that is not known
        cells.attributes[cells.names[key]] = known[key][0]
    return ProductRow(
        place=row.place,
        line=row.line,
        sku=str(sku),
        fields=fields,
        prices=priced.cells,
        offer=offer,
        category=category,
        further=further,
        attributes=cells.attributes if cells.attributes or complete or cells.stated else None,
        unread=frozenset(cells.unread - _KNOWN),
        photos=_photos(known, problems.append),
        problems=tuple(problems),
        noticed=tuple((f"{key}: unknown", unknown_word(key, known[key][0], row.place)) for key in offer.unknown),
    )


def _sorted_cells(row: FeedRow, tell: Tell) -> _Cells:
    """Part the cells into known columns and attributes. What cannot be kept as text is told of and left out."""
    cells = _Cells()
    columns = _columns(tuple(row.values))
    has_price = any(column.is_price and any(row.values[column.name]) for column in columns)
    for column, texts in zip(columns, row.values.values(), strict=True):
        known = column.is_known or (has_price and column.key in CURRENCIES)
        problem = column.problem
        for text in texts:
            problem = problem or text_problem(text)
        if problem:
            hint = "not UTF-8; save the feed as UTF-8" if problem == HALF_A_CHARACTER else problem
            tell(f"{printable(column.name)}: {hint}")
            cells.unread.add(column.key if known else column.own)
            continue
        values = [value for text in texts if (value := _cleaned(text, column.key))]
        if known:
            cells.known.setdefault(column.key, []).extend(values)
            cells.names.setdefault(column.key, column.own)
            continue
        cells.stated = True
        if values:
            different = values if len(values) == 1 else list(dict.fromkeys(values))
            cells.attributes[column.own] = different[0] if len(different) == 1 else different
    return cells


@dataclass(frozen=True)
class _Column:
    """A column by its name as the feed writes it. `own`: what an attribute of it is called; `problem`: of the name itself."""

    name: str
    key: str
    own: str
    problem: str
    is_known: bool
    is_price: bool


@lru_cache(maxsize=256)
def _columns(names: tuple[str, ...]) -> tuple[_Column, ...]:
    """The columns of a row; those of a table are the same in every row."""
    columns = []
    for name in names:
        key, own = column_key(name), unicodedata.normalize("NFC", name.strip().removeprefix("g:"))
        columns.append(_Column(name, key, own, text_problem(name), key in _KNOWN, key in PRICE_KEYS))
    return tuple(columns)


def _cleaned(text: str, key: str) -> str:
    if isinstance(text, Number):
        return text
    stripped = text.strip()
    return stripped if stripped.isascii() or key in _AS_WRITTEN else unicodedata.normalize("NFC", stripped)


def _single(cells: dict[str, list[str]], column: str) -> str:
    return cells[column][0] if cells.get(column) else ""


def _text_of(name: str) -> Callable[[str], str]:
    limit = _LENGTHS.get(name)

    def read(text: str) -> str:
        if limit is not None and len(text) > limit:
            raise ValueError(f"{len(text)} characters, more than {limit}")
        return str(text)

    return read


def _link(text: str) -> str:
    if text and not is_url(text):
        raise ValueError(f"{text[:80]!r} is no http(s) URL of at most {MAX_URL} characters")
    return text


@lru_cache(maxsize=1024)
def is_url(text: str) -> bool:
    """Whether a text is an http(s) URL that a column can hold."""
    if ":" not in text:
        return False  # most are names of files
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc) and len(text) <= MAX_URL and " " not in text


def _stock_column(cells: dict[str, list[str]]) -> str | None:
    """The column that says whether a product is in stock: the first with a value; an empty `availability` if that is there."""
    columns = ("availability", *_QUANTITIES)
    return next(
        (column for column in columns if cells.get(column)), "availability" if "availability" in cells else None
    )


def _in_stock(text: str) -> bool:
    """A product of which nothing is said is in stock."""
    return availability.in_stock(text) if text else True


def _photos(cells: dict[str, list[str]], tell: Tell) -> tuple[str, ...] | None:
    if not any(column in cells for column in _PHOTOS):
        return None
    references = tuple(dict.fromkeys(text for column in _PHOTOS for text in cells.get(column, ())))
    if len(references) > MOST_PHOTOS:
        tell(f"additional_image_link: {len(references)} photos, more than {MOST_PHOTOS}")
        return None
    if any(len(text) > MAX_URL for text in references):
        tell(f"image_link: a reference of more than {MAX_URL} characters")
        return None
    return references
