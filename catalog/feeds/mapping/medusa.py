"""Medusa: a row a variant, with the product repeated in each; version 1 and 2 differ in how columns begin."""

from __future__ import annotations

import re

from catalog.feeds.mapping.photos import photos_of, put_photos
from catalog.feeds.mapping.shop import Again, Rows, Shop, Values, copy, first, keyed, put, put_attribute
from catalog.feeds.rows import BadRow, FeedRow

_PRICE = re.compile(r"(?:variant_)?price_.*?\[?([a-z]{3})\]?")
_OPTION = re.compile(r"(?:variant_)?option_(\d{1,3})_name")
_PHOTO = re.compile(r"(?:product_)?image_\d{1,3}(?:_url)?")


def _map(rows: Rows, _: Again) -> Rows:
    for row in rows:
        if isinstance(row, BadRow):
            yield row
        else:
            yield FeedRow(row.line, _values(keyed(row)), complete=False, where=row.where)


def _values(cells: Values) -> Values:
    values: Values = {}
    options = [first(cells, f"variant_option_{number}_value", f"option_{number}_value") for number in (1, 2, 3)]
    written = "-".join(filter(None, (first(cells, "product_handle"), *options)))
    put(values, "id", [first(cells, "variant_sku", "variant_id") or written])
    copy(values, "title", cells, "product_title")
    copy(values, "description", cells, "product_description")
    copy(values, "item_group_id", cells, "product_handle", "product_id")
    copy(values, "status", cells, "product_status")
    copy(values, "product_type", cells, "product_type", "product_type_value", "product_collection_title")
    prices = [(match[1].upper(), first(cells, key)) for key in cells if (match := _PRICE.fullmatch(key))]
    if prices:
        put(values, "price", [f"{text} {currency}" for currency, text in prices if text][:1])
    if "variant_inventory_quantity" in cells:
        free = first(cells, "variant_manage_inventory").lower() == "false"
        sold_on = first(cells, "variant_allow_backorder").lower() == "true"
        quantity = first(cells, "variant_inventory_quantity")
        put(values, "availability", ["in stock" if free or sold_on else quantity])
    pictures = [text for key in cells if _PHOTO.fullmatch(key) for text in cells[key]]
    if "product_thumbnail" in cells or pictures:
        put_photos(values, photos_of([*cells.get("product_thumbnail", []), *pictures]))
    for key in cells:
        if match := _OPTION.fullmatch(key):
            name = first(cells, key)
            value = first(cells, f"variant_option_{match[1]}_value", f"option_{match[1]}_value")
            put_attribute(values, name, [value])
    put_attribute(values, "gtin", [first(cells, "variant_barcode", "variant_ean", "variant_upc")])
    put_attribute(values, "material", [first(cells, "product_material")])
    put_attribute(
        values,
        "tags",
        [tag.strip() for key in cells if key.startswith("product_tag") for tag in first(cells, key).split(",")],
    )
    return values


SHOP = Shop(
    "Medusa",
    (
        frozenset(("product_handle", "product_title", "variant_sku")),
        frozenset(("product_handle", "product_title", "variant_id")),
    ),
    _map,
)
