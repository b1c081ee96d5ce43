"""What photos are answered with at each weight of colour, against brute force in plain Python."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from recommender.evaluation.answers import Compared, answered
from recommender.index import metrics
from recommender.models import Space

Vectors = NDArray[np.float32]


def units(count: int, dimensions: int, seed: int) -> Vectors:
    rows = np.random.default_rng(seed).standard_normal((count, dimensions)).astype(np.float32)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def brute_force(likeness: Vectors, groups: NDArray[np.int64], query_group: int, places: int) -> list[tuple[float, int]]:
    """The best photo of each other group, best first."""
    best: dict[int, tuple[float, int]] = {}
    for row, (value, group) in enumerate(zip(likeness.tolist(), groups.tolist(), strict=True)):
        if group != query_group and value > best.get(group, (-9.0, -1))[0]:
            best[group] = (value, row)
    return sorted(best.values(), reverse=True)[:places]


@pytest.mark.parametrize("count", [40, 300])
def test_each_group_answers_by_its_best_photo_and_never_to_itself(count: int) -> None:
    shape, colour = units(count, 8, 1), units(count, 4, 2)
    groups = np.random.default_rng(3).integers(0, count // 2, count) * 7 - 11
    gallery, rows = Compared(shape, colour), np.arange(0, count, 3)
    space = Space(metric="cosine", colour_dimensions=4)
    pages = answered(
        space,
        gallery.taken(rows),
        gallery,
        query_groups=groups[rows],
        groups=groups,
        weights=[0.0, 0.25, 1.0],
        places=12,
    )
    assert [page.weight for page in pages] == [0.0, 0.25, 1.0]
    for page in pages:
        likeness = (1 - page.weight) * (shape[rows] @ shape.T) + page.weight * (colour[rows] @ colour.T)
        for number, row in enumerate(rows.tolist()):
            expected = brute_force(likeness[number], groups, int(groups[row]), 12)
            found = sorted(zip(page.scores[number].tolist(), page.rows[number].tolist(), strict=True), reverse=True)
            assert [one for _, one in found] == [one for _, one in expected]
            assert [one for one, _ in found] == pytest.approx([one for one, _ in expected], abs=1e-6)


@pytest.mark.parametrize("metric", ["cosine", "ip", "l2", "l1"])
def test_scores_are_those_of_the_metric(metric: str) -> None:
    vectors = units(20, 6, 4)
    gallery, groups = Compared(vectors, None), np.arange(20)
    (page,) = answered(
        Space(metric=metric), gallery, gallery, query_groups=groups, groups=groups, weights=[0.0], places=19
    )
    for query in range(20):
        for score, row in zip(page.scores[query].tolist(), page.rows[query].tolist(), strict=True):
            distance = metrics.distance(metric, vectors[query], vectors[row])
            assert score == pytest.approx(metrics.score(metric, distance), abs=1e-5)


def test_of_few_groups_the_places_beyond_are_empty() -> None:
    gallery, groups = Compared(units(5, 6, 5), None), np.array([1, 1, 2, 3, 3])
    (page,) = answered(
        Space(metric="cosine"), gallery, gallery, query_groups=groups, groups=groups, weights=[0.0], places=50
    )
    assert page.rows.shape == (5, 3)
    assert (page.rows == -1).sum(axis=1).tolist() == [1] * 5  # one's own group
