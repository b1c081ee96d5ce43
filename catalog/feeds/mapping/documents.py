"""What the shop systems' interfaces answer in JSON: one object a product, with its variants inside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import zip_longest

from catalog.feeds.mapping import medusa
from catalog.feeds.mapping.money import Money, PriceChoice, put_money
from catalog.feeds.mapping.photos import put_photos
from catalog.feeds.mapping.shop import (
    Context,
    Map,
    Rows,
    Shop,
    Values,
    copy,
    first,
    keyed,
    nth,
    put,
    put_attribute,
    put_prices,
)
from catalog.feeds.rows import BadRow, Number

Variants = Callable[[Values, PriceChoice], Iterator[Values]]


def _each(variants: Variants) -> Map:
    """Rows of one product as rows of its variants."""

    def map_rows(rows: Rows, context: Context) -> Rows:
        for row in rows:
            if isinstance(row, BadRow):
                yield row
            else:
                for values in variants(keyed(row), PriceChoice(context, row.place)):
                    yield replace(row, values=values)

    return map_rows


def _count(cells: Values, *keys: str) -> int:
    return max((len(cells.get(key, ())) for key in keys), default=0) or 1


def _shopify(cells: Values, _: PriceChoice) -> Iterator[Values]:
    count = _count(cells, "variants.id", "variants.sku", "variants.price")
    names = cells.get("options.name", [])
    for index in range(count):
        values: Values = {}
        put(
            values,
            "id",
            (
                _of(cells, "variants.sku", index, count)
                or _of(cells, "variants.id", index, count)
                or cells.get("id", [])
            )[:1],
        )
        copy(values, "title", cells, "title")
        copy(values, "description", cells, "body_html")
        copy(values, "brand", cells, "vendor")
        copy(values, "product_type", cells, "product_type")
        copy(values, "status", cells, "status")
        put(values, "item_group_id", [first(cells, "handle")])
        paid, compared = (_of(cells, f"variants.{name}", index, count) for name in ("price", "compare_at_price"))
        if paid and compared and _number(compared[0]) > _number(paid[0]):
            put_prices(values, compared[0], paid[0])
        else:
            put_prices(values, "".join(paid[:1]), "")
        if available := _of(cells, "variants.available", index, count):
            put(values, "availability", ["in stock" if available[0] == "true" else "out of stock"])
        elif quantity := _of(cells, "variants.inventory_quantity", index, count):
            put(values, "availability", quantity[:1])
        own = _of(cells, "variants.featured_image.src", index, count)
        others = set(cells.get("variants.featured_image.src", [])) if own else set()
        put_photos(values, own + [photo for photo in cells.get("images.src", []) if photo and photo not in others])
        for position, name in enumerate(names, 1):
            value = _of(cells, f"variants.option{position}", index, count)
            if (name, value) != ("Title", ["Default Title"]):
                put_attribute(values, name, value)
        put_attribute(values, "tags", [tag.strip() for text in cells.get("tags", []) for tag in text.split(",")])
        yield values


def _woocommerce(cells: Values, _: PriceChoice) -> Iterator[Values]:
    values: Values = {}
    copy(values, "id", cells, "sku", "id")
    copy(values, "title", cells, "name")
    copy(values, "description", cells, "description", "short_description")
    copy(values, "link", cells, "permalink")
    copy(values, "status", cells, "status")
    copy(values, "availability", cells, "stock_status")
    put_prices(values, first(cells, "regular_price") or first(cells, "price"), first(cells, "sale_price"))
    begins, ends = first(cells, "date_on_sale_from"), first(cells, "date_on_sale_to")
    if values["sale_price"] and (begins or ends):
        put(values, "sale_price_effective_date", [f"{begins}/{ends}"])
    put(values, "product_type", cells.get("categories.name", []))
    put(values, "brand", cells.get("brands.name", [])[:1])
    put_photos(values, [photo for photo in cells.get("images.src", []) if photo])
    names = cells.get("attributes.name", [])
    for index, name in enumerate(names):
        put_attribute(values, name, nth(cells, "attributes.options", index, len(names)))
    put_attribute(values, "tags", cells.get("tags.name", []))
    yield values


def _medusa(cells: Values, choice: PriceChoice) -> Iterator[Values]:
    count = _count(cells, "variants.id", "variants.sku", "variants.title")
    names = cells.get("options.title", [])
    for index in range(count):
        values: Values = {}
        put(
            values,
            "id",
            (
                _of(cells, "variants.sku", index, count)
                or _of(cells, "variants.id", index, count)
                or cells.get("id", [])
            )[:1],
        )
        copy(values, "title", cells, "title")
        copy(values, "description", cells, "description")
        copy(values, "status", cells, "status")
        copy(values, "product_type", cells, "type.value", "collection.title", "categories.name")
        put(values, "item_group_id", [first(cells, "handle")])
        amounts, currencies = (
            _of(cells, f"variants.{price}", index, count)
            for price in (
                ("prices.amount", "prices.currency_code")
                if "variants.prices.amount" in cells
                else ("calculated_price.calculated_amount", "calculated_price.currency_code")
            )
        )
        minor = medusa.in_minor_units(cells)
        prices = [
            medusa.money(amount, currency, minor=bool(minor))
            for amount, currency in zip_longest(amounts, currencies, fillvalue="")
        ]
        put_money(values, medusa.noted(choice.among(prices), choice, version_known=minor is not None), there=False)
        if quantity := _of(cells, "variants.inventory_quantity", index, count):
            put(values, "availability", quantity[:1])
        put_photos(values, [photo for photo in (*cells.get("thumbnail", []), *cells.get("images.url", [])) if photo])
        options = _of(cells, "variants.options.value", index, count)
        for name, value in zip(names, options, strict=False):
            put_attribute(values, name, [value])
        yield values


def _commercetools(cells: Values, choice: PriceChoice) -> Iterator[Values]:
    """A product projection, or a product's `masterData.current`."""
    cells = {key.removeprefix("masterdata.current."): texts for key, texts in cells.items()}
    group = _localised(cells, "slug") or cells.get("key", []) or cells.get("id", [])
    count = len(cells.get("variants.id", []))
    for start, index, among in (("mastervariant", 0, 1), *(("variants", index, count) for index in range(count))):
        values: Values = {}
        put(
            values, "id", (_of(cells, f"{start}.sku", index, among) or _numbered(group, cells, start, index, among))[:1]
        )
        put(values, "title", _localised(cells, "name"))
        put(values, "description", _localised(cells, "description"))
        put(values, "item_group_id", group[:1])
        copy(values, "published", cells, "published", "masterdata.published")
        cents, currencies, digits = (
            _of(cells, f"{start}.prices.value.{key}", index, among)
            for key in ("centamount", "currencycode", "fractiondigits")
        )
        prices = [
            Money(amount, currency, minor=True, digits=places)
            for amount, currency, places in zip_longest(cents, currencies, digits, fillvalue="")
        ]
        put_money(values, choice.among(prices), there=False)
        if stocked := _of(cells, f"{start}.availability.isonstock", index, among):
            put(values, "availability", ["in stock" if stocked[0] == "true" else "out of stock"])
        put_photos(values, _of(cells, f"{start}.images.url", index, among) or cells.get("mastervariant.images.url", []))
        names = _of(cells, f"{start}.attributes.name", index, among)
        for position, name in enumerate(names):
            for key in ("value", "value.label", "value.en"):
                texts = _of(cells, f"{start}.attributes.{key}", index, among, spaced=True)
                if len(texts) == len(names):
                    put_attribute(values, name, [texts[position]])
        yield values


