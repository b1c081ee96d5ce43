"""`facets=category,brand,price,attr.colour`: how many products there are of each value that a filter could choose next.

A facet counts the products that pass every filter but its own, so that a shopper who chose one brand still sees what the others
would give. Values are the commonest; numbers are given as ranges of about as many products each, whose bounds are numbers that
products have, both included, as the filters take them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Aggregate, Count, QuerySet, TextField
from django.db.models.expressions import RawSQL

from catalog.filters.attribute_names import PREFIX
from catalog.filters.base import Filter
from catalog.filters.chosen import Filters
from catalog.filters.entries.attribute_ranges import AttributeRanges
from catalog.filters.entries.attributes import Attributes
from catalog.filters.entries.brand import Brand
from catalog.filters.entries.category import Category
from catalog.filters.entries.price import Price, commonest
from catalog.filters.entries.stock import Stock
from catalog.models import Product
from catalog.parameters import InvalidParameter, Parameters, quoted, read_listed
from catalog.product_search import category_counts, filtered
from catalog.representation import price_text
from catalog.text_search import TextSearch
from catalog.texts import folded

MAX_FACETS = 10
MAX_COUNTED = 50  # values of one facet
RANGES = 8
NAMES = ("brand", "category", "in_stock", "price")

# `numbers`: a value and a product. Equal values are in one range.
_RANGES = """
WITH numbers (value, product_id) AS ({numbers}), grouped AS (SELECT value, count(*) AS n FROM numbers GROUP BY value),
placed AS (
    SELECT value, floor((sum(n) OVER (ORDER BY value) - n) * %s / sum(n) OVER ()) AS place FROM grouped
)
SELECT min(value), max(value), count(DISTINCT product_id) FROM numbers JOIN placed USING (value) GROUP BY place ORDER BY place
"""
_ATTRIBUTE_NUMBERS = """
SELECT n.value, n.product_id FROM catalog_attributenumber n
WHERE n.name = catalog_fold(%s::text) AND n.product_id IN ({products})
"""
_ELEMENTS = "jsonb_array_elements(CASE jsonb_typeof({0}) WHEN 'array' THEN {0} ELSE jsonb_build_array({0}) END)"
# Values without case, the commonest first, each as one of its products writes it.
_ATTRIBUTE_VALUES = f"""
WITH passing AS (
    SELECT p.id, p.folded_attributes -> catalog_fold(%s::text) AS held FROM catalog_product p WHERE p.id IN ({{products}})
), counted AS (
    SELECT CASE jsonb_typeof(one) WHEN 'number' THEN trim_scale((one #>> '{{{{}}}}')::numeric)::text ELSE one #>> '{{{{}}}}' END AS value,
        count(DISTINCT id) AS n, min(id) AS example
    FROM passing, {_ELEMENTS.format("held")} AS one WHERE jsonb_typeof(one) IN ('string', 'number', 'boolean')
    GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {MAX_COUNTED}
)
SELECT coalesce((
    SELECT one #>> '{{{{}}}}' FROM jsonb_each(p.attributes) AS named, {_ELEMENTS.format("named.value")} AS one
    WHERE catalog_fold(named.key) = catalog_fold(%s::text) AND catalog_fold(one #>> '{{{{}}}}') = counted.value LIMIT 1
), value), n FROM counted JOIN catalog_product p ON p.id = counted.example ORDER BY n DESC, value
"""  # noqa: S608 (texts of this module)


class _Commonest(Aggregate):
    """The value that most rows of a group have."""

    template = "mode() WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = TextField()


def read_facets(parameters: Parameters) -> list[str]:
    """The names of the facets that are asked for. Raises InvalidParameter."""
    names = read_listed(parameters, "facets", most=MAX_FACETS)
    for name in names:
        if name not in NAMES and not (name.startswith(PREFIX) and name != PREFIX):
            raise InvalidParameter(
                "facets", f"{quoted(name)} is no facet; there are {', '.join(NAMES)} and {PREFIX}<name>"
            )
    return names


def counted(
    products: QuerySet[Product], names: Sequence[str], *, filters: Filters, search: TextSearch | None
) -> dict[str, dict[str, Any]]:
    """The facets by name, each with `values` or `ranges`, or both."""
    return {name: _facet(products, name, filters, search) for name in names}


def _facet(products: QuerySet[Product], name: str, filters: Filters, search: TextSearch | None) -> dict[str, Any]:
    if name.startswith(PREFIX):
        attribute = name.removeprefix(PREFIX)
        passing = filtered(products, filters=_without_attribute(filters, attribute), search=search)
        return _of_attribute(passing, attribute)
    if name == "price":
        price = filters.get(Price)
        open_price = Price(None, None, commonest()) if price is None else replace(price, least=None, most=None)
        passing = filtered(products, filters=filters.having(open_price), search=search)
        return _of_prices(passing, open_price.currency.code)
    kind, count = _COUNTED[name]
    return {"values": count(filtered(products, filters=filters.without(kind), search=search))}


def _of_brands(products: QuerySet[Product]) -> list[dict[str, Any]]:
    brand = RawSQL("catalog_product.folded_brand", [], TextField())
    rows = products.exclude(brand="").annotate(folded=brand).order_by().values("folded")
    rows = rows.annotate(shown=_Commonest("brand"), n=Count("pk")).order_by("-n", "folded")
    return [{"value": row["shown"], "count": row["n"]} for row in rows[:MAX_COUNTED]]


def _of_categories(products: QuerySet[Product]) -> list[dict[str, Any]]:
    counts = sorted(category_counts(products), key=lambda one: -one.products)[:MAX_COUNTED]
    return [{"value": one.category.slug, "label": one.category.name, "count": one.products} for one in counts]


def _of_stock(products: QuerySet[Product]) -> list[dict[str, Any]]:
    rows = products.order_by().values("in_stock").annotate(n=Count("pk")).order_by("-n", "-in_stock")
    return [{"value": "true" if row["in_stock"] else "false", "count": row["n"]} for row in rows]


def _of_prices(products: QuerySet[Product], currency: str) -> dict[str, Any]:
    text, values = products.filter(price__isnull=False).order_by().values_list("price", "pk").query.sql_with_params()
    rows = _rows(_RANGES.format(numbers=text), [*values, RANGES])
    ranges = [
        {"min": price_text(least, currency), "max": price_text(most, currency), "count": n} for least, most, n in rows
    ]
    return {"currency": currency, "ranges": ranges}


def _of_attribute(products: QuerySet[Product], name: str) -> dict[str, Any]:
    text, values = products.order_by().values("pk").query.sql_with_params()
    found = _rows(_ATTRIBUTE_VALUES.format(products=text), [name, *values, name])
    facet: dict[str, Any] = {"values": [{"value": value, "count": n} for value, n in found]}
    numbers = _ATTRIBUTE_NUMBERS.format(products=text)
    if ranges := _rows(_RANGES.format(numbers=numbers), [name, *values, RANGES]):
        facet["ranges"] = [{"min": _plain(least), "max": _plain(most), "count": n} for least, most, n in ranges]
    return facet


def _without_attribute(filters: Filters, name: str) -> Filters:
    """Without what is asked of that attribute, however it is written."""
    left_out = folded(name)
    if (wanted := filters.get(Attributes)) is not None:
        left = tuple(one for one in wanted.wanted if folded(one[0]) != left_out)
        filters = filters.having(Attributes(left)) if left else filters.without(Attributes)
    if (ranges := filters.get(AttributeRanges)) is not None:
        kept = tuple(one for one in ranges.ranges if folded(one[0]) != left_out)
        filters = filters.having(AttributeRanges(kept)) if kept else filters.without(AttributeRanges)
    return filters


def _plain(number: float) -> str:
    """A number as a filter takes it: without an exponent, and without decimals that say nothing."""
    text = f"{Decimal(repr(number)):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _rows(statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, list(values))
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


# By name: the filter of its own, and how the products that pass all others are counted.
_COUNTED: Mapping[str, tuple[type[Filter], Callable[[QuerySet[Product]], list[dict[str, Any]]]]] = {
    "brand": (Brand, _of_brands),
    "category": (Category, _of_categories),
    "in_stock": (Stock, _of_stock),
}
