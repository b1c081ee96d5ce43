"""What photos are answered with as the storefront answers them, by exact comparison: scores by the weight of colour, one
answer a duplicate group, none of the query's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.encoder.stored_features import batches
from recommender.index import stored
from recommender.models import Space
from recommender.progress import Progress, silent
from recommender.projection.apply import PartedProjection

_BLOCK = 128  # queries that are compared at once: with 20,000 photos 10 MB for each array of scores
_AT_ONCE = 4096

Vectors = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Answers:
    """`scores`: float32 (queries, places), higher is more alike; `rows`: int64 (queries, places), of the gallery, -1 where
    there are no more. `weight`: of colour in these scores."""

    weight: float
    scores: Vectors
    rows: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Compared:
    """Photos in the parts of a space: unit rows float32 (photos, d) each. `colour`: None where the space has none."""

    shape: Vectors
    colour: Vectors | None

    def taken(self, rows: NDArray[np.int64]) -> Compared:
        """Only those rows."""
        return Compared(self.shape[rows], None if self.colour is None else self.colour[rows])


def stored_vectors(space: Space, image_ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], Compared]:
    """Photos as they are stored in a space that is averaged with neighbours, and the ids of those that are, in the order given."""
    found: dict[int, Vectors] = {}
    for start in range(0, len(image_ids), _AT_ONCE):
        found |= stored.vectors_of(space=space, image_ids=image_ids[start : start + _AT_ONCE].tolist())
    known = [one for one in image_ids.tolist() if one in found]
    rows = np.stack([found[one] for one in known]) if known else _none(space.dimensions)
    return np.array(known, np.int64), Compared(rows, None)


def projected(
    space: Space, projection: PartedProjection, image_ids: NDArray[np.int64]
) -> tuple[NDArray[np.int64], Compared]:
    """Photos by a fit of a space, and the ids of those that have features, int64 (photos,), in the order given."""
    ids: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
    shapes, colours = [_none(space.shape_dimensions)], [_none(space.colour_dimensions)]
    for known, rows in batches(space.encoder_id, image_ids):
        ids.append(known)
        shapes.append(projection.shape(rows[:, : projection.shape_features]))
        if projection.colour is not None:
            colours.append(projection.colour(rows[:, projection.shape_features :]))
    colour = np.concatenate(colours) if projection.colour is not None else None
    return np.concatenate(ids), Compared(np.concatenate(shapes), colour)


def answered(
    space: Space,
    queries: Compared,
    gallery: Compared,
    *,
    query_groups: NDArray[np.int64],
    groups: NDArray[np.int64],
    weights: Sequence[float],
    places: int,
    progress: Progress = silent,
) -> list[Answers]:
    """The answers of all queries at each weight; `groups` int64 (photos,): of the gallery, `query_groups` of the queries."""
    order = np.argsort(groups, kind="stable")
    names, starts = np.unique(groups[order], return_index=True)
    gallery, own = gallery.taken(order), np.searchsorted(names, query_groups)
    places = min(places, len(names))
    scores = np.empty((len(weights), len(own), places), np.float32)
    columns = np.empty(scores.shape, np.int64)
    for begin in range(0, len(own), _BLOCK):
        block = slice(begin, begin + _BLOCK)
        likeness = _Likeness(space, queries.taken(np.arange(len(own))[block]), gallery)
        for number, weight in enumerate(weights):
            scores[number, block], columns[number, block] = _page(likeness.at(weight), starts, own[block], places)
        progress("asking what scores mean", min(begin + _BLOCK, len(own)), len(own))
    rows = np.where(np.isfinite(scores), order[columns], -1)
    return [Answers(weight, *page) for weight, *page in zip(weights, scores, rows, strict=True)]


def _page(
    likeness: Vectors, starts: NDArray[np.int64], own: NDArray[np.int64], places: int
) -> tuple[Vectors, NDArray[np.int64]]:
    """The best groups of each row of `likeness` (queries, photos sorted by group): scores, and the column of the best photo."""
    widths = np.diff(np.r_[starts, likeness.shape[1]])
    best = likeness if len(starts) == likeness.shape[1] else np.maximum.reduceat(likeness, starts, axis=1)
    kept = np.take_along_axis(best, own[:, None], axis=1)
    np.put_along_axis(best, own[:, None], -np.inf, axis=1)
    found = np.argpartition(best, best.shape[1] - places, axis=1)[:, best.shape[1] - places :]
    scores = np.take_along_axis(best, found, axis=1)
    np.put_along_axis(best, own[:, None], kept, axis=1)
    columns = starts[found]
    for step in range(1, int(widths.max())):  # of each group the photo that has its score
        following = starts[found] + np.minimum(step, widths[found] - 1)
        columns = np.where(np.take_along_axis(likeness, following, axis=1) == scores, following, columns)
    return scores, columns


class _Likeness:
    """Scores of queries and photos as `recommender.index.metrics.score` gives them of unit vectors."""

    def __init__(self, space: Space, queries: Compared, gallery: Compared) -> None:
        self._colours = None
        if gallery.colour is not None and queries.colour is not None:
            self._colours = queries.colour @ gallery.colour.T
        if space.metric == "l1":
            self._shapes = np.stack([1 / (1 + np.abs(gallery.shape - one).sum(axis=1)) for one in queries.shape])
            return
        self._shapes = queries.shape @ gallery.shape.T
        if space.metric == "l2":
            self._shapes = 1 / (1 + np.sqrt(np.maximum(2 - 2 * self._shapes, 0)))

    def at(self, weight: float) -> Vectors:
        """float32 (queries, photos)"""
        if self._colours is None:
            return self._shapes
        found: Vectors = self._shapes * np.float32(1 - weight)
        found += self._colours * np.float32(weight)
        return found


def _none(dimensions: int) -> Vectors:
    return np.zeros((0, dimensions), np.float32)
