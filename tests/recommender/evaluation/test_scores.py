"""Figures of merit against their definitions, and rankings against brute force."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from recommender.evaluation.rank import Contestant, relevant_of, score
from recommender.evaluation.scores import interval, scores_of
from recommender.projection.apply import unit

SEEDS = st.integers(0, 2**32 - 1)


def test_the_figures_by_hand() -> None:
    hits = np.zeros((1, 50), bool)
    hits[0, [0, 2, 11]] = True
    scores = scores_of(hits, np.array([4]), np.zeros((1, 50), np.int64))
    assert scores.values["p@1"][0] == 1
    assert scores.values["p@10"][0] == 0.2
    assert np.isclose(scores.values["map@50"][0], (1 + 2 / 3 + 3 / 12) / 4)
    assert scores.values["recall@5"][0] == 1


def test_average_precision_is_one_when_all_that_fits_is_relevant() -> None:
    hits = np.ones((1, 50), bool)
    assert scores_of(hits, np.array([400]), np.zeros((1, 50), np.int64)).values["map@50"][0] == 1


def test_a_short_page_counts_what_is_missing_as_wrong() -> None:
    scores = scores_of(np.ones((1, 3), bool), np.array([3]), np.zeros((1, 3), np.int64))
    assert scores.values["p@10"][0] == 0.3
    assert scores.values["map@50"][0] == 1


def test_an_interval_holds_its_mean_and_shrinks_with_more_queries() -> None:
    values = np.random.default_rng(0).random(1000)
    few, many = interval(values[:50], np.arange(50)), interval(values, np.arange(1000))
    assert few.low < few.mean < few.high
    assert many.high - many.low < (few.high - few.low) / 2
    assert np.isclose(many.high - many.low, 2 * 1.96 * values.std() / 1000**0.5, rtol=0.1)


def test_photos_of_one_group_are_not_independent() -> None:
    values = np.repeat(np.random.default_rng(0).random(50), 20)
    apart, together = interval(values, np.arange(1000)), interval(values, np.repeat(np.arange(50), 20))
    assert together.high - together.low > 3 * (apart.high - apart.low)


def brute_force(contestant: Contestant, query: int, groups: NDArray[np.int64], count: int) -> list[int]:
    """The gallery made anew for one query: its group left out first, then augmented, then ranked."""
    rest = np.flatnonzero(groups != groups[query])
    plain = contestant.vectors[rest].astype(np.float64)
    gallery = plain.copy()
    if contestant.augment:
        likeness = plain @ plain.T
        np.fill_diagonal(likeness, -2)
        for row in range(len(rest)):
            near = np.argsort(-likeness[row], kind="stable")[: contestant.augment]
            mixed = plain[row] + (np.maximum(likeness[row, near], 0) ** 3) @ plain[near]
            gallery[row] = mixed / np.linalg.norm(mixed)
    query_vector = contestant.vectors[query].astype(np.float64)
    distances = np.abs(gallery - query_vector).sum(axis=1) if contestant.metric == "l1" else -gallery @ query_vector
    return rest[np.argsort(distances, kind="stable")[:count]].tolist()


@given(SEEDS, st.sampled_from([0, 2, 5]), st.sampled_from(["cosine", "l1"]))
def test_ranking_is_brute_force_with_the_query_left_out_first(seed: int, augment: int, metric: str) -> None:
    generator = np.random.default_rng(seed)
    vectors = unit((generator.standard_normal((40, 6)) + 0.5).astype(np.float32))
    groups = generator.integers(0, 30, 40)
    classes = generator.integers(0, 3, 40).astype(np.int32)
    contestant = Contestant("space", vectors, metric=metric, augment=augment)
    scores = score(contestant, queries=np.arange(40), classes=classes, groups=groups)
    for query in range(40):
        expected = brute_force(contestant, query, groups, 20)
        assert scores.ranked[query, :20].tolist() == expected


@given(SEEDS)
def test_relevant_photos_are_counted_without_the_query_group(seed: int) -> None:
    generator = np.random.default_rng(seed)
    groups, classes = generator.integers(0, 8, 20), generator.integers(-1, 3, 20).astype(np.int32)
    counted = generator.random(20) < 0.7
    queries = np.flatnonzero(classes >= 0)
    expected = [int(((classes == classes[q]) & (groups != groups[q]) & counted).sum()) for q in queries]
    assert relevant_of(queries, classes, groups, counted).tolist() == expected
