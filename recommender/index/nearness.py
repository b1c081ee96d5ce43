"""The order in which the vectors of a space are laid down: like beside like.

An HNSW graph is built, and stored, in the order of the table. Where that order is that of uploads, each step of a search
goes to a page of its own, and at a million photos to memory no cache holds; neighbours stored together share pages. Measured
on one million vectors of 256-d, ef_search 100, within an hour: p50 2.6 → 1.9 ms, building 220 → 138 s. Of the recall@10
at ef_search 80 four builds in this order gave .985 to .993, two in that of upload .990 and .997; at 200,000 there is no
difference.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SAMPLE_NUMBERS = 2**24  # float32 that a tree is made from, at most: 64 MB
_LEAF = 4  # vectors of the sample in each leaf, so a million of 256-d stand in leaves of about 60
_ROUNDS = 5


def sample_size(dimensions: int) -> int:
    """How many vectors of so many dimensions a tree is made from, at most."""
    return _SAMPLE_NUMBERS // dimensions


class NearnessTree:
    """A balanced binary tree over a space; leaves that stand side by side hold vectors that are alike.

    Each node parts the sample's vectors in halves along the line between two centres (2-means).
    """

    def __init__(self, sample: NDArray[np.float32]) -> None:
        """`sample`: float32 (n, d), n ≥ 1, any order; the same sample makes the same tree."""
        self._depth = max(0, int(np.log2(max(1, len(sample) // _LEAF))))
        inner = 2**self._depth - 1
        self._axes = np.zeros((inner, sample.shape[1]), np.float32)
        self._thresholds = np.zeros(inner, np.float32)
        generator = np.random.default_rng(0)
        members = [np.arange(len(sample))]
        for node in range(inner):
            rows = members[node]
            axis = _axis(sample[rows], generator)
            along = sample[rows] @ axis
            order = np.argsort(along, kind="stable")
            half = len(rows) // 2
            self._axes[node], self._thresholds[node] = axis, along[order[half - 1 : half + 1]].mean()
            members += [rows[order[:half]], rows[order[half:]]]

    def leaves(self, vectors: NDArray[np.float32]) -> NDArray[np.int32]:
        """float32 (rows, d) → the number of each one's leaf, int32 (rows,), 0 to 2^depth − 1 from left to right."""
        node = np.zeros(len(vectors), np.int32)
        for _ in range(self._depth):
            along = np.einsum("ij,ij->i", vectors, self._axes[node])
            node = 2 * node + 1 + (along > self._thresholds[node])
        leaves: NDArray[np.int32] = (node - (2**self._depth - 1)).astype(np.int32)
        return leaves


def _axis(rows: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.float32]:
    """From one of two centres of `rows` to the other; zero, which parts nothing, where the two chosen are equal."""
    centres = rows[generator.choice(len(rows), 2, replace=False)]
    for _ in range(_ROUNDS):
        side = rows @ (centres[1] - centres[0]) > (centres[1] ** 2 - centres[0] ** 2).sum() / 2
        if side.all() or not side.any():
            break
        centres = np.stack([rows[~side].mean(axis=0), rows[side].mean(axis=0)])
    axis: NDArray[np.float32] = centres[1] - centres[0]
    return axis
