"""Yandex Market Language: offers whose categories are numbers, whose id is an attribute, and whose names are its own."""

from __future__ import annotations

from typing import BinaryIO
from xml.etree.ElementTree import Element, ParseError, XMLParser

from catalog.feeds.formats.nesting import Values
from catalog.feeds.formats.xml_cutting import Cutter
from catalog.feeds.formats.xml_mending import mended
from catalog.feeds.formats.xml_values import Names, children_values

Categories = dict[str, tuple[str, str]]  # a category's id → its name and its parent's id
_RENAMED = {
    "name": "title",
    "url": "link",
    "picture": "image_link",
    "vendor": "brand",
    "group_id": "item_group_id",
    "barcode": "gtin",
}
_DEEPEST = 20
_MOST_CATEGORIES = 500_000


def read_categories(stream: BinaryIO) -> Categories:
    """The categories that a feed lists before its offers."""
    found: Categories = {}
    for cut in Cutter(stream, b"category", until=b"offers"):
        if len(found) >= _MOST_CATEGORIES:
            break
        if cut.reason:
            continue
        parser = XMLParser(encoding="utf-8")
        try:
            parser.feed(mended(cut.data)[0])
            category = parser.close()
        except ParseError:
            continue
        if (number := category.get("id", "").strip()) and (name := (category.text or "").strip()):
            found[number] = name, category.get("parentId", "").strip()
    return found


def offer_values(offer: Element, categories: Categories, names: Names) -> Values:
    """An offer under the names of Google's feed; what those do not know stays as it is."""
    written = children_values(offer, names, {})
    values: Values = {}
    for name, texts in written.items():
        values.setdefault(_RENAMED.get(name, name), []).extend(texts)
    values["id"] = [offer.get("id", "").strip()] if offer.get("id") else values.get("id", [])
    if group := offer.get("group_id"):
        values["item_group_id"] = [group.strip()]
    if (available := offer.get("available")) is not None:
        values["availability"] = ["out of stock" if available.strip().lower() == "false" else "in stock"]
    if not values.get("title"):
        parts = [text for name in ("typePrefix", "vendor", "model") for text in written.get(name, [])[:1]]
        values["title"] = [" ".join(parts)] if parts else []
    paths = [path for number in values.pop("categoryId", []) if (path := _path(number, categories))]
    if paths:
        values["product_type"] = paths
    _use_prices(values)
    return {name: texts for name, texts in values.items() if texts}


def _path(number: str, categories: Categories) -> str:
    """`Home > Kettles` of a category's number, or ""."""
    names: list[str] = []
    while (category := categories.get(number)) is not None and len(names) < _DEEPEST:
        names.append(category[0].replace(">", "/"))
        number = category[1]
    return " > ".join(reversed(names))


def _use_prices(values: Values) -> None:
    """`price` is what is paid now; where `oldprice` is given, that is the price and the other the sale's."""
    currency = next(iter(values.pop("currencyId", [])), "").strip().replace("RUR", "RUB")
    for name in ("price", "oldprice"):
        if name in values:
            values[name] = [f"{text} {currency}".strip() for text in values[name]]
    if old := values.pop("oldprice", []):
        values["price"], values["sale_price"] = old, values.get("price", [])
