"""Which of the rules in force concern a search, by the products that ask.

A rule for a product, a category or a brand concerns a search in which such a product asks, be it one of several likes; one for
everywhere concerns searches by a photo or a colour too. A price band is relative to the price of the asking product, of several the
first that has one; without a price the rule does nothing.

Where rules disagree, those for a product come before those for a category (the deeper one first), then those for a brand,
then those for everywhere, and the newer before the older.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from catalog.models import Category
from recommender.index.session import rows
from recommender.merchandising.rules.applied import NO_RULES, Emphasis, MovedBy, Pin, RulesOfSearch, Target
from recommender.merchandising.rules.conditions import Hidden, PriceBand
from recommender.merchandising.rules.in_force import RuleBook
from recommender.models import Rule

_EVERY_CATEGORY = """
SELECT p.id, p.amount, upper(p.currency), ARRAY(
    SELECT above.id FROM catalog_category own JOIN catalog_category above ON above.path = ANY (
        ARRAY(SELECT left(own.path, %(step)s * depth) FROM generate_series(1, length(own.path) / %(step)s) depth)
    )
    WHERE own.id = p.category_id OR own.id IN (SELECT f.category_id FROM catalog_productcategory f WHERE f.product_id = p.id)
    ORDER BY length(above.path)
), ARRAY(SELECT named FROM unnest(%(brands)s::text[]) named WHERE p.folded_brand = catalog_fold(named))
FROM catalog_product p WHERE p.id = ANY (%(products)s::bigint[])
"""


@dataclass(frozen=True)
class _Asking:
    """What rules look at in a product that asks. `categories`: its own and all above them, the deepest last. `brands`: those of
    rules that are its own."""

    price: Decimal | None
    currency: str
    categories: Sequence[int]
    brands: Sequence[str]


def rules_of_searches(book: RuleBook, searches: Sequence[Sequence[int]]) -> list[RulesOfSearch]:
    """For each search, given by the ids of the products that ask, the rules that concern it. At most one statement."""
    if not book.rules:
        return [NO_RULES] * len(searches)
    products = {product for search in searches for product in search}
    known = _asking([*book.for_products(products), *book.others], products)
    return [_applied([*book.for_products(search), *book.others], search, known) for search in searches]


def _asking(rules: Sequence[Rule], products: set[int]) -> Mapping[int, _Asking]:
    """What is needed of the products; nothing is read for rules that look at nothing but ids."""
    looks = any(rule.scope in ("category", "brand") or rule.target == "price" for rule in rules)
    if not products or not looks:
        return {}
    brands = list(dict.fromkeys(rule.for_brand for rule in rules if rule.scope == "brand"))
    values = {"products": list(products), "brands": brands, "step": Category.steplen}
    return {row[0]: _Asking(*row[1:]) for row in rows(_EVERY_CATEGORY, values)}


def _applied(rules: Sequence[Rule], search: Sequence[int], known: Mapping[int, _Asking]) -> RulesOfSearch:
    asking = [known[product] for product in search if product in known]
    ranked = [(place, rule) for rule in rules if (place := _specificity(rule, search, asking)) is not None]
    concerned = [
        rule for _, rule in sorted(ranked, key=lambda one: one[0])
    ]  # of one rank the newer stay before the older
    priced = next((one for one in asking if one.price is not None), None)
    of_kind: dict[str, list[Rule]] = {}
    for rule in concerned:
        of_kind.setdefault(rule.kind, []).append(rule)
    first = next(iter(of_kind.get("stock_first", ())), None)
    return RulesOfSearch(
        pins=_pins(of_kind.get("pin", ())),
        hidden=_hidden(of_kind.get("hide", ()), priced),
        same_category="same_category" in of_kind,
        stock_only="stock_only" in of_kind,
        stock_first=None if first is None else MovedBy(first.pk, first.kind),
        emphases=tuple(_emphases([*of_kind.get("boost", ()), *of_kind.get("bury", ())], priced)),
    )


def _specificity(rule: Rule, search: Sequence[int], asking: Sequence[_Asking]) -> tuple[int, int] | None:
    """Less for the more specific; None where the rule does not concern the search."""
    match rule.scope:
        case "product":
            return (0, 0) if rule.for_product_id in search else None
        case "category":
            depths = [depth for one in asking for depth, id in enumerate(one.categories) if id == rule.for_category_id]
            return (1, -max(depths)) if depths else None
        case "brand":
            return (2, 0) if any(rule.for_brand in one.brands for one in asking) else None
    return (3, 0)


def _pins(rules: Iterable[Rule]) -> Mapping[int, Pin]:
    pins: dict[int, Pin] = {}
    for rule in rules:
        assert rule.product_id is not None and rule.place is not None
        pins.setdefault(rule.product_id, Pin(MovedBy(rule.pk, rule.kind), rule.place))
    return pins


def _hidden(rules: Sequence[Rule], priced: _Asking | None) -> Hidden | None:
    hidden = Hidden(
        products=tuple(sorted({rule.product_id for rule in rules if rule.product_id is not None})),
        brands=tuple(sorted({rule.brand for rule in rules if rule.brand})),
        attributes=tuple(sorted({(rule.attribute, rule.value) for rule in rules if rule.attribute})),
        bands=tuple(dict.fromkeys(band for rule in rules if (band := _band(rule, priced)) is not None)),
    )
    return None if hidden == Hidden() else hidden


def _emphases(rules: Sequence[Rule], priced: _Asking | None) -> Iterable[Emphasis]:
    for rule in rules:
        band = _band(rule, priced)
        if rule.target == "price" and band is None:
            continue
        target = Target(
            product_id=rule.product_id,
            brand=rule.brand,
            attribute=(rule.attribute, rule.value) if rule.attribute else None,
            band=band,
        )
        assert rule.factor is not None
        yield Emphasis(MovedBy(rule.pk, rule.kind), rule.factor, target)


def _band(rule: Rule, priced: _Asking | None) -> PriceBand | None:
    """The bounds of a rule's price band; None where it has none, or nothing that asks has a price."""
    if rule.target != "price" or priced is None or priced.price is None:
        return None
    least, most = (None if share is None else priced.price * share / 100 for share in (rule.price_from, rule.price_to))
    return PriceBand(least, most, priced.currency)
