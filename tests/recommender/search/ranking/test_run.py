"""The list as a whole on small galleries: exact ids in order, what is asked of the index, and pages that fill up again."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from recommender.search.answers import Answer
from recommender.search.filters import SearchOptions
from recommender.search.ranking import run
from recommender.search.ranking.base import Query
from recommender.search.ranking.run import rank
from recommender.search.ranking.steps import STEPS, Steps
from recommender.search.similarity import recommend, similar_to_each, similar_to_features, similar_to_product
from tests.catalog.filters.chosen import filtering
from tests.recommender.search.gallery import Shop, make_tree, unit
from tests.recommender.search.ranking.throwaway import (
    EverySecond,
    InStockOnly,
    Nothing,
    OddProducts,
    StockFirst,
    counted,
)

OPTIONS = SearchOptions(limit=6)


def at(angle: float) -> np.ndarray:
    return unit([np.cos(angle), np.sin(angle), 0, 0, 0, 0, 0, 0])


def row(shop: Shop, count: int, **fields: object) -> list[int]:
    """Products at growing angles from the first, nearest first; their ids."""
    return [one.pk for one in shop.add_many([(at(0.01 * i)[None, :], fields) for i in range(count)])]


def page(shop: Shop, options: SearchOptions, steps: Steps = STEPS) -> list[int]:
    query = Query(vectors=(at(0.0),), options=options)
    return [one.product_id for one in rank(space=shop.space, queries=[query], steps=steps)[0].found]


Search = Callable[[int, SearchOptions, Steps], Answer]


def by_product(product: int, options: SearchOptions, steps: Steps) -> Answer:
    return similar_to_product(product_id=product, options=options, steps=steps)


def by_every_photo(product: int, options: SearchOptions, steps: Steps) -> Answer:
    return similar_to_product(product_id=product, options=options, image="all", steps=steps)


def by_photo(product: int, options: SearchOptions, steps: Steps) -> Answer:
    """Of a photo that no product owns, so the product itself is excluded by the caller."""
    excluded = replace(options, filters=options.filters.excluding(products=[product]))
    encoder = by_product(product, options, steps).space.encoder_id
    return similar_to_features(encoder_id=encoder, features=at(0.0), options=excluded, query={}, steps=steps)


def by_likes(product: int, options: SearchOptions, steps: Steps) -> Answer:
    return recommend(positive=[product], negative=[], options=options, steps=steps)


def in_a_batch(product: int, options: SearchOptions, steps: Steps) -> Answer:
    return similar_to_each(product_ids=[product + 1, product], options=options, steps=steps)[product]


SEARCHES = [by_product, by_every_photo, by_photo, by_likes, in_a_batch]


@pytest.mark.parametrize("search", SEARCHES)
def test_a_new_step_is_one_line_for_every_search(shop: Shop, search: Search) -> None:
    asking, *others = row(shop, 30, in_stock=False)
    stocked = [one.pk for one in shop.add_many([(at(0.4 + 0.01 * i)[None, :], {"in_stock": True}) for i in range(4)])]

    def found(steps: Steps) -> list[int]:
        return [one.product_id for one in search(asking, OPTIONS, steps).found]

    assert found(STEPS) == others[:6]
    assert found([*STEPS, EverySecond()]) == others[:12:2]
    assert found([*STEPS, OddProducts()]) == [one for one in others if one % 2][:6]
    assert found([*STEPS, InStockOnly()]) == stocked
    assert found([*STEPS, StockFirst()]) == [*stocked, *others[:2]]
    assert found([*STEPS, Nothing()]) == []


def test_every_search_goes_through_the_list_unless_told_otherwise() -> None:
    for search in (similar_to_product, similar_to_features, recommend, similar_to_each):
        assert inspect.signature(search).parameters["steps"].default is STEPS


def test_what_is_dropped_is_made_up_for_by_asking_deeper(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = row(shop, 60)
    with counted(monkeypatch) as asked:
        assert page(shop, OPTIONS, [*STEPS, EverySecond()]) == ids[:12:2]
    assert asked.depths == [6, 24]


def test_a_page_is_short_only_when_nothing_more_matches(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = row(shop, 9)
    with counted(monkeypatch) as asked:
        assert page(shop, OPTIONS, [*STEPS, EverySecond()]) == ids[::2]
    assert asked.depths == [6, 24]


def test_a_step_that_keeps_nothing_ends_with_an_empty_page(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    row(shop, 60)
    with counted(monkeypatch) as asked:
        assert page(shop, OPTIONS, [*STEPS, Nothing()]) == []
    assert asked.depths == [6, 24, 96]  # of 60, so there is nothing deeper


def test_asking_ends_at_the_deepest_however_many_match(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    row(shop, 60)
    monkeypatch.setattr(run, "DEEPEST", 40)
    with counted(monkeypatch) as asked:
        assert page(shop, OPTIONS, [*STEPS, Nothing()]) == []
    assert asked.depths == [6, 24, 40]


def test_a_batch_asks_deeper_for_those_alone_that_are_short(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = row(shop, 40)
    crowd = replace(OPTIONS, filters=filtering(exclude_products=tuple(one for one in ids if one % 2 == 0)))
    queries = [Query(vectors=(at(0.0),), options=options) for options in (OPTIONS, crowd, OPTIONS)]
    with counted(monkeypatch) as asked:
        pages = rank(space=shop.space, queries=queries, steps=[*STEPS, OddProducts()])
    odd = [one for one in ids if one % 2][:6]
    assert [[one.product_id for one in page.found] for page in pages] == [odd, odd, odd]
    assert list(zip(asked.depths, asked.queries, strict=True)) == [(6, 3), (24, 2)]


def test_a_large_batch_is_asked_in_parts(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = row(shop, 40)
    monkeypatch.setattr(run, "AT_ONCE", 12)
    queries = [Query(vectors=(at(0.0),), options=OPTIONS)] * 3
    with counted(monkeypatch) as asked:
        pages = rank(space=shop.space, queries=queries, steps=[*STEPS, EverySecond()])
    assert [[one.product_id for one in page.found] for page in pages] == [ids[:12:2]] * 3
    assert list(zip(asked.depths, asked.queries, strict=True)) == [(6, 2), (6, 1), (24, 1), (24, 1), (24, 1)]


def test_diverse_pages_fill_up_again_too(shop: Shop) -> None:
    row(shop, 200)
    found = page(shop, replace(OPTIONS, diversity=0.5), [*STEPS, EverySecond(), EverySecond()])
    assert len(found) == len(set(found)) == 6


@pytest.mark.parametrize(
    ("options", "depths", "read"),
    [
        (OPTIONS, [6], []),
        (replace(OPTIONS, min_score=0.9999), [6], []),
        (replace(OPTIONS, min_score=0.9), [6], []),
        (replace(OPTIONS, min_score=0.9999, min_results=1), [6], []),
        (replace(OPTIONS, diversity=0.5), [48], [40]),
    ],
    ids="plain short-by-threshold full enough diverse".split(),
)
def test_how_often_the_index_is_asked(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, options: SearchOptions, depths: list[int], read: list[int]
) -> None:
    """One search, and one more reading where answers shall differ; the ORM is not asked at all."""
    row(shop, 40)
    with counted(monkeypatch) as asked, CaptureQueriesContext(connection) as statements:
        page(shop, options)
    assert (asked.depths, asked.read, len(statements)) == (depths, read, 0)


def test_a_batch_is_asked_as_often_as_one(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 20 products those at the end are short and filled: one search for all, one more for these, one reading."""
    tree = make_tree()
    ids = row(shop, 20, category=tree["dress"])
    options = replace(OPTIONS, min_score=0.9985, min_results=6, diversity=0.2)
    with counted(monkeypatch) as asked:
        answers = similar_to_each(product_ids=ids, options=options)
    short = [one for one in ids if answers[one].fallback]
    assert 0 < len(short) < 20
    assert (asked.queries, len(asked.read)) == ([20, len(short)], 1)
    for one in (ids[0], ids[10], ids[-1]):
        alone = similar_to_product(product_id=one, options=options)
        assert (answers[one].found, answers[one].fallback) == (alone.found, alone.fallback)
        assert len(alone.found) == 6


