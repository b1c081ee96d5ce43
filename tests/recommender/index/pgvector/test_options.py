from __future__ import annotations

import numpy as np
import pytest
from django.test import Client

from catalog.filters.chosen import Filters
from recommender.index.base import UnknownCombination
from recommender.index.metrics import score
from recommender.index.pgvector.options import OPCLASSES, check
from recommender.index.registry import vector_index
from recommender.index.search import VectorSearch
from tests.catalog.filters.chosen import filtering
from tests.recommender.search.gallery import Shop, assert_same_answer, make_space, random_units


@pytest.mark.parametrize(
    ("index", "metric"), [("ivfflat", "l1"), ("binary", "l2"), ("binary", "l1"), ("hnsw", "dot"), ("flat", "l2")]
)
def test_a_combination_that_does_not_exist_lists_those_that_do(index: str, metric: str) -> None:
    with pytest.raises(UnknownCombination) as error:
        check(metric=metric, index=index, dimensions=8)
    assert "hnsw with cosine, l2, ip, l1; ivfflat with cosine, l2, ip; binary with cosine, ip" in str(error.value)
    assert repr(index) in str(error.value) and repr(metric) in str(error.value)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"lists": 4}, "'hnsw' has no parameter 'lists'; it takes m, ef_construction, ef_search, max_scan_tuples"),
        ({"m": 1}, "m=1: a whole number from 2 to 100"),
        ({"ef_search": "40"}, "ef_search='40'"),
        ({"ef_search": True}, "ef_search=True"),
        ({"m": 50, "ef_construction": 64}, "must be at least 2 × m (100)"),
    ],
)
def test_a_bad_parameter_is_named(parameters: dict[str, object], words: str) -> None:
    with pytest.raises(UnknownCombination) as error:
        check(metric="cosine", index="hnsw", dimensions=8, parameters=parameters)
    assert words in str(error.value)


def test_defaults_and_given_parameters_are_one() -> None:
    chosen = check(metric="l2", index="hnsw", dimensions=256, parameters={"ef_search": 200})
    assert (chosen.m, chosen.ef_construction, chosen.ef_search, chosen.max_scan_tuples) == (16, 256, 200, 100_000)
    with pytest.raises(UnknownCombination, match="4001 dimensions"):
        check(metric="l2", index="hnsw", dimensions=4001)


def test_scores_rise_with_likeness() -> None:
    assert score("cosine", 0.25) == 0.75
    assert score("ip", -0.9) == 0.9
    assert score("l2", 1.0) == score("l1", 1.0) == 0.5
    assert [score("cosine", distance) for distance in (-0.0004, 2.0004)] == [1.0, -1.0]  # rounding
    assert [score("ip", distance) for distance in (-1.0004, 1.0004)] == [1.0, -1.0]


@pytest.mark.parametrize("metric", ["cosine", "ip"])
@pytest.mark.django_db
def test_a_photo_s_twin_scores_at_most_1(client: Client, metric: str) -> None:
    """Half precision makes vectors that are a little longer than 1."""
    shop = Shop(make_space(dimensions=32, metric=metric))
    vectors = random_units(40, 32)
    long = vectors[np.linalg.norm(vectors, axis=1) > 1][:1]
    asking, twin = shop.add(long), shop.add(long)
    for query in ("", "?min_score=1", "?exact=true", "?diversity=0.1"):
        (result,) = client.get(f"/api/v1/products/{asking.pk}/similar/{query}").json()["results"]
        assert (result["product"]["id"], result["score"] <= 1.0) == (twin.pk, True)
        assert result["score"] == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize(("index", "metric"), OPCLASSES)
@pytest.mark.django_db
def test_every_combination_is_built_and_gives_true_distances(index: str, metric: str) -> None:
    parameters = {"oversample": 40} if index == "binary" else {}
    shop = Shop(make_space(dimensions=32, metric=metric, index=index, parameters=parameters, index_now=False))
    vectors = random_units(300, 32)
    shop.add_many([(vectors[i : i + 1], {"price": i}) for i in range(300)])
    vector_index().build(space=shop.space)
    assert vector_index().ready(space=shop.space)
    for exact_below in (0, 3000):
        engine = VectorSearch(vector_index(), exact_below=exact_below)
        for filters in (Filters(), filtering(min_price=100)):
            for number in (0, 7, 150):
                found = engine.search(space=shop.space, vector=vectors[number], filters=filters, k=10)
                assert_same_answer(found, shop.answer(vectors[number], filters, 10), shop, tolerance=1e-4)
    if index == "ivfflat":
        assert shop.space.parameters == {"lists": 1, "probes": 1}
