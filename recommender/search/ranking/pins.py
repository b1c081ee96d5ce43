"""Pins: products that stand at the places that rules ask for, like the query or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count

from recommender.merchandising.rules.applied import Pin
from recommender.merchandising.rules.conditions import Pinned
from recommender.search.ranking.base import Candidate, Candidates, Query, Step


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
    """`found` with the pinned ones put in at their places, or at the end where the place is beyond it."""
    page = list(found)
    for place, one in sorted(places_of(pinned, pins).items()):
        page.insert(place - 1, replace(one, rule=pins[one.product_id].by))
    return tuple(page)


def places_of(pinned: Candidates, pins: Mapping[int, Pin]) -> Mapping[int, Candidate]:
    """The pinned candidates by their places, 1 is the first: of several that want one place the first of `pins` has it, the others
    have the next places that no pin asks for."""
    found = {one.product_id: one for one in pinned}
    wanted = [(product, pin.place) for product, pin in pins.items() if product in found]
    asked_for = {place for _, place in wanted}
    places: dict[int, Candidate] = {}
    for product, place in wanted:
        if place in places:
            place = next(one for one in count(place) if one not in places and one not in asked_for)
        places[place] = found[product]
    return places