def _numbered(group: list[str], cells: Values, start: str, index: int, count: int) -> list[str]:
    return ["-".join([*group[:1], *_of(cells, f"{start}.id", index, count)])]


def _localised(cells: Values, name: str) -> list[str]:
    """The text of the first language that has one."""
    return next((texts[:1] for key, texts in cells.items() if key.startswith(f"{name}.") and any(texts)), [])


def _of(cells: Values, key: str, index: int, count: int, *, spaced: bool = False) -> list[str]:
    """`spaced`: with the empty values, of which each keeps the place of its object."""
    if not spaced:
        return nth(cells, key, index, count)
    texts = cells.get(key, [])
    each = len(texts) // count
    return [] if len(texts) % count else texts[index * each : (index + 1) * each]


def _number(text: str) -> float:
    try:
        return float(text if isinstance(text, Number) else text.replace(",", "."))
    except ValueError:
        return 0.0


SHOPS = (
    Shop("Shopify", (frozenset(("id", "title", "handle", "body_html", "variants.price")),), _each(_shopify)),
    Shop("WooCommerce", (frozenset(("name", "permalink", "stock_status", "regular_price")),), _each(_woocommerce)),
    Shop(
        "Medusa",
        (
            frozenset(("id", "title", "handle", "variants.prices.amount")),
            frozenset(("id", "title", "handle", "thumbnail", "variants.id")),
        ),
        _each(_medusa),
    ),
    Shop(
        "commercetools",
        (frozenset(("mastervariant.id",)), frozenset(("masterdata.current.mastervariant.id",))),
        _each(_commercetools),
    ),
)
