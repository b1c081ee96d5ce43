"""What a shopper can choose next: categories, brands, prices and stock, each with the number of products and a link."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext, ngettext

from catalog.facets import counted
from catalog.filters.chosen import Filters
from catalog.filters.entries.category import Category as CategoryFilter
from catalog.filters.memory import remembered
from catalog.models import Category, Product
from catalog.product_search import CategoryCount, category_counts, filtered
from catalog.storefront.address import Address
from catalog.storefront.prices import money
from catalog.text_search import TextSearch

MOST_BRANDS = 12
# How old counts may be: they take several times as long as the page's products.
COUNTED_SECONDS = 60.0

Counts = tuple[dict[str, dict[str, Any]], list[CategoryCount]]


@dataclass(frozen=True)
class Choice:
    """A link. `count`: products there; None where that is not counted. `depth`: of a category below the first level."""

    label: str
    href: str
    chosen: bool
    count: int | None = None
    depth: int = 0


@dataclass(frozen=True)
class Choices:
    """`chosen`: what narrows the list now; a link of it takes one away."""

    categories: Sequence[Choice]
    brands: Sequence[Choice]
    prices: Sequence[Choice]
    in_stock: Choice | None
    chosen: Sequence[Choice]


def choices_of(address: Address, filters: Filters, search: TextSearch | None) -> Choices:
    """Counts are of the products that pass all other filters, see catalog.facets, as they were at most COUNTED_SECONDS ago."""
    facets, nodes = _counts(filters, search)
    prices = _prices(address, facets["price"])
    return Choices(
        categories=_categories(address, nodes),
        brands=_brands(address, facets["brand"]["values"]),
        prices=prices,
        in_stock=_in_stock(address, facets["in_stock"]["values"]),
        chosen=_chosen(address, nodes, prices),
    )


def _count(filters: Filters, search: TextSearch | None) -> Counts:
    products = Product.objects.filter(published=True)
    facets = counted(products, ["brand", "price", "in_stock"], filters=filters, search=search)
    return facets, category_counts(filtered(products, filters=filters.without(CategoryFilter), search=search))


_counts = remembered(_count, seconds=COUNTED_SECONDS, most=128)


def _categories(address: Address, nodes: Sequence[CategoryCount]) -> list[Choice]:
    """All, and the chosen category with those above it, beside it and right below it."""
    slug = address.one("category")
    chosen = next((node.category.path for node in nodes if node.category.slug == slug), "")
    everything = Choice(gettext("All products"), str(address.having(category="")), not slug)
    shown = [
        node for node in nodes if node.category.depth == 1 or chosen.startswith(node.category.path[: -Category.steplen])
    ]
    return [
        everything,
        *(
            Choice(
                node.category.name,
                str(address.having(category=node.category.slug)),
                node.category.slug == slug,
                node.products,
                node.category.depth - 1,
            )
            for node in shown
        ),
    ]


def _brands(address: Address, values: Sequence[dict[str, Any]]) -> list[Choice]:
    chosen = {brand.casefold() for brand in address.all("brand")}
    found = [
        Choice(one["value"], str(address.toggled("brand", _as_given(address, one["value"]))),
               one["value"].casefold() in chosen, one["count"])
        for one in values
    ]  # fmt: skip
    kept = [one for one in found if one.chosen] + [one for one in found if not one.chosen]
    return kept[:MOST_BRANDS] if len(found) > 1 or chosen else []


def _as_given(address: Address, brand: str) -> str:
    """A brand as the address writes it, where it does: filters do not look at its case."""
    return next((one for one in address.all("brand") if one.casefold() == brand.casefold()), brand)


def _prices(address: Address, facet: dict[str, Any]) -> list[Choice]:
    ranges, currency = facet["ranges"], facet["currency"]
    if len(ranges) < 2:
        return []
    given = address.one("min_price"), address.one("max_price")
    found = []
    for one in ranges:
        bounds = one["min"], one["max"]
        chosen = bounds == given
        target = (
            address.having(min_price="", max_price="")
            if chosen
            else address.having(min_price=bounds[0], max_price=bounds[1])
        )
        label = " – ".join(money(Decimal(bound), currency) for bound in dict.fromkeys(bounds))
        found.append(Choice(label, str(target), chosen, one["count"]))
    return found


def _in_stock(address: Address, values: Sequence[dict[str, Any]]) -> Choice | None:
    """Nothing to choose where everything can be bought."""
    counts = {one["value"]: one["count"] for one in values}
    chosen = address.one("in_stock") == "true"
    if "false" not in counts and not chosen:
        return None
    target = address.having(in_stock="" if chosen else "true")
    return Choice(gettext("In stock"), str(target), chosen, counts.get("true", 0))


def _chosen(address: Address, nodes: Sequence[CategoryCount], prices: Sequence[Choice]) -> list[Choice]:
    chosen = []
    if words := address.one("search"):
        chosen.append(Choice(f"“{words}”", str(address.having(search="", sort="")), True))
    if slug := address.one("category"):
        name = next((node.category.name for node in nodes if node.category.slug == slug), slug)
        chosen.append(Choice(name, str(address.having(category="")), True))
    chosen += [Choice(brand, str(address.toggled("brand", brand)), True) for brand in address.all("brand")]
    if address.one("min_price") or address.one("max_price"):
        label = next((one.label for one in prices if one.chosen), gettext("Price"))
        chosen.append(Choice(label, str(address.having(min_price="", max_price="", currency="")), True))
    if address.one("in_stock") == "true":
        chosen.append(Choice(gettext("In stock"), str(address.having(in_stock="")), True))
    return chosen


def items(count: int) -> str:
    """`1 item`, `1,192 items`."""
    return ngettext("%(count)s item", "%(count)s items", count) % {"count": number_format(count, force_grouping=True)}
