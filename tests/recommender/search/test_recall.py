from __future__ import annotations

import logging

import numpy as np
import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from catalog.filters.chosen import Filters
from recommender.evaluation import recall
from recommender.evaluation.recall import KEPT, measure, recall_of, series
from recommender.index import stored
from recommender.index.pgvector import ann_index
from recommender.index.registry import vector_index
from recommender.index.search import vector_search
from recommender.index.types import VectorRow
from recommender.models import RecallSample, Space
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
    """A graph as thin as can be, asked for one candidate at a time."""
    parameters = {"m": 2, "ef_construction": 4, "ef_search": 1}
    shop = Shop(make_space(dimensions=64, parameters=parameters, index_now=False))
    fill(shop, 1500, 64)
    vector_index().build(space=shop.space)
    with caplog.at_level(logging.WARNING):
        sample = measure(shop.space, queries=30)
    assert sample is not None and sample.recall is not None and sample.recall < 0.95
    (record,) = caplog.records
    assert "recall@10 of space test is 0." in record.getMessage() and "ef_search" in record.getMessage()
    assert client.get("/api/v1/status/").json()["recall"]["latest"] == sample.recall


def test_an_empty_space_has_no_recall_and_no_space_no_sample(shop: Shop) -> None:
    assert recall_of(shop.space) == (None, 0)
    sample = measure(shop.space)
    assert sample is not None and (sample.recall, sample.queries) == (None, 0)
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
    assert sample is not None and (sample.recall, sample.queries) == (0.0, 20)
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
