"""Runs ranking steps over queries, and asks the index, deeper each time, until their pages are full.

Queries of a batch go side by side: each round of asking is one search for all of them, each step reads once for all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catalog.filters.entries.category import Category
from catalog.models import Product
from recommender.index import metrics
from recommender.index.parts import SCORE_DIGITS
from recommender.index.search import vector_search
from recommender.index.types import Hit, SpaceQuery
from recommender.models import Space
from recommender.search.filters import excluding
from recommender.search.ranking.base import Candidate, Candidates, Query
from recommender.search.ranking.group import variant_groups
from recommender.search.ranking.pins import places_of, with_pins
from recommender.search.ranking.steps import STEPS, Steps
from recommender.search.ranking.stock import moved_back
from recommender.search.ranking.threshold import alike_enough

GROWTH = 4  # each asking goes so many times deeper than the one before
# Candidates of one query at most. A step that drops so many that these fill no page should set a condition in `before`.
DEEPEST = 10_000
# Candidates of one search for a batch at most, about 20 MB: 100 diverse pages of 100 places still take one search.
AT_ONCE = 40_000


@dataclass(frozen=True, kw_only=True)
class Page:
    """What a query found, best first. `fallback`: that of the tier which filled the last places, if it has one."""

    found: Candidates = ()
    fallback: str | None = None


@dataclass(frozen=True, kw_only=True)
class _Filling:
    """What the tiers of one query have found so far: pinned products, others, and those that stand behind all others."""

    pinned: Candidates = ()
    found: Candidates = ()
    last: Candidates = ()
    fallback: str | None = None

    @property
    def every(self) -> Candidates:
        return (*self.pinned, *self.found, *self.last)

    def places_left(self, query: Query) -> int:
        """Places that a tier may fill. A pin takes one if it stands within the tier's limit."""
        limit = query.options.limit
        if query.pinned:
            return limit
        pinned = sum(place <= limit for place in places_of(self.pinned, query.rules.pins))
        return limit - pinned - len(self.found) - len(self.last)

    def having(self, tier: Query, found: Candidates) -> _Filling:
        """With what a tier found."""
        if tier.pinned:
            return replace(self, pinned=self.pinned + found)
        fallback = self.fallback or (tier.fallback if found else None)
        if tier.last:
            return replace(self, last=self.last + found, fallback=fallback)
        return replace(self, found=self.found + found, fallback=fallback)

    def page(self, query: Query) -> Page:
        found = with_pins(self.found, self.pinned, query.rules.pins) if self.pinned else self.found
        behind = moved_back(self.last, found, by=query.rules.stock_first) if self.last else ()
        return Page(found=(*found, *behind)[: query.options.limit], fallback=self.fallback)


def rank(*, space: Space, queries: Sequence[Query], steps: Steps = STEPS) -> list[Page]:
    """A page for each query, through the steps in their order.

    A page is shorter than `limit` only if no more products match, or if `after` of the steps keeps too few of the
    DEEPEST nearest. Raises SpaceGone.
    """
    fillings = [_Filling()] * len(queries)
    for turn in zip_longest(*(_tiers(query, steps) for query in queries)):
        short = {
            number: tier
            for number, tier in enumerate(turn)
            if tier is not None and fillings[number].places_left(tier) > 0
        }
        asked = _without_found(_in_category(space, short), fillings)
        for number, found in _filled(space, asked, steps).items():
            fillings[number] = fillings[number].having(asked[number], found)
    return [filling.page(query) for filling, query in zip(fillings, queries, strict=True)]


def _tiers(query: Query, steps: Steps) -> list[Query]:
    tiers = [query]
    for step in steps:
        tiers = [one for tier in tiers for one in step.before(tier)]
    return tiers


def _in_category(space: Space, queries: Mapping[int, Query]) -> dict[int, Query]:
    """The queries with `same_category` written into their filters; without those for which that leaves no category."""
    unknown = {number: one for number, one in queries.items() if one.same_category and one.categories is None}
    nearest = _categories_of_nearest(space, unknown)
    bound = {}
    for number, query in queries.items():
        if not query.same_category:
            bound[number] = query
            continue
        filters = query.options.filters
        categories = set(nearest[number] if query.categories is None else query.categories)
        if (chosen := filters.get(Category)) is not None:
            categories &= set(chosen.ids)
        if categories:
            narrowed = filters.having(Category(tuple(sorted(categories))))
            bound[number] = replace(query, options=replace(query.options, filters=narrowed))
    return bound


