"""Every engine, by itself: from create to drop, told of photos in any order, asked under every filter.

Nothing stands in for what the engine does not find: the search is not completed by comparing.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest

from catalog.filters.chosen import Filters
from recommender.index import lifecycle, stored
from recommender.index.base import NearestQuery, Sizes, UnknownCombination, VectorIndex
from recommender.index.feed import feed
from recommender.index.registry import vector_index
from recommender.index.search import VectorSearch
from recommender.index.types import SpaceGone, SpaceQuery, VectorRow
from recommender.models import Space
from tests.catalog.filters.chosen import passes
from tests.recommender.index.engines import PASSING, chosen, filters_of, shop_of
from tests.recommender.index.numpy_engine import everything_stored
from tests.recommender.search.gallery import Shop, make_encoder, make_space, random_units

K = 10
VECTORS = random_units(12)


@pytest.fixture(params=PASSING)
def engine(request: pytest.FixtureRequest, db: None) -> Iterator[VectorIndex]:
    with chosen(request.param) as one:
        yield one


def empty_space(name: str = "empty") -> Space:
    space = Space.objects.create(
        name=name, encoder=make_encoder(name=name), projection="none", dimensions=8, state=Space.State.BUILDING
    )
    lifecycle.create(space)
    return space


def known(engine: VectorIndex, space: Space) -> list[int]:
    found: list[int] = []
    while len(page := engine.ids(space=space, after=found[-1] if found else 0, most=3)):
        found += page.tolist()
    return found


def proposed(engine: VectorIndex, space: Space, depth: int = 20) -> list[int]:
    query = NearestQuery(vector=VECTORS[0], filters=None, depth=depth)
    return [int(image) for image in engine.nearest(space=space, queries=[query], k=depth)[0].image_ids]


def test_from_create_to_drop(engine: VectorIndex) -> None:
    space = empty_space()
    lifecycle.create(space)
    assert not engine.ready(space=space)
    engine.build(space=space)
    engine.build(space=space)
    assert engine.ready(space=space) and proposed(engine, space) == [] and known(engine, space) == []
    shop = Shop(space)
    shop.add_many([(VECTORS[i : i + 1], {}) for i in range(12)])
    feed(engine, space)
    assert known(engine, space) == sorted(shop.owner)
    assert sorted(proposed(engine, space)) == sorted(shop.owner)
    sizes = engine.sizes(space=space)
    assert 0 < sizes.index_bytes < sizes.total_bytes
    lifecycle.drop(space)
    lifecycle.drop(space)
    assert not engine.ready(space=space) and engine.sizes(space=space) == Sizes(index_bytes=0, total_bytes=0)
    with pytest.raises(SpaceGone):
        proposed(engine, space)


def test_two_spaces_live_side_by_side(engine: VectorIndex) -> None:
    encoder = make_encoder()
    shops = [Shop(make_space(encoder, name=name, state=Space.State.READY)) for name in ("here", "there")]
    shops[0].add(VECTORS[:1])
    feed(engine, shops[0].space)
    feed(engine, shops[1].space)
    lifecycle.drop(shops[1].space)
    assert proposed(engine, shops[0].space) == sorted(shops[0].owner) and engine.ready(space=shops[0].space)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_what_is_and_what_is_gone_may_be_told_in_any_order_and_again(engine: VectorIndex, order: tuple[int]) -> None:
    """The last word about each photo counts, and it is told twice."""
    space = empty_space()
    shop = Shop(space)
    shop.add_many([(VECTORS[i : i + 1], {}) for i in range(9)])
    engine.build(space=space)
    rows = everything_stored(space)
    removed = [row.image_id for row in rows[:3]]
    stored.delete(space=space, image_ids=removed)
    for part in order:
        engine.sync(space=space, present=[row for row in rows[part::3] if row.image_id not in removed], gone=[])
        engine.sync(space=space, present=[], gone=removed)
    for _ in range(2):
        engine.sync(space=space, present=rows[3:], gone=[*removed, 10**9])
    left = [row.image_id for row in rows[3:]]
    assert known(engine, space) == left and sorted(proposed(engine, space)) == left


def test_a_photo_that_shows_something_else_now_is_replaced(engine: VectorIndex) -> None:
    space = empty_space()
    shop = Shop(space)
    products = shop.add_many([(VECTORS[i : i + 1], {}) for i in range(1, 6)])
    engine.build(space=space)
    feed(engine, space)
    (image,) = shop.photos(products[4])
    row = VectorRow(image, products[4].pk, VECTORS[0])
    stored.delete(space=space, image_ids=[image])
    stored.insert(space=space, rows=[row])
    engine.sync(space=space, present=[row], gone=[])
    assert proposed(engine, space, depth=1) == [image] and len(known(engine, space)) == 5


def test_a_space_it_cannot_serve_is_refused_by_naming_what_exists(engine: VectorIndex) -> None:
    engine.check(metric="cosine", index="hnsw", dimensions=256, parameters={})
    with pytest.raises(UnknownCombination, match=r"'hamming'.* hnsw with .*cosine"):
        engine.check(metric="hamming", index="hnsw", dimensions=256, parameters={})


def test_a_copy_is_brought_level_with_postgres_by_ids(engine: VectorIndex) -> None:
    space = empty_space()
    shop = Shop(space)
    shop.add_many([(VECTORS[i : i + 1], {}) for i in range(10)])
    engine.build(space=space)
    feed(engine, space)
    ids = sorted(shop.owner)
    stored.delete(space=space, image_ids=ids[:2])
    engine.sync(space=space, present=[], gone=ids[8:])
    fed = feed(engine, space)
    assert (fed.added, fed.removed) == ((2, 2) if engine.keeps_copy else (0, 0))
    assert known(engine, space) == ids[2:]
    again = feed(engine, space)
    assert (again.added, again.removed) == (0, 0)


def recall_under(shop: Shop, filters: Filters) -> tuple[float, float]:
    """Mean recall@10 of the engine by itself over 20 queries, and the share of the products that passes."""
    search = VectorSearch(vector_index(), exact_below=0, completes=False)
    asking = list(shop.vectors.values())[7::100]
    queries = [SpaceQuery(vector=vector, filters=filters) for vector in asking]
    shares = []
    for query, page in zip(queries, search.search_many(space=shop.space, queries=queries, k=K), strict=True):
        assert all(passes(shop.products[hit.product_id], filters) for hit in page)
        expected = shop.answer(query.vector, filters, K)
        near = [hit for hit in page if expected and hit.distance <= expected[-1].distance + 2e-5]
        shares.append(len(near) / len(expected) if expected else 1.0)
    share = sum(passes(product, filters) for product in shop.products.values()) / len(shop.products)
    return float(np.mean(shares)), share


@pytest.mark.parametrize("name", list(filters_of(Shop(Space()))))
def test_the_nearest_are_found_under_every_filter_that_a_tenth_passes(filled: Shop, name: str) -> None:
    recall, share = recall_under(filled, filters_of(filled)[name])
    assert (share < 0.1) == (name in ("rare", "rare and dear", "nobody"))
    if share >= 0.1:
        assert recall >= 0.95


@pytest.mark.django_db
def test_an_engine_that_proposes_nothing_fails() -> None:
    """What the suite asserts of a good engine does not hold for one that leaves all the work to Postgres."""
    with chosen("silent"):
        shop = shop_of("silent", photos=200)
        assert [recall_under(shop, filters)[0] for name, filters in filters_of(shop).items() if name != "nobody"] == [
            0.0
        ] * 12


def test_an_engine_that_found_the_photo_that_asks_does_not_say_otherwise(filled: Shop) -> None:
    """Whether the filters let that photo pass or not, and whether it is asked to be thorough or not."""
    images = sorted(filled.owner)[::97]
    queries = [
        NearestQuery(vector=filled.vectors[image], filters=filters, depth=K, own=image, thorough=thorough)
        for image in images
        for filters in (Filters(), Filters().excluding(products=[filled.owner[image]]))
        for thorough in (False, True)
    ]
    for query, found in zip(queries, vector_index().nearest(space=filled.space, queries=queries, k=K), strict=True):
        assert found.met and len(found.image_ids) >= K, query
