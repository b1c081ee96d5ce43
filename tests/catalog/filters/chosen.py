"""Filters by the words of their parameters, and what they mean in plain Python."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from catalog.filters.base import Filter
from catalog.filters.chosen import Filters
from catalog.filters.entries.attribute_ranges import AttributeRanges
from catalog.filters.entries.attributes import Attributes
from catalog.filters.entries.brand import Brand
from catalog.filters.entries.category import Category
from catalog.filters.entries.exclude import Excluded
from catalog.filters.entries.price import Currency, Price
from catalog.filters.entries.stock import Stock
from catalog.models import Product

NUMBER = re.compile(r"[+-]?[0-9]{1,15}([.][0-9]{1,15})?")
EUR = Currency("EUR", ("EUR", ""))
Condition = Callable[[Product], bool]


def filtering(
    *,
    categories: Sequence[int] | None = None,
    brands: Sequence[str] = (),
    min_price: Decimal | int | None = None,
    max_price: Decimal | int | None = None,
    currency: Currency | None = None,
    in_stock: bool | None = None,
    attributes: Mapping[str, Sequence[str]] | None = None,
    exclude_products: Sequence[int] = (),
    exclude_groups: Sequence[str] = (),
) -> Filters:
    """Filters as they are read from parameters; prices are in euros unless `currency` says otherwise."""
    chosen: list[Filter] = []
    if attributes:
        chosen.append(Attributes(tuple(sorted((name, tuple(values)) for name, values in attributes.items()))))
    if brands:
        chosen.append(Brand(tuple(brands)))
    if categories is not None:
        chosen.append(Category(tuple(categories)))
    if exclude_products or exclude_groups:
        chosen.append(Excluded(tuple(exclude_products), tuple(exclude_groups)))
    if min_price is not None or max_price is not None or currency is not None:
        bounds = [None if price is None else Decimal(price) for price in (min_price, max_price)]
        chosen.append(Price(bounds[0], bounds[1], currency or EUR))
    if in_stock is not None:
        chosen.append(Stock(in_stock))
    return Filters(tuple(chosen))


def passes(product: Product, filters: Filters) -> bool:
    """Whether a product is published and every filter holds for its fields."""
    return condition(filters)(product)


def condition(filters: Filters) -> Condition:
    """What `passes` asks, to be asked of many products."""
    held = [_holds(one) for one in filters.chosen]
    return lambda product: product.published and all(one(product) for one in held)


def _holds(one: Filter) -> Condition:
    match one:
        case Category(ids):
            return lambda product: product.category_id in ids
        case Brand(names):
            brands = {folded(name) for name in names}
            return lambda product: folded(product.brand) in brands
        case Stock(available):
            return lambda product: product.in_stock == available
        case Price(least, most, currency):
            return lambda product: (
                product.currency in currency.stored
                and (
                    (least is None and most is None)
                    or (
                        product.price is not None
                        and (least is None or product.price >= least)
                        and (most is None or product.price <= most)
                    )
                )
            )
        case Attributes(attributes):
            return lambda product: all(_has(product.attributes, name, values) for name, values in attributes)
        case AttributeRanges(ranges):
            return lambda product: all(_within(product.attributes, name, *bounds) for name, *bounds in ranges)
        case Excluded(products, groups):
            return lambda product: product.pk not in products and not (product.group and product.group in groups)
    raise NotImplementedError(f"no meaning in Python of {one}")


def folded(text: str) -> str:
    """A text in NFC and without case."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def _values(attributes: Mapping[str, object], name: str) -> list[object]:
    """What stands under a name, whatever its case: several names may be the same so, and each may have a list."""
    found = [value for own, value in attributes.items() if folded(own) == folded(name)]
    return [one for value in found for one in (value if isinstance(value, list) else [value])]


def _has(attributes: Mapping[str, object], name: str, texts: Sequence[str]) -> bool:
    """Whether an attribute is one of the texts, or the number that a text is, or a list that holds one."""
    wanted = {folded(text) for text in texts}
    numbers = {float(text) for text in texts if NUMBER.fullmatch(text)}
    return any(
        folded(value) in wanted if isinstance(value, str) else value in numbers for value in _values(attributes, name)
    )


def _within(attributes: Mapping[str, object], name: str, least: float, most: float) -> bool:
    """Whether an attribute has a number, or a text that is one, within the bounds."""
    texts = (str(value) for value in _values(attributes, name) if not isinstance(value, bool))
    return any(least <= float(text) <= most for text in texts if NUMBER.fullmatch(text))
