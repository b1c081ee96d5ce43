"""How the bench judges the worst queries, against brute force and on answers made up."""

from __future__ import annotations

import numpy as np

from recommender.bench.search import worst
from recommender.projection.apply import unit
from tests.recommender.search.gallery import random_units


def test_the_tenth_nearest_is_that_of_brute_force() -> None:
    """Blocks far smaller than the gallery, of whose edges the queries stand on either side; rows of any length."""
    vectors = random_units(997, 16, seed=3) * np.linspace(0.5, 2, 997, dtype=np.float32)[:, None]
    queries = np.random.default_rng(1).permutation(997)[:103]
    cosines = unit(vectors).astype(np.float64) @ unit(vectors).T
    np.fill_diagonal(cosines, -np.inf)
    expected = np.sort(cosines, axis=1)[queries, -10]
    for block in ((1000, 20_000), (10, 100), (7, 83)):
        np.testing.assert_allclose(worst.tenth_cosines(vectors, queries, block=block), expected, atol=1e-6)


def test_found_answers_are_counted_and_fewer_than_half_are_the_worst() -> None:
    vectors = random_units(50, 8, seed=4)
    order = np.argsort(-(vectors @ vectors.T), axis=1)[:, 1:]
    answers = [order[0, :10], order[1, 5:15], order[2, 6:16], order[3, 10:20], order[4, [0, 0, 0, 0, 0]], [5]]
    queries = np.arange(6)
    farthest = worst.tenth_cosines(vectors, queries)
    assert worst.verdict(vectors, queries, [list(map(int, one)) for one in answers], farthest) == {
        "queries": 6,
        "recall": round((10 + 5 + 4 + 0 + 1 + 0) / 60, 4),
        "worst": 4,
        "worst_share": round(4 / 6, 6),
        "found": [2, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1],
    }


def test_an_answer_as_near_as_the_tenth_counts() -> None:
    """Row 0 has thirty neighbours at one distance: any ten of them are all that can be found."""
    vectors = np.repeat(np.array([[1, 0], [0.6, 0.8], [-1, 0]], np.float32), [1, 30, 5], axis=0)
    farthest = worst.tenth_cosines(vectors, np.array([0]))
    assert worst.verdict(vectors, np.array([0]), [list(range(21, 31))], farthest)["found"][10] == 1
    assert worst.verdict(vectors, np.array([0]), [list(range(26, 36))], farthest)["found"][5] == 1
