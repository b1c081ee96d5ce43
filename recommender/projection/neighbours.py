"""The nearest photos of every photo of a gallery, in bounded memory: exact for small ones, by clusters for large."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

EXACT_BELOW = 60_000
_BLOCK = 1024
_PROBES = 16
_SAMPLE = 50_000
_ROUNDS = 5

Found = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]


def nearest(vectors: NDArray[np.float32], count: int, *, exact_below: int = EXACT_BELOW) -> Iterator[Found]:
    """vectors: unit rows float32 (n, d), may be a memory map → for every row once, in batches: rows int64 (b,), their
    nearest other rows int64 (b, count) by cosine, nearest first, and the cosines float32 (b, count).

    A row short of neighbours repeats itself with cosine 0. From `exact_below` rows on, each row is compared with the
    members of the 16 clusters nearest to its own (k-means, √n clusters): some neighbours across borders are missed.
    """
    if len(vectors) <= exact_below:
        everyone = np.arange(len(vectors))
        for start in range(0, len(vectors), _BLOCK):
            yield _among(vectors, everyone[start : start + _BLOCK], everyone, count)
        return
    centres, members = _clusters(vectors)
    for cluster, rows in enumerate(members):
        probes = np.argsort(-(centres @ centres[cluster]), kind="stable")[:_PROBES]
        candidates = np.sort(np.concatenate([members[probe] for probe in probes]))
        for start in range(0, len(rows), _BLOCK):
            yield _among(vectors, rows[start : start + _BLOCK], candidates, count)


def _among(vectors: NDArray[np.float32], rows: NDArray[np.int64], candidates: NDArray[np.int64], count: int) -> Found:
    likeness = vectors[rows] @ vectors[candidates].T
    likeness[rows[:, None] == candidates[None, :]] = -np.inf
    if likeness.shape[1] > count:
        part = np.argpartition(-likeness, count - 1, axis=1)[:, :count]
    else:
        part = np.tile(np.arange(likeness.shape[1]), (len(rows), 1))
    cosines = np.take_along_axis(likeness, part, axis=1)
    order = np.argsort(-cosines, axis=1, kind="stable")
    part, cosines = np.take_along_axis(part, order, axis=1), np.take_along_axis(cosines, order, axis=1)
    found = candidates[part]
    missing = ~np.isfinite(cosines)
    found, cosines = np.where(missing, rows[:, None], found), np.where(missing, np.float32(0), cosines)
    short = count - found.shape[1]
    if short > 0:
        found = np.hstack([found, np.repeat(rows[:, None], short, axis=1)])
        cosines = np.hstack([cosines, np.zeros((len(rows), short), np.float32)])
    return rows, found, cosines


def _clusters(vectors: NDArray[np.float32]) -> tuple[NDArray[np.float32], list[NDArray[np.int64]]]:
    """Spherical k-means on a sample; then every row goes to its nearest centre."""
    generator = np.random.default_rng(0)
    sample = vectors[np.sort(generator.choice(len(vectors), min(_SAMPLE, len(vectors)), replace=False))]
    centres = sample[generator.choice(len(sample), round(len(vectors) ** 0.5), replace=False)].copy()
    for _ in range(_ROUNDS):
        nearest_centre = _assign(sample, centres)
        sums = np.zeros_like(centres)
        np.add.at(sums, nearest_centre, sample)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.where(lengths > 0, sums / np.maximum(lengths, 1e-12), centres)
    assigned = _assign(vectors, centres)
    order = np.argsort(assigned, kind="stable")
    borders = np.searchsorted(assigned[order], np.arange(len(centres) + 1))
    return centres, [order[low:high] for low, high in pairwise(borders)]


def _assign(vectors: NDArray[np.float32], centres: NDArray[np.float32]) -> NDArray[np.int64]:
    return np.concatenate(
        [(vectors[start : start + 8192] @ centres.T).argmax(axis=1) for start in range(0, len(vectors), 8192)]
    )