def test_tiers_follow_one_another_and_each_is_filled_by_the_fallback(shop: Shop) -> None:
    """In stock and alike, alike, in stock of the category, the category; a group or product takes one place of all."""
    tree = make_tree()
    asking = shop.add(at(0.0), category=tree["dress"])
    sold_out = shop.add(at(0.1), category=tree["dress"], in_stock=False)
    twin = shop.add(at(0.2), category=tree["dress"], group="pair")
    shop.add(at(0.15), category=tree["dress"], in_stock=False, group="pair")
    far_sold_out = shop.add(at(0.7), category=tree["dress"], in_stock=False)
    far = shop.add(at(0.8), category=tree["dress"])
    shop.add(at(0.6), category=tree["shoe"])
    options = replace(OPTIONS, min_score=0.95, min_results=4)
    answer = similar_to_product(product_id=asking.pk, options=options, steps=[*STEPS, StockFirst()])
    assert [one.product_id for one in answer.found] == [twin.pk, sold_out.pk, far.pk, far_sold_out.pk]
    assert answer.fallback == "category"


def test_a_photo_is_filled_from_the_category_of_what_is_nearest(shop: Shop) -> None:
    tree = make_tree()
    near = shop.add(at(0.3), category=tree["shoe"])
    shop.add(at(0.4), category=tree["dress"])
    mate = shop.add(at(0.5), category=tree["shoe"])
    shop.add(at(0.6))
    options = replace(OPTIONS, min_score=0.99, min_results=4)
    query = Query(vectors=(at(0.0),), options=options)
    (found,) = rank(space=shop.space, queries=[query])
    assert ([one.product_id for one in found.found], found.fallback) == ([near.pk, mate.pk], "category")
    elsewhere = replace(query, options=replace(options, filters=filtering(categories=(tree["dress"].pk,))))
    nowhere = replace(query, options=replace(options, filters=filtering(brands=("none",))))
    uncategorised = replace(query, options=replace(options, filters=filtering(exclude_products=(near.pk,))))
    pages = rank(space=shop.space, queries=[elsewhere, nowhere, uncategorised])
    assert [len(page.found) for page in pages] == [1, 0, 1]


def test_nothing_asked_nothing_found(shop: Shop) -> None:
    assert rank(space=shop.space, queries=[]) == []
