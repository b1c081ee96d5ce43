"""What a rule does to answers, before it is kept: the same products' answers without it and with it, for people to look at.

It is shown as if it were in force now, whatever its times say, among the rules that are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from django.db.models import QuerySet

from catalog.filters.base import Filter
from catalog.filters.chosen import Filters
from catalog.filters.entries.brand import Brand
from catalog.filters.entries.category import Category as InCategory
from catalog.models import Category, Product
from recommender.merchandising.rules.in_force import RuleBook, rules_in_force
from recommender.models import Rule
from recommender.search.filters import SearchOptions
from recommender.search.products import products_by_image
from recommender.search.query_products import UnknownProduct
from recommender.search.ranking.base import Candidate
from recommender.search.similarity import similar_to_each, similar_to_product

SHOWN = 20  # products whose answers are shown
PLACES = 6  # of each answer, or as many as a pin needs to be seen
_LOOKED_AT = 60  # products among which those are chosen that the rule does something to
_MOST_PLACES = 24

Mark = Literal["", "new", "moved", "gone"]


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A product of an answer, as the API describes it. `mark`: what the rule did to it; gone: it is in the answer without the rule."""

    product: dict[str, Any]
    mark: Mark


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One product that asks, and its answers without the rule and with it."""

    product: Product
    before: Sequence[Shown]
    after: Sequence[Shown]

    @property
    def is_changed(self) -> bool:
        return any(one.mark for one in (*self.before, *self.after))


def preview(rule: Rule) -> Sequence[Compared]:
    """At most SHOWN products that the rule concerns, those whose answers it changes first. The rule may be kept or not.

    Raises NoActiveSpace, and Django's database errors.
    """
    others = [one for one in rules_in_force().rules if one.pk != rule.pk]
    place = next((number for number, one in enumerate(others) if rule.pk is not None and one.pk < rule.pk), None)
    place = 0 if rule.pk is None else len(others) if place is None else place
    with_rule = RuleBook("preview", (*others[:place], rule, *others[place:]))
    asking = _asking(rule)
    options = SearchOptions(limit=min(_MOST_PLACES, max(PLACES, rule.place or 0)))
    before = similar_to_each(product_ids=asking, options=options, book=RuleBook("others", tuple(others)))
    after = similar_to_each(product_ids=asking, options=options, book=with_rule)
    pairs = {one: (before[one].found, after[one].found) for one in asking if one in before and one in after}
    images = {item.image_id for pair in pairs.values() for page in pair for item in page}
    described = products_by_image(images)
    products = Product.objects.in_bulk(pairs)
    rows = [
        Compared(
            product=products[one],
            before=_shown(was, now, described, alone="gone"),
            after=_shown(now, was, described, alone="new"),
        )
        for one, (was, now) in pairs.items()
        if one in products and (was or now)
    ]
    return sorted(rows, key=lambda row: not row.is_changed)[:SHOWN]


def _asking(rule: Rule) -> list[int]:
    """Published products that the rule concerns: those near its target first, whose answers it likely changes, then the newest."""
    if rule.for_product_id is not None:
        return [rule.for_product_id]
    newest: QuerySet[Product] = Product.objects.filter(published=True, images__isnull=False)
    filters: tuple[Filter, ...] = ()
    if rule.for_category_id is not None:
        path = Category.objects.values_list("path", flat=True).get(pk=rule.for_category_id)
        below = Category.objects.filter(path__startswith=path)
        newest = newest.filter(category__in=below)
        filters = (InCategory(tuple(below.values_list("pk", flat=True))),)
    elif rule.for_brand:
        newest = newest.filter(brand__iexact=rule.for_brand)
        filters = (Brand((rule.for_brand,)),)
    near = _near(rule.product_id, Filters(filters)) if rule.product_id is not None else []
    latest = newest.order_by("-pk").values_list("pk", flat=True).distinct()[:_LOOKED_AT]
    return list(dict.fromkeys([*near, *latest]))[:_LOOKED_AT]


def _near(product_id: int, filters: Filters) -> list[int]:
    options = SearchOptions(limit=SHOWN, filters=filters, rules=False)
    try:
        found = similar_to_product(product_id=product_id, options=options, unpublished=True).found
    except UnknownProduct:
        return []
    return [one.product_id for one in found]


def _shown(
    page: Sequence[Candidate], other: Sequence[Candidate], described: dict[int, dict[str, Any]], *, alone: Mark
) -> list[Shown]:
    """A page with marks: `alone` for what is not in the other page, "moved" for what stands in another order there."""
    products, others = [one.product_id for one in page], [one.product_id for one in other]
    blocks = SequenceMatcher(None, products, others, autojunk=False).get_matching_blocks()
    in_order = {product for block in blocks for product in products[block.a : block.a + block.size]}
    shown = []
    for item in page:
        if item.image_id in described:
            mark: Mark = "" if item.product_id in in_order else "moved" if item.product_id in others else alone
            shown.append(Shown(product=described[item.image_id], mark=mark))
    return shown
