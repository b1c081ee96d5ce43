"""Exact ranking of judged photos by one contestant: each photo asks all the others. Pure functions of arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.evaluation.scores import K, Scores, scores_of
from recommender.projection.augment import augment

_BLOCK = 256
_SPARE = 8  # neighbours kept beyond those wanted, to stand in for photos of the query's own group


@dataclass(frozen=True, eq=False)
class Contestant:
    """A way to compare photos. `vectors`: unit rows float32 (photos, d), plain. `augment`: as of a space."""

    name: str
    vectors: NDArray[np.float32]
    metric: str = "cosine"
    augment: int = 0


def score(
    contestant: Contestant,
    *,
    queries: NDArray[np.int64],
    classes: NDArray[np.int32],
    groups: NDArray[np.int64],
) -> Scores:
    """Rank for each query (int64, rows of the photos) every photo of another group; those of its class are relevant.

    classes int32 (photos,); groups int64 (photos,). Of an augmented contestant the gallery is augmented and the query is
    not. A gallery vector that was averaged with photos of the query's group is made anew without them, by its next
    nearest neighbours: else the query would find itself in it.
    """
    gallery = _Gallery(contestant, groups)
    ranked = np.concatenate([gallery.nearest(block) for block in _blocks(queries)])
    return scored(ranked, queries=queries, classes=classes, groups=groups)


def scored(
    ranked: NDArray[np.int64],
    *,
    queries: NDArray[np.int64],
    classes: NDArray[np.int32],
    groups: NDArray[np.int64],
) -> Scores:
    """The scores of photos that were ranked for each query: int64 (queries, ≤ 50), -1 where there are no more.

    Each query has a photo of another group and its own class, by `classes`.
    """
    hits = (classes[ranked] == classes[queries][:, None]) & (ranked >= 0)
    return scores_of(hits, relevant_of(queries, classes, groups), ranked)


def relevant_of(
    queries: NDArray[np.int64],
    classes: NDArray[np.int32],
    groups: NDArray[np.int64],
    counted: NDArray[np.bool_] | None = None,
) -> NDArray[np.int64]:
    """How many photos (or, of those, how many `counted`, bool) of another group share each query's class: int64 (queries,)."""
    counts = classes >= 0 if counted is None else counted & (classes >= 0)
    width = int(classes.max(initial=0)) + 1
    pair = np.unique(groups, return_inverse=True)[1].reshape(-1) * width + classes
    pairs, times = np.unique(pair[counts], return_counts=True)
    place = np.minimum(np.searchsorted(pairs, pair[queries]), max(len(pairs) - 1, 0))
    own = np.where(pairs[place] == pair[queries], times[place], 0) if len(pairs) else np.zeros(len(queries), np.int64)
    relevant: NDArray[np.int64] = np.bincount(classes[counts], minlength=width)[classes[queries]] - own
    return relevant


class _Gallery:
    def __init__(self, contestant: Contestant, groups: NDArray[np.int64]) -> None:
        self._plain = contestant.vectors
        self._metric = contestant.metric
        self._groups = groups
        self._count = contestant.augment
        self._vectors = self._plain
        if self._count:
            self._find_neighbours()

    def nearest(self, queries: NDArray[np.int64]) -> NDArray[np.int64]:
        """Rows of the 50 nearest of other groups, int64 (queries, 50); -1 where there are no more. Ties by row."""
        likeness = self._likeness(self._plain[queries])
        if self._count:
            for row, query in enumerate(queries):
                self._leave_out(query, likeness[row])
        likeness[self._groups[queries][:, None] == self._groups[None, :]] = -np.inf
        order = np.argsort(-likeness, axis=1, kind="stable")[:, :K] if likeness.shape[1] <= 4 * K else _top(likeness)
        order[np.take_along_axis(likeness, order, axis=1) == -np.inf] = -1
        if order.shape[1] < K:
            order = np.pad(order, ((0, 0), (0, K - order.shape[1])), constant_values=-1)
        return order

    def _likeness(
        self, queries: NDArray[np.float32], gallery: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Higher is nearer. On unit vectors cosine, inner product and l2 give one order."""
        against = self._vectors if gallery is None else gallery
        if self._metric == "l1":
            return np.stack([-np.abs(against - query).sum(axis=1) for query in queries])
        likeness: NDArray[np.float32] = queries @ against.T
        return likeness

    def _find_neighbours(self) -> None:
        wanted = min(self._count + _SPARE, len(self._plain) - 1)
        everyone = np.arange(len(self._plain))
        near, cosines = [], []
        for block in _blocks(everyone):
            likeness = self._plain[block] @ self._plain.T
            likeness[np.arange(len(block)), block] = -np.inf
            order = np.argsort(-likeness, axis=1, kind="stable")[:, :wanted]
            near.append(order)
            cosines.append(np.take_along_axis(likeness, order, axis=1))
        self._near, self._cosines = np.concatenate(near), np.concatenate(cosines)
        self._vectors = np.concatenate([self._augmented(block, None) for block in _blocks(everyone)])

    def _augmented(self, rows: NDArray[np.int64], without: np.int64 | None) -> NDArray[np.float32]:
        """Gallery vectors of those rows, with no neighbour of the group `without`."""
        near, cosines = self._near[rows], self._cosines[rows]
        if without is not None:
            kept = self._groups[near] != without
            first = np.argsort(~kept, axis=1, kind="stable")
            near = np.take_along_axis(near, first, axis=1)
            cosines = np.take_along_axis(np.where(kept, cosines, 0), first, axis=1)
        near, cosines = near[:, : self._count], cosines[:, : self._count]
        return augment(self._plain[rows], self._plain[near], cosines)

    def _leave_out(self, query: np.int64, likeness: NDArray[np.float32]) -> None:
        """Compare again with the gallery vectors that were averaged with photos of the query's own group, now without them."""
        group = self._groups[query]
        averaged = np.flatnonzero((self._groups[self._near[:, : self._count]] == group).any(axis=1))
        if len(averaged):
            likeness[averaged] = self._likeness(self._plain[query][None], self._augmented(averaged, group))[0]


def _top(likeness: NDArray[np.float32]) -> NDArray[np.int64]:
    """The K largest of each row, largest first, ties by column."""
    part = np.sort(np.argpartition(-likeness, K, axis=1)[:, :K], axis=1)
    order = np.argsort(-np.take_along_axis(likeness, part, axis=1), axis=1, kind="stable")
    top: NDArray[np.int64] = np.take_along_axis(part, order, axis=1)
    return top


def _blocks(rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    return [rows[start : start + _BLOCK] for start in range(0, len(rows), _BLOCK)]
