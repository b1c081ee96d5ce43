from __future__ import annotations

import logging

import numpy as np
import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from catalog.filters.chosen import Filters
from recommender.evaluation import recall
from recommender.evaluation.recall import KEPT, measure, recall_of, series, worst_share
from recommender.index import stored
from recommender.index.pgvector import ann_index
from recommender.index.registry import vector_index
from recommender.index.search import vector_search
from recommender.index.types import VectorRow
from recommender.models import RecallSample, Space
from recommender.projection.apply import unit
from recommender.search.query_products import query_product
from recommender.tasks import measure_recall
from tests.recommender.search.gallery import Shop, make_space, random_units


def fill(shop: Shop, count: int, dimensions: int) -> None:
    vectors = random_units(count, dimensions, seed=1)
    shop.add_many([(vectors[i : i + 1], {"published": i % 10 > 0}) for i in range(count)])


def test_a_good_index_is_measured_and_kept_as_a_point_of_the_series(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    fill(shop, 300, 8)
    with caplog.at_level(logging.WARNING):
        sample = measure(shop.space)
    assert sample is not None and sample.recall is not None and sample.recall >= 0.99 and sample.queries == 100
    assert not caplog.records
    measure_recall()
    assert [one.queries for one in series(shop.space)] == [100, 100]


@pytest.mark.django_db
def test_a_bad_index_is_warned_about(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """A graph as thin as can be, asked for one candidate at a time; a query whose own photo it does not meet is asked again."""
    parameters = {"m": 2, "ef_construction": 4, "ef_search": 1}
    shop = Shop(make_space(dimensions=128, parameters=parameters, index_now=False))
    fill(shop, 1500, 128)
    vector_index().build(space=shop.space)
    with caplog.at_level(logging.WARNING):
        sample = measure(shop.space, queries=300)
    alone, _ = recall_of(shop.space, queries=300)
    assert sample is not None and sample.recall is not None and alone is not None and alone < sample.recall < 0.95
    (record,) = caplog.records
    assert "recall@10 of space test is 0." in record.getMessage() and "ef_search" in record.getMessage()
    assert sample.worst_share is not None and sample.worst_share > 0.1
    told = client.get("/api/v1/status/").json()["recall"]
    assert (told["latest"], told["worst_share"], told["worst_queries"]) == (sample.recall, sample.worst_share, 300)
    assert told["series"][0]["worst_share"] == sample.worst_share
    metrics = client.get("/metrics").content.decode()
    assert f'lookalike_recall_worst_share{{space="test"}} {sample.worst_share}' in metrics
    assert 'lookalike_recall_worst_queries{space="test"} 300.0' in metrics


@pytest.mark.django_db
def test_few_bad_queries_behind_a_good_mean_are_warned_about(
    shop: Shop, caplog: pytest.LogCaptureFixture, settings: Settings
) -> None:
    """Twenty photos, alike and far from all others, came while the index took none: theirs are the bad queries.

    Products are answered well all the same, for the index does not come by their own photos; query photos are not.
    """
    settings.RECALL_WARN_BELOW = 0.5
    vectors = random_units(80, 8, seed=1)
    vectors[:60, 0] = -np.abs(vectors[:60, 0])
    vectors[60:] = [1, *[0] * 7] + 0.1 * vectors[60:]
    vectors = unit(vectors)
    shop.add_many([(vectors[i : i + 1], {}) for i in range(60)])
    index = [ann_index.index_name(shop.space)]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE pg_index SET indisready = false WHERE indexrelid = %s::regclass", index)
        shop.add_many([(vectors[i : i + 1], {}) for i in range(60, 80)])
        cursor.execute("UPDATE pg_index SET indisready = true WHERE indexrelid = %s::regclass", index)
    with caplog.at_level(logging.WARNING):
        sample = measure(shop.space)
    assert sample is not None and (sample.recall, sample.worst_share, sample.queries) == (1.0, 0.0, 80)
    (record,) = caplog.records
    assert record.getMessage().startswith(
        "25.00 % of 80 photos asked of the index of space test by itself found fewer than half of their true 10"
    )
    caplog.clear()
    settings.RECALL_WARN_WORST_ABOVE = 0.2
    measure(shop.space)
    assert not caplog.records


@pytest.mark.parametrize(
    ("samples", "share", "queries", "sure"),
    [
        ([], None, 0, False),
        ([(None, 0)], None, 0, False),
        ([(0.01, 100)], 0.01, 100, False),  # one query: chance
        ([(0.03, 100)], 0.03, 100, True),
        ([(0.01, 100)] * 20, 0.01, 2000, True),
        ([(0.01, 100)] * 7 + [(0.0, 100)] * 13, 0.0035, 2000, False),
        ([(1.0, 100)] * 5 + [(0.0, 100)] * 20, 0.0, 2000, False),  # the oldest five are out of date
    ],
)
def test_the_share_of_bad_queries_is_told_over_the_latest_samples(
    shop: Shop, samples: list[tuple[float | None, int]], share: float | None, queries: int, sure: bool
) -> None:
    for worst, asked in samples:
        RecallSample.objects.create(space=shop.space, recall=0.99, queries=asked, worst_share=worst)
    pooled = worst_share(shop.space)
    assert (pooled.share, pooled.queries) == (pytest.approx(share), queries)
    assert (pooled.at_least > 0.005) == sure


def test_an_empty_space_has_no_recall_and_no_space_no_sample(shop: Shop) -> None:
    assert recall_of(shop.space) == (None, 0)
    sample = measure(shop.space)
    assert sample is not None and (sample.recall, sample.worst_share, sample.queries) == (None, None, 0)
    Space.objects.update(state=Space.State.READY)
    measure_recall()
    assert RecallSample.objects.count() == 1


def test_twins_are_no_loss(shop: Shop) -> None:
    """Equally near photos: whichever of them is answered counts."""
    vectors = random_units(4, seed=2)
    shop.add_many([(vectors[i % 4 : i % 4 + 1], {}) for i in range(200)])
    value, asked = recall_of(shop.space, queries=50)
    assert (value, asked) == (1.0, 50)


@pytest.mark.parametrize("how", ["empty", "invalid"])
def test_a_dead_index_does_not_measure_as_a_good_one(shop: Shop, caplog: pytest.LogCaptureFixture, how: str) -> None:
    """Searches are completed by comparing, so that nobody notices; the measurement must."""
    name = ann_index.index_name(shop.space)
    with connection.cursor() as cursor:
        if how == "empty":  # photos that came while the index took none
            cursor.execute("UPDATE pg_index SET indisready = false WHERE indexrelid = %s::regclass", [name])
        fill(shop, 60, 8)
        cursor.execute(
            "UPDATE pg_index SET indisready = true, indisvalid = %s WHERE indexrelid = %s::regclass",
            [how == "empty", name],
        )
    found = vector_search().search(space=shop.space, vector=shop.vectors[min(shop.owner)], filters=Filters(), k=10)
    assert len(found) == 10
    with caplog.at_level(logging.WARNING):
        sample = measure(shop.space, queries=20)
    assert sample is not None and (sample.recall, sample.worst_share, sample.queries) == (0.0, 1.0, 20)
    assert "rebuild its index" in caplog.records[0].getMessage()


def test_an_augmented_space_is_measured_by_the_vectors_that_the_storefront_asks_by(shop: Shop) -> None:
    """Every stored vector was moved to one of two places where no photo's own vector is."""
    fill(shop, 40, 8)
    images = sorted(shop.owner)
    Space.objects.update(augment=3)
    shop.space.refresh_from_db()
    stored.delete(space=shop.space, image_ids=images)
    places = random_units(2, 8, seed=99)
    rows = [VectorRow(image, shop.owner[image], places[number % 2]) for number, image in enumerate(images)]
    assert stored.insert(space=shop.space, rows=rows) == len(images)
    asked = recall.query_vectors(shop.space, images)
    assert sorted(asked) == images
    for image in images:
        storefront = query_product(space=shop.space, product_id=shop.owner[image], unpublished=True).photos[0]
        assert np.array_equal(asked[image], storefront.vector)
        np.testing.assert_allclose(asked[image], shop.vectors[image], atol=2e-3)
    assert recall_of(shop.space, queries=10) == (1.0, 10)


def test_the_series_does_not_grow_for_ever(shop: Shop, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setattr(recall, "KEPT", 3)
    for _ in range(5):
        measure(shop.space, queries=1)
    assert RecallSample.objects.count() == 3 and KEPT > 1000