def _categories_of_nearest(space: Space, queries: Mapping[int, Query]) -> dict[int, tuple[int, ...]]:
    """The category of the product that is nearest to each query, if there is a product and it has one."""
    if not queries:
        return {}
    found = _nearest(space, [replace(query, depth=1) for query in queries.values()])
    nearest = {
        number: candidates[0].product_id for number, (candidates, _) in zip(queries, found, strict=True) if candidates
    }
    of_product = dict(
        Product.objects.filter(pk__in=nearest.values(), category__isnull=False).values_list("pk", "category_id")
    )
    return {number: (of_product[nearest[number]],) if nearest.get(number) in of_product else () for number in queries}


def _without_found(queries: Mapping[int, Query], fillings: Sequence[_Filling]) -> dict[int, Query]:
    """The queries for the places that are left: never answered with what is on the page already, or its variant groups."""
    shown = {number: fillings[number].every for number in queries}
    groups = variant_groups({one.product_id for found in shown.values() for one in found})
    asked = {}
    for number, query in queries.items():
        products = [one.product_id for one in shown[number]]
        options = query.options
        if products:
            own = [groups[product] for product in products if product in groups]
            options = replace(
                excluding(options, products=products, groups=own), limit=fillings[number].places_left(query)
            )
        asked[number] = replace(query, options=options, depth=max(query.depth, options.limit), shown=shown[number])
    return asked


def _filled(space: Space, queries: Mapping[int, Query], steps: Steps) -> dict[int, Candidates]:
    """What remains of each query's candidates; a query that is short of its limit though the index has more is asked again, deeper."""
    filled: dict[int, Candidates] = {}
    waiting = list(queries.items())
    while waiting:
        count = max(1, AT_ONCE // max(query.depth for _, query in waiting))
        asked, waiting = waiting[:count], waiting[count:]
        nearest = _nearest(space, [query for _, query in asked])
        kept = _after(space, [query for _, query in asked], [candidates for candidates, _ in nearest], steps)
        for (number, query), (_, more), candidates in zip(asked, nearest, kept, strict=True):
            filled[number] = candidates[: query.options.limit]
            if len(candidates) < query.options.limit and more and query.depth < DEEPEST:
                waiting.append((number, replace(query, depth=min(DEEPEST, query.depth * GROWTH))))
    return filled


def _after(space: Space, queries: Sequence[Query], candidates: Sequence[Candidates], steps: Steps) -> list[Candidates]:
    kept = list(candidates)
    for step in steps:
        concerned = [number for number, query in enumerate(queries) if step.applies(query)]
        known: Mapping[int, Any] = {}
        if any(kept[number] for number in concerned):
            asking = [queries[number] for number in concerned]
            known = step.read(space=space, queries=asking, candidates=[kept[number] for number in concerned])
        for number in concerned:
            kept[number] = step.after(kept[number], query=queries[number], known=known)
    return kept


def _nearest(space: Space, queries: Sequence[Query]) -> list[tuple[Candidates, bool]]:
    """The candidates of each query to its depth, nearest first, and whether a deeper search could find more. One search."""
    pages = iter(
        vector_search().search_many(
            space=space,
            queries=[_asked(one, vector, own) for one in queries for vector, own in zip_longest(one.vectors, one.own)],
            k=max(one.depth for one in queries),
            exact=any(one.options.exact for one in queries),
        )
    )
    return [_merged(space, query, islice(pages, len(query.vectors))) for query in queries]


def _asked(query: Query, vector: NDArray[np.float32], own: int | None) -> SpaceQuery:
    filters, weighing = query.options.filters, query.weighing
    if weighing is None:
        return SpaceQuery(vector=vector, filters=filters, own=own)
    return SpaceQuery(vector=weighing.query(vector), filters=filters, parts=weighing.parts(vector), own=own)


def _merged(space: Space, query: Query, pages: Iterable[Sequence[Hit]]) -> tuple[Candidates, bool]:
    """The pages of a query's vectors as one. A deeper search could find more where a page ended for its depth alone."""
    found = [[_candidate(space, query, hit) for hit in page[: query.depth]] for page in pages]
    more = any(len(page) == query.depth and alike_enough(page[-1], query) for page in found)
    if len(found) == 1:
        return tuple(found[0]), more
    merged = sorted((one for page in found for one in page), key=lambda one: (one.distance, one.image_id))
    return tuple(merged), more


def _candidate(space: Space, query: Query, hit: Hit) -> Candidate:
    if query.weighing is None:
        score = metrics.score(space.metric, hit.distance)
        return Candidate(hit.image_id, hit.product_id, score, hit.distance, shape=score)
    # The score was rounded where it was computed; subtracting it from 1 twice must not bring digits back.
    score = round(1 - hit.distance, SCORE_DIGITS)
    return Candidate(hit.image_id, hit.product_id, score, hit.distance, hit.shape, hit.colour)
