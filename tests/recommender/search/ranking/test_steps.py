"""Each step by itself, on candidates made by hand: no database, no index."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from catalog.filters.entries.stock import Stock
from recommender.search.filters import SearchOptions
from recommender.search.ranking import base, stock
from recommender.search.ranking.base import Candidate, Candidates, Query, Step
from recommender.search.ranking.diversity import MOST_CANDIDATES, WIDER, Diversity
from recommender.search.ranking.emphasis import Emphasise
from recommender.search.ranking.fallback import Fallback
from recommender.search.ranking.group import Group
from recommender.search.ranking.narrowing import Hide, SameCategory
from recommender.search.ranking.pins import Pins
from recommender.search.ranking.repeats import Repeats
from recommender.search.ranking.steps import STEPS
from recommender.search.ranking.threshold import Threshold
from tests.catalog.filters.chosen import filtering

VECTOR = np.array([1, 0], np.float32)


def query(*, vectors: int = 1, depth: int = 12, **options: object) -> Query:
    return Query(
        vectors=(VECTOR,) * vectors,
        options=SearchOptions(**options),  # type: ignore[arg-type]
        depth=depth,
    )


def candidates(*scores: float) -> Candidates:
    """Photo 10, 11, … of product 1, 2, …"""
    return tuple(Candidate(10 + place, 1 + place, score, 1 - score) for place, score in enumerate(scores))


def products(found: Candidates) -> list[int]:
    return [one.product_id for one in found]


def test_the_list_in_its_order() -> None:
    kinds = [Pins, Threshold, Fallback, Hide, SameCategory, stock.Stock, Group, Repeats, Emphasise, Diversity]
    assert [type(step) for step in STEPS] == kinds


def test_a_step_that_says_nothing_changes_nothing() -> None:
    asked, found = query(), candidates(0.9, 0.5)
    step: Step[None] = Step()
    assert list(step.before(asked)) == [asked]
    assert step.after(found, query=asked, known={}) == found


@pytest.mark.parametrize(
    ("least", "kept"), [(-1.0, [1, 2, 3]), (0.5, [1, 2]), (0.51, [1]), (0.95, [])], ids="all equal between none".split()
)
def test_threshold_keeps_what_reaches_the_least_score(least: float, kept: list[int]) -> None:
    asked = query(min_score=least)
    assert products(Threshold().after(candidates(0.9, 0.5, 0.2), query=asked, known={})) == kept


def test_threshold_applies_where_there_is_a_least_score_zero_too() -> None:
    assert [Threshold().applies(query(min_score=least)) for least in (None, 0.0, 0.5)] == [False, True, True]


def test_group_keeps_the_best_photo_of_a_product_and_of_a_variant_group() -> None:
    found = (
        Candidate(10, 1, 0.9, 0.1),
        Candidate(11, 1, 0.8, 0.2),
        Candidate(12, 2, 0.7, 0.3),
        Candidate(13, 3, 0.6, 0.4),
        Candidate(10, 1, 0.5, 0.5),
        Candidate(14, 4, 0.4, 0.6),
    )
    known = {12: "shirt", 13: "shirt"}
    asked = query(vectors=2)
    assert [one.image_id for one in Group().after(found, query=asked, known=known)] == [10, 12, 14]
    assert [one.image_id for one in Group().after(found, query=query(vectors=2, depth=2), known=known)] == [10, 12]
    assert [Group().applies(query(vectors=count)) for count in (1, 2)] == [False, True]


def at(*angles: float) -> Mapping[int, np.ndarray]:
    """Vectors of photos 10, 11, … in the plane."""
    return {10 + place: np.array([np.cos(angle), np.sin(angle)], np.float32) for place, angle in enumerate(angles)}


def test_diversity_chooses_what_is_unlike_the_chosen_and_the_rest_follows() -> None:
    angles = (0.10, 0.11, 0.12, -0.35, 0.70)
    found = candidates(*np.cos(angles).tolist())
    asked = query(limit=3, diversity=0.6, depth=5)
    assert products(Diversity().after(found, query=asked, known=at(*angles))) == [1, 4, 5, 2, 3]
    mild = query(limit=3, diversity=0.01, depth=5)
    assert products(Diversity().after(found, query=mild, known=at(*angles))) == [1, 2, 3, 4, 5]


def test_diversity_takes_the_earlier_of_equals_and_leaves_out_photos_that_are_gone() -> None:
    asked = query(limit=3, diversity=0.5)
    known = at(0.0, 0.2, 0.2)
    assert products(Diversity().after(candidates(1.0, 0.9, 0.9), query=asked, known=known)) == [1, 2, 3]
    gone = {image: vector for image, vector in known.items() if image != 10}
    assert products(Diversity().after(candidates(1.0, 0.9, 0.9), query=asked, known=gone)) == [2, 3]
    assert Diversity().after(candidates(1.0), query=asked, known={}) == ()
    assert Diversity().after((), query=asked, known={}) == ()


@pytest.mark.parametrize(("limit", "depth"), [(3, 3 * WIDER), (100, MOST_CANDIDATES)])
def test_diversity_asks_for_several_candidates_a_place(limit: int, depth: int) -> None:
    (asked,) = Diversity().before(query(limit=limit, diversity=0.5, depth=0))
    assert asked.depth == depth
    (deeper,) = Diversity().before(query(limit=limit, diversity=0.5, depth=5000))
    assert deeper.depth == 5000
    (plain,) = Diversity().before(query(limit=limit, depth=0))
    assert (plain.depth, Diversity().applies(plain)) == (0, False)


def test_of_a_deeper_asking_diversity_chooses_more_places() -> None:
    """Eight places from 64 candidates for a page of one, so that what follows it may drop some."""
    angles = tuple(np.linspace(0.0, 1.5, 64).tolist())
    found = candidates(*np.cos(angles).tolist())
    ordered = products(Diversity().after(found, query=query(limit=1, diversity=0.9, depth=64), known=at(*angles)))
    assert ordered[:2] == [1, 64] and sorted(ordered[:8]) != ordered[:8]
    assert ordered[8:] == sorted(ordered[8:]) and sorted(ordered) == list(range(1, 65))


def test_fallback_adds_a_tier_of_the_same_category_without_a_least_score() -> None:
    filters = filtering(in_stock=True)
    asked = query(limit=12, min_score=0.8, min_results=4, diversity=0.5, filters=filters)
    first, second = Fallback().before(asked)
    assert first is asked
    assert (second.same_category, second.fallback, second.depth) == (True, "category", 0)
    assert second.options == SearchOptions(limit=4, filters=filters)
    for options in ({"min_results": 4}, {"min_score": 0.8}):
        assert list(Fallback().before(plain := query(**options))) == [plain]


def test_the_examples_of_the_contract_are_steps_that_work() -> None:
    text = inspect.getdoc(base) or ""
    begin, end = text.index("    class InStockOnly"), text.index("`Stock` is a filter")
    names: dict[str, Any] = {**vars(base), "Stock": Stock, "replace": replace}
    exec(textwrap.dedent(text[begin:end]), names)
    (stocked,) = names["InStockOnly"]().before(query())
    assert stocked.options.filters == filtering(in_stock=True)
    assert products(names["NoOddProducts"]().after(candidates(0.9, 0.8, 0.7, 0.6), query=query(), known={})) == [2, 4]
