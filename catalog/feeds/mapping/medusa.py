"""Medusa: a row a variant, with the product repeated in each.

Version 1 and 2 differ in how columns begin (`Price EUR`, `Variant Price EUR`), and in what an amount is: version 1 exports and
answers whole numbers of cents, version 2 the amount that a person pays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from catalog.currencies import codes
from catalog.feeds.mapping.money import Money, PriceChoice, put_money
from catalog.feeds.mapping.photos import photos_of, put_photos
from catalog.feeds.mapping.shop import Context, Rows, Shop, Values, copy, first, keyed, put, put_attribute
from catalog.feeds.rows import BadRow, FeedRow

_PRICE = re.compile(r"(?P<two>variant_)?price_(?:.*\[)?(?P<currency>[a-z]{3})\]?")
_NUMBERED = re.compile(r"price_(?P<number>\d{1,3})_amount")  # in the oldest exports, with price_1_currency_code
# What only the prices of one version have, in documents.
_VERSION_1 = ("variants.prices.region_id", "variants.prices.price_list_id", "profile_id")
_VERSION_2 = (
    "variants.calculated_price.calculated_amount",
    "variants.prices.price_set_id",
    "variants.prices.raw_amount.value",
    "variants.prices.rules_count",
)
_OPTION = re.compile(r"(?:variant_)?option_(\d{1,3})_name")
_PHOTO = re.compile(r"(?:product_)?image_\d{1,3}(?:_url)?")


def _map(rows: Rows, context: Context) -> Rows:
    minor: bool | None = None
    for row in rows:
        if isinstance(row, BadRow):
            yield row
            continue
        cells = keyed(row)
        if minor is None:
            minor = _is_version_1(cells) and not _has_decimals(context.again())
        choice = PriceChoice(context, row.place)
        yield FeedRow(row.line, _values(cells, choice, minor=minor), complete=False, where=row.where)


def _is_version_1(cells: Values) -> bool:
    """Whether the columns of prices are those of version 1."""
    return any(_NUMBERED.fullmatch(key) or ((match := _PRICE.fullmatch(key)) and not match["two"]) for key in cells)


def _has_decimals(rows: Rows) -> bool:
    """Whether a price of the table has decimals, as no amount in cents has. Reads the rows to their end."""
    found = False
    for row in rows:
        if not found and isinstance(row, FeedRow):
            found = not all(price.amount.isdigit() for price in _prices(keyed(row), minor=True))
    return found


def _values(cells: Values, choice: PriceChoice, *, minor: bool) -> Values:
    values: Values = {}
    options = [first(cells, f"variant_option_{number}_value", f"option_{number}_value") for number in (1, 2, 3)]
    written = "-".join(filter(None, (first(cells, "product_handle"), *options)))
    put(values, "id", [first(cells, "variant_sku", "variant_id") or written])
    copy(values, "title", cells, "product_title")
    copy(values, "description", cells, "product_description")
    copy(values, "item_group_id", cells, "product_handle", "product_id")
    copy(values, "status", cells, "product_status")
    copy(values, "product_type", cells, "product_type", "product_type_value", "product_collection_title")
    if any(_PRICE.fullmatch(key) or _NUMBERED.fullmatch(key) for key in cells):
        put_money(values, noted(choice.among(list(_prices(cells, minor=minor))), choice))
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


def _prices(cells: Values, *, minor: bool) -> Iterator[Money]:
    for key in cells:
        if (match := _PRICE.fullmatch(key)) and match["currency"].upper() in codes():
            text, currency = first(cells, key), match["currency"]
        elif match := _NUMBERED.fullmatch(key):
            text, currency = first(cells, key), first(cells, f"price_{match['number']}_currency_code")
        else:
            continue
        if text:
            yield money(text, currency, minor=minor)


def money(amount: str, currency: str, *, minor: bool) -> Money:
    """A price. `minor`: whole numbers are minor units; one with decimals never is."""
    return Money(amount, currency.upper(), minor=minor and amount.isascii() and amount.isdigit())


def noted(price: Money | None, choice: PriceChoice, *, version_known: bool = True) -> Money | None:
    """The price; what its amount was taken for is noted, where that is not plain."""
    if price is not None and price.minor:
        choice.decided(price, "was read in the currency's smallest part, as Medusa 1 writes amounts")
    elif price is not None and not version_known and price.amount.isdigit():
        choice.decided(
            price,
            "was read as of Medusa 2, as nothing tells the version; were it cents of Medusa 1, have the prices' ids in the document",
        )
    return price


def in_minor_units(cells: Values) -> bool | None:
    """Whether the amounts of a document are those of version 1; None where nothing tells."""
    numbers = cells.get("variants.prices.id", [])
    if any(key in cells for key in _VERSION_2) or any(one.startswith("price_") for one in numbers):
        return False
    return True if any(key in cells for key in _VERSION_1) or any(one.startswith("ma_") for one in numbers) else None


SHOP = Shop(
    "Medusa",
    (
        frozenset(("product_handle", "product_title", "variant_sku")),
        frozenset(("product_handle", "product_title", "variant_id")),
    ),
    _map,
)
