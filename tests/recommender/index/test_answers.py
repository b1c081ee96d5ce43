"""Every engine behind the search, which Postgres completes: the right products, in the right order, a full page.

The NumPy engine proposes exactly, so that its answers are those of brute force; of an approximate engine at least .95 is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.db import transaction
from django.test import Client
from pytest_django import Settings

from catalog.filters.chosen import Filters
from catalog.models import Product, ProductImage
from recommender.index import lifecycle, stored
from recommender.index.base import VectorIndex
from recommender.index.feed import feed
from recommender.index.registry import vector_index
from recommender.index.search import VectorSearch, vector_search
from recommender.index.types import Hit, SpaceQuery
from recommender.models import Encoder, Space
from recommender.pipeline import gallery
from recommender.spaces.build import build_space
from recommender.spaces.first import ensure_first_space
from recommender.spaces.listing import list_spaces
from recommender.spaces.options import SpaceOptions
from recommender.spaces.switch import activate, retire
from tests.catalog.filters.chosen import filtering
from tests.recommender.index.engines import PASSING, chosen, filters_of
from tests.recommender.index.numpy_engine import NumpyIndex
from tests.recommender.search.gallery import Shop, assert_same_answer, make_space, random_units
from tests.recommender.spaces.gallery import add_photos, class_features, encoder_row

VECTORS = random_units(60)


@pytest.fixture(params=PASSING)
def engine(request: pytest.FixtureRequest, db: None) -> Iterator[VectorIndex]:
    with chosen(request.param) as one:
        yield one


def shop_behind(engine: VectorIndex, *products: tuple[Any, dict[str, Any]], metric: str = "cosine") -> Shop:
    space = make_space(metric=metric, index_now=False)
    shop = Shop(space)
    shop.add_many([(np.atleast_2d(vectors), fields) for vectors, fields in products])
    feed(engine, space)
    engine.build(space=space)
    return shop


def assert_answered(found: list[Hit], expected: list[Hit], shop: Shop) -> float:
    """As brute force answers on the NumPy engine; elsewhere as full, and how much of it."""
    if settings.VECTOR_ENGINE == "numpy":
        assert_same_answer(found, expected, shop)
    assert len(found) == len(expected)
    assert [hit.distance for hit in found] == sorted(hit.distance for hit in found)
    places = [shop.products[hit.product_id].group or hit.product_id for hit in found]
    assert len(set(places)) == len(places)
    if not expected:
        return 1.0
    return sum(hit.distance <= expected[-1].distance + 2e-5 for hit in found) / len(expected)


@pytest.mark.parametrize("exact_below", [None, 0, 5])
@pytest.mark.parametrize("name", list(filters_of(Shop(Space()))))
def test_sets_and_order_under_every_filter(filled: Shop, name: str, exact_below: int | None) -> None:
    filters = filters_of(filled)[name]
    search = VectorSearch(vector_index(), exact_below=exact_below)
    queries = [SpaceQuery(vector=vector, filters=filters) for vector in list(filled.vectors.values())[3::125]]
    pages = search.search_many(space=filled.space, queries=queries, k=12)
    recalls = [
        assert_answered(page, filled.answer(query.vector, filters, 12), filled)
        for query, page in zip(queries, pages, strict=True)
    ]
    assert np.mean(recalls) >= 0.95
    exact = search.search_many(space=filled.space, queries=queries[:2], k=12, exact=True)
    for query, page in zip(queries, exact, strict=False):
        assert_same_answer(page, filled.answer(query.vector, filters, 12), filled)


@pytest.mark.parametrize("metric", ["cosine", "l2", "ip", "l1"])
def test_every_metric_ranks_by_its_own_distance(engine: VectorIndex, metric: str) -> None:
    shop = shop_behind(engine, *[(VECTORS[i], {"price": i}) for i in range(40)], metric=metric)
    for filters in (Filters(), filtering(min_price=Decimal(20))):
        found = VectorSearch(engine, exact_below=0).search(space=shop.space, vector=VECTORS[50], filters=filters, k=12)
        assert_same_answer(found, shop.answer(VECTORS[50], filters, 12), shop, tolerance=1e-4)


def test_a_group_fills_one_place_by_its_best_photo_and_the_page_all_the_same(engine: VectorIndex) -> None:
    """300 photos of one group are nearer than the 24 products behind it."""
    crowd = [(VECTORS[0], {"group": "crowd"}) for _ in range(300)]
    shop = shop_behind(engine, *crowd, *[(VECTORS[i : i + 2], {}) for i in range(1, 49, 2)])
    for exact_below in (0, 3000):
        found = VectorSearch(engine, exact_below=exact_below).search(
            space=shop.space, vector=VECTORS[0], filters=Filters(), k=12
        )
        assert_same_answer(found, shop.answer(VECTORS[0], Filters(), 12), shop)
        assert found[0].image_id == min(shop.owner)


def test_exclusions_are_never_answered_and_leave_the_page_full(engine: VectorIndex) -> None:
    shop = shop_behind(engine, *[(VECTORS[i], {"group": f"g{i % 20}" if i % 2 else ""}) for i in range(50)])
    near = [hit.product_id for hit in shop.answer(VECTORS[0], Filters(), 20)]
    filters = filtering(exclude_products=tuple(near[:10]), exclude_groups=("g1", "g3"))
    found = vector_search().search(space=shop.space, vector=VECTORS[0], filters=filters, k=12)
    assert_same_answer(found, shop.answer(VECTORS[0], filters, 12), shop)


def test_ties_stand_in_the_order_of_ids(engine: VectorIndex) -> None:
    shop = shop_behind(engine, *[(VECTORS[i % 2], {}) for i in range(40)])
    ids = sorted(shop.owner)
    # Which of equally near photos stand before the end of a page is for an exact engine to know.
    for k in (40, 25) if settings.VECTOR_ENGINE == "numpy" else (40,):
        found = vector_search().search(space=shop.space, vector=VECTORS[0], filters=Filters(), k=k)
        assert [hit.image_id for hit in found] == [*ids[::2], *ids[1::2]][:k]


def test_what_changed_a_moment_ago_is_never_shown_though_the_engine_was_not_told(engine: VectorIndex) -> None:
    shop = shop_behind(engine, *[(VECTORS[i], {"price": 10}) for i in range(30)])
    ids = [hit.product_id for hit in shop.answer(VECTORS[0], Filters(), 4)]
    Product.objects.filter(pk=ids[0]).update(published=False)
    Product.objects.filter(pk=ids[1]).update(price=90)
    Product.objects.filter(pk=ids[2]).delete()
    stored.delete(space=shop.space, image_ids=shop.photos(shop.products[ids[3]]))
    for exact_below in (0, 3000):
        found = VectorSearch(engine, exact_below=exact_below).search(
            space=shop.space,
            vector=VECTORS[0],
            filters=filtering(max_price=50),
            k=26,
        )
        assert len(found) == 26 and not {hit.product_id for hit in found} & set(ids)


def test_the_whole_product_answers_by_the_engine_of_the_setting(
    engine: VectorIndex, client: Client, settings: Settings
) -> None:
    settings.ANSWER_CACHE_SECONDS = 0
    shop = shop_behind(engine, *[(VECTORS[i], {}) for i in range(30)])
    asking = min(shop.products)
    expected = [one.product_id for one in shop.answer(VECTORS[0], filtering(exclude_products=(asking,)), 12)]
    assert similar(client, asking) == expected
    ready = client.get("/readyz").json()
    assert (ready["ready"], ready["checks"]["engine"]) == (True, "ok")
    assert b'lookalike_space_index_bytes{space="test"' in client.get("/metrics").content


def test_an_engine_that_is_away_is_named_and_what_postgres_can_do_alone_goes_on(
    db: None, client: Client, settings: Settings
) -> None:
    settings.ANSWER_CACHE_SECONDS = 0
    with chosen("numpy") as engine, away(engine) as go:
        shop = shop_behind(engine, *[(VECTORS[i], {"price": i}) for i in range(30)])
        asking = min(shop.products)
        near = similar(client, asking)
        go()
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()["missing"]) == (503, ["engine"])
        assert ready.json()["checks"]["engine"] == "numpy does not answer" and int(ready.headers["Retry-After"]) > 0
        answer = client.get(f"/api/v1/products/{asking}/similar/")
        assert (answer.status_code, answer.json()["detail"]) == (503, "the NumPy engine does not answer")
        assert int(answer.headers["Retry-After"]) > 0
        assert similar(client, asking, "?exact=true") == near
        assert len(similar(client, asking, "?min_price=25")) == 5  # few pass, so they are compared
        assert client.get(f"/api/v1/products/{asking}/similar/{near[0]}/why/").status_code != 503
        scraped = client.get("/metrics").content
        assert b"lookalike_database_up 1.0" in scraped and b"lookalike_space_index_bytes{" not in scraped


def similar(client: Client, product_id: int, query: str = "") -> list[int]:
    answer = client.get(f"/api/v1/products/{product_id}/similar/{query}")
    assert answer.status_code == 200, answer.content
    return [one["product"]["id"] for one in answer.json()["results"]]


@contextmanager
def away(engine: VectorIndex) -> Iterator[Callable[[], None]]:
    """What is given makes the NumPy engine stop answering, until the end."""
    assert isinstance(engine, NumpyIndex)
    try:
        yield lambda: setattr(engine, "away", True)
    finally:
        engine.away = False


def test_pages_are_of_many_queries_at_once_as_of_one_by_one(engine: VectorIndex) -> None:
    shop = shop_behind(engine, *[(VECTORS[i], {"price": i}) for i in range(40)])
    queries = [
        SpaceQuery(vector=VECTORS[i], filters=filtering(min_price=Decimal(i)) if i % 2 else Filters())
        for i in range(0, 40, 3)
    ]
    together = vector_search().search_many(space=shop.space, queries=queries, k=5)
    alone = [vector_search().search(space=shop.space, vector=one.vector, filters=one.filters, k=5) for one in queries]
    assert together == alone


def test_a_space_is_built_switched_to_and_retired_behind_either_engine(engine: VectorIndex) -> None:
    """The steps of a space ask the port alone: made, fed, indexed, judged, active, then taken away."""
    encoder = encoder_row()
    first = ensure_first_space(encoder=encoder)
    features, classes = class_features(4, 20)
    add_photos(encoder, features, [f"Things > kind {code}" for code in classes])
    space = build_space(SpaceOptions(encoder=encoder, projection="pca", dimensions=8))
    assert engine.ready(space=space) and space.quality["ann_recall"] > 0.9
    listed = {one["name"]: (one["photos"], one["bytes"] > one["index_bytes"] > 0) for one in list_spaces()}
    assert listed[space.name] == (80, True)
    activate(space.name, force=True)
    assert len(engine.ids(space=space, after=0, most=100)) == 80
    retired = retire(first.name, grace_seconds=0)
    assert not engine.ready(space=retired) and engine.ready(space=space)
    assert next(one for one in list_spaces() if one["name"] == first.name)["bytes"] == 0


@pytest.mark.django_db(transaction=True)
def test_what_a_worker_stores_is_told_to_the_engine_and_missed_while_it_is_away(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with chosen("numpy") as engine, away(engine) as go:
        encoder = encoder_row()
        space = ensure_first_space(encoder=encoder)
        features, _ = class_features(2, 3)
        products = Product.objects.bulk_create(Product(sku=f"W{i}", title="W") for i in range(4))
        images = ProductImage.objects.bulk_create(ProductImage(product=one, digest=f"w{one.pk}") for one in products)
        photos = [
            gallery.EmbeddedPhoto(image.pk, image.product_id, image.digest, row)
            for image, row in zip(images, features, strict=False)
        ]
        store_together(encoder, photos[:3])
        ids = [image.pk for image in images]
        assert engine.ids(space=space, after=0, most=10).tolist() == ids[:3]
        go()
        store_together(encoder, photos[3:])
        assert stored.count(space=space) == 4 and "the NumPy engine does not answer" in caplog.text
        engine.away = False  # type: ignore[attr-defined]
        assert engine.ids(space=space, after=0, most=10).tolist() == ids[:3]
        assert feed(engine, space).added == 1 and engine.ids(space=space, after=0, most=10).tolist() == ids
        lifecycle.drop(space)


def store_together(encoder: Encoder, photos: list[gallery.EmbeddedPhoto]) -> None:
    """As the end of a lease does."""
    prepared = gallery.prepare(encoder, photos)
    with transaction.atomic():
        gallery.store(prepared)
