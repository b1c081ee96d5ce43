"""Pins: products that stand at the places that rules ask for, like the query or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from recommender.merchandising.rules.applied import Pin
from recommender.merchandising.rules.conditions import Pinned
from recommender.search.ranking.base import Candidates, Query, Step


class Pins(Step[None]):
    """Adds a first tier that finds the pinned products: those that pass the caller's filters and are not hidden, however unlike."""

    def before(self, query: Query) -> Sequence[Query]:
        pins = query.rules.pins
        if not pins:
            return (query,)
        options = replace(
            query.options,
            filters=query.options.filters.having(Pinned(tuple(sorted(pins)))),
            limit=len(pins),
            min_score=None,
            min_confidence=None,
            min_results=0,
            diversity=0.0,
        )
        return (replace(query, options=options, pinned=True), query)


def with_pins(found: Candidates, pinned: Candidates, pins: Mapping[int, Pin]) -> Candidates:
    """`found` with the pinned ones put in at their places, or at the end where the place is beyond it.

    Of several at one place the first of `pins` has it, the others the next places that no pin asks for.
    """
    order = {product: number for number, product in enumerate(pins)}
    places = _places(
        {one.product_id: pins[one.product_id].place for one in sorted(pinned, key=lambda one: order[one.product_id])}
    )
    page = list(found)
    for one in sorted(pinned, key=lambda one: places[one.product_id]):
        page.insert(places[one.product_id] - 1, replace(one, rule=pins[one.product_id].by))
    return tuple(page)


def _places(wanted: Mapping[int, int]) -> Mapping[int, int]:
    """A place for each product, no two alike; `wanted` in the order in which they choose."""
    taken = set(wanted.values())
    places: dict[int, int] = {}
    chosen: set[int] = set()
    for product, place in wanted.items():
        if place in chosen:
            while place in taken:
                place += 1
            taken.add(place)
        chosen.add(place)
        places[product] = place
    return places
