"""Turns the cells of a feed row into checked values of a product."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from catalog.categories import MAX_NAME, Path, split_path
from catalog.feeds.names import column_key
from catalog.feeds.prices import parse_price
from catalog.feeds.rows import FeedRow
from catalog.models import Product
from catalog.texts import HALF_A_CHARACTER, printable, text_problem

_PHOTOS = ("image_link", "additional_image_link")
_CATEGORIES = ("product_type", "google_product_category")
_TEXTS = {"title": "title", "description": "description", "brand": "brand", "item_group_id": "group"}
_KNOWN = {"id", "link", "availability", "price", *_PHOTOS, *_CATEGORIES, *_TEXTS}
_LENGTHS = {field.name: field.max_length for field in Product._meta.fields if field.max_length}
_MAX_URL = _LENGTHS["url"]
_MAX_PHOTOS = 100
_MAX_DEPTH = 60  # treebeard's path: 255 characters, 4 a level
_IN_STOCK = {"in stock", "instock", "available", "limitedavailability", "yes", "true", "1", ""}
_OUT_OF_STOCK = {"out of stock", "outofstock", "preorder", "pre order", "backorder", "back order", "soldout"}
_OUT_OF_STOCK |= {"sold out", "discontinued", "unavailable", "no", "false", "0"}


class RowError(ValueError):
    """The row cannot become a product; the text names the column and the reason."""


@dataclass(frozen=True)
class ProductRow:
    """The values that a row gives. `None`: the row says nothing of it, so the product keeps its value.

    `fields`: values by field name of Product; `photos`: references as written, each once.
    """

    place: str
    line: int
    sku: str
    fields: dict[str, object] = field(default_factory=dict)
    category: Path | None = None
    attributes: dict[str, str] | None = None
    photos: tuple[str, ...] | None = None


def read_columns(row: FeedRow) -> ProductRow:
    """Raises RowError for the first cell that cannot be taken."""
    cells, attributes = _sorted_cells(row)
    if not (sku := _single(cells, "id")):
        raise RowError("id: missing; every product needs one")
    if len(sku) > _LENGTHS["sku"]:
        raise RowError(f"id: longer than {_LENGTHS['sku']} characters")
    fields: dict[str, object] = {}
    for column, name in _TEXTS.items():
        if column in cells:
            fields[name] = _text(cells, column, name)
    if not fields.get("title"):
        raise RowError("title: missing; every product needs one")
    if "link" in cells:
        fields["url"] = _link(_single(cells, "link"))
    if "availability" in cells:
        fields["in_stock"] = _in_stock(_single(cells, "availability"))
    if "price" in cells:
        try:
            fields["price"], fields["currency"] = parse_price(_single(cells, "price"))
        except ValueError as error:
            raise RowError(f"price: {error}") from error
    return ProductRow(
        place=row.place,
        line=row.line,
        sku=sku,
        fields=fields,
        category=_category(cells),
        attributes=attributes if attributes or row.complete else _stated(row),
        photos=_photos(cells),
    )


def _sorted_cells(row: FeedRow) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Part the cells into known columns, by key, and attributes. A complete row gives every known column, if empty."""
    cells: dict[str, list[str]] = {key: [] for key in _KNOWN} if row.complete else {}
    attributes: dict[str, str] = {}
    for name, texts in row.values.items():
        values = [text.strip() for text in texts]
        for text in (name, *values):
            if problem := text_problem(text):
                hint = "not UTF-8; save the feed as UTF-8" if problem == HALF_A_CHARACTER else problem
                raise RowError(f"{printable(name)}: {hint}")
        key = column_key(name)
        if key in _KNOWN:
            cells.setdefault(key, []).extend(value for value in values if value)
        elif value := ", ".join(value for value in values if value):
            attributes[name.strip().removeprefix("g:")] = value
    return cells, attributes


def _stated(row: FeedRow) -> dict[str, str] | None:
    """Attributes of a row in which none has a value: empty if the table has columns for attributes, else not given."""
    return {} if any(column_key(name) not in _KNOWN for name in row.values) else None


def _single(cells: dict[str, list[str]], column: str) -> str:
    return cells[column][0] if cells.get(column) else ""


def _text(cells: dict[str, list[str]], column: str, name: str) -> str:
    text = _single(cells, column)
    limit = _LENGTHS.get(name)
    if limit is not None and len(text) > limit:
        raise RowError(f"{column}: {len(text)} characters, more than {limit}")
    return text


def _link(text: str) -> str:
    if text and not is_url(text):
        raise RowError(f"link: {text[:80]!r} is no http(s) URL of at most {_MAX_URL} characters")
    return text


def is_url(text: str) -> bool:
    """Whether a text is an http(s) URL that a column can hold."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc) and len(text) <= _MAX_URL and " " not in text


def _in_stock(text: str) -> bool:
    """Google's words and schema.org's, `https://schema.org/InStock`. What is not there to be sent now is out."""
    word = text.rpartition("/")[2].lower().replace("_", " ").replace("-", " ").strip()
    if word in _IN_STOCK:
        return True
    if word in _OUT_OF_STOCK:
        return False
    raise RowError(f"availability: {text[:80]!r} is not known; write in stock, out of stock, preorder or backorder")


def _category(cells: dict[str, list[str]]) -> Path | None:
    """The first of the shop's own types, else Google's where it is written as a path and not as a number."""
    if not any(column in cells for column in _CATEGORIES):
        return None
    text = next((text for column in _CATEGORIES if (text := _single(cells, column)) and not text.isdigit()), "")
    path = split_path(text)
    if any(len(name) > MAX_NAME for name in path):
        raise RowError(f"product_type: a category's name is longer than {MAX_NAME} characters")
    if len(path) > _MAX_DEPTH:
        raise RowError(f"product_type: more than {_MAX_DEPTH} levels")
    return path


def _photos(cells: dict[str, list[str]]) -> tuple[str, ...] | None:
    if not any(column in cells for column in _PHOTOS):
        return None
    references = tuple(dict.fromkeys(text for column in _PHOTOS for text in cells.get(column, ())))
    if len(references) > _MAX_PHOTOS:
        raise RowError(f"additional_image_link: {len(references)} photos, more than {_MAX_PHOTOS}")
    if any(len(text) > _MAX_URL for text in references):
        raise RowError(f"image_link: a reference of more than {_MAX_URL} characters")
    return references
