"""Held-out photos: fixed by a hash of the duplicate group, never near-duplicates of what a fit may learn from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from recommender.encoder.stored_features import shape_batches, shapes_of
from recommender.evaluation.labels import LabelledPhotos
from recommender.progress import Progress, silent
from recommender.projection.apply import unit

HELD_OUT = 0.3  # share of duplicate groups
UNSEEN = 0.2  # share of classes that no judged fit sees
LEAST_CLASSES = 4  # with fewer, every class is needed to learn from
# A larger catalogue is judged on this many held-out photos: plenty for tight intervals, and memory stays bounded.
MOST_JUDGED = 20_000
SCREEN_DIMENSIONS = 128
# Photos compared with all judged ones at once: 512 × 20,000 cosines are 41 MB.
_BLOCK = 512
FEW_PAIRS = 20_000_000  # no more than that are compared without a screen


@dataclass(frozen=True, eq=False)
class Split:
    """Masks bool over the rows of the photos that were split.

    `held_out`: photos that no judged fit may resemble (at most MOST_JUDGED, labelled ones first). `judged`: those of them
    that judge, for they are labelled. `training`: what a judged fit may use.
    `unseen`: classes (bool, by their number) that a judged `learned` fit must not see; of several labels, all that share
    a class of the first.
    """

    held_out: NDArray[np.bool_]
    judged: NDArray[np.bool_]
    training: NDArray[np.bool_]
    unseen: NDArray[np.bool_]


def split_photos(photos: LabelledPhotos, *, encoder_id: int, labels: str, progress: Progress = silent) -> Split:
    """Split by group; groups on the training side that hold a near-duplicate of a held-out photo go to neither side.

    Near-duplicate: cosine of the plain features, without colours, of at least DUPLICATE_THRESHOLD.
    """
    position = _places(photos.groups)
    aside = position < HELD_OUT
    candidates = np.flatnonzero(aside)
    order = np.lexsort((position[candidates], photos.classes[candidates] < 0))
    held_out = np.zeros(len(photos), bool)
    held_out[candidates[order][:MOST_JUDGED]] = True
    others = np.flatnonzero(~aside)
    _, near = near_duplicates(encoder_id, photos.image_ids[held_out], photos.image_ids[others], progress=progress)
    families, names = photos.families()
    tainted = np.isin(photos.groups, np.unique(photos.groups[others[np.isin(photos.image_ids[others], near)]]))
    return Split(
        held_out=held_out,
        judged=held_out & (photos.classes >= 0),
        training=~aside & ~tainted,
        unseen=unseen_classes(names, labels)[families],
    )


def unseen_classes(names: list[str], labels: str) -> NDArray[np.bool_]:
    """Which classes a judged fit never sees: a fifth of them, by a hash of their names. Of products: all, always."""
    if labels == "product":
        return np.ones(len(names), bool)
    unseen = np.zeros(len(names), bool)
    if len(names) >= LEAST_CLASSES:
        order = sorted(range(len(names)), key=lambda code: hashlib.sha256(names[code].encode()).digest())
        unseen[order[: max(1, round(UNSEEN * len(names)))]] = True
    return unseen


def near_duplicates(
    encoder_id: int,
    judged_ids: NDArray[np.int64],
    other_ids: NDArray[np.int64],
    *,
    few_pairs: int = FEW_PAIRS,
    screen_dimensions: int = SCREEN_DIMENSIONS,
    progress: Progress = silent,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ids of the judged photos that have a near-duplicate among the others, and ids of those others.

    `few_pairs`, `screen_dimensions`: see `compare`.
    """
    known, features = shapes_of(encoder_id, judged_ids)
    if not len(known):
        return known, known
    matched, found = compare(
        unit(features),
        shape_batches(encoder_id, other_ids),
        of=len(other_ids),
        few_pairs=few_pairs,
        screen_dimensions=screen_dimensions,
        progress=progress,
    )
    return known[matched], found


def compare(
    judged: NDArray[np.float32],
    others: Iterable[tuple[NDArray[np.int64], NDArray[np.float32]]],
    *,
    of: int,
    few_pairs: int = FEW_PAIRS,
    screen_dimensions: int = SCREEN_DIMENSIONS,
    progress: Progress = silent,
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which judged photos (unit rows float32) are near-duplicates of some other, bool (rows,), and ids of those others.

    `others`: ids and features, batch by batch; `of`: how many in all. More than `few_pairs` pairs are screened in the
    judged photos' `screen_dimensions` leading axes, where distances can only shrink, so nothing near is missed; what
    stays is compared in full.
    """
    threshold = settings.DUPLICATE_THRESHOLD
    suspected = _Screen(judged, threshold, screen_dimensions) if len(judged) * of > few_pairs else None
    matched = np.zeros(len(judged), bool)
    found = [np.zeros(0, np.int64)]
    done = 0
    for ids, rows in others:
        for start in range(0, len(ids), _BLOCK):
            block, names = unit(rows[start : start + _BLOCK]), ids[start : start + _BLOCK]
            suspects = np.arange(len(names)) if suspected is None else suspected(block)
            alike = block[suspects] @ judged.T >= threshold
            matched |= alike.any(axis=0)
            found.append(names[suspects[alike.any(axis=1)]])
        done += len(ids)
        progress("comparing held-out photos with the others", done, of)
    return matched, np.concatenate(found)


class _Screen:
    """Rules out, in so many dimensions, photos that cannot reach a cosine with any judged one (unit rows float32)."""

    def __init__(self, judged: NDArray[np.float32], threshold: float, dimensions: int) -> None:
        self._axes = np.linalg.eigh(judged.T @ judged)[1][:, ::-1][:, :dimensions]
        self._judged = judged @ self._axes
        self._lengths = (self._judged**2).sum(axis=1)
        self._bound = 2 - 2 * threshold + 1e-4

    def __call__(self, others: NDArray[np.float32]) -> NDArray[np.int64]:
        low = others @ self._axes
        # |a − b|² = |a|² + |b|² − 2ab; one array of the pairs, and |a|² after the minimum.
        distances = low @ self._judged.T
        distances *= -2
        distances += self._lengths
        near: NDArray[np.bool_] = distances.min(axis=1) + (low**2).sum(axis=1) <= self._bound
        return np.flatnonzero(near)


def _places(groups: NDArray[np.int64]) -> NDArray[np.float64]:
    """Each group's number in [0, 1), by splitmix64 (Steele, Lea & Flood 2014): even, and the same for ever."""
    mixed = groups.view(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed = mixed ^ (mixed >> np.uint64(31))
    places: NDArray[np.float64] = (mixed >> np.uint64(11)).astype(np.float64) / 2**53
    return places
