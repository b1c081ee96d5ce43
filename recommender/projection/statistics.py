"""What the closed-form fits need to know of a gallery, gathered in one pass over batches; memory is O(n²)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recommender.projection.apply import unit

Moments = NDArray[np.float64]


class Statistics:
    """Count, mean, total and within-class covariance of unit features (n dimensions), streamed.

    Rows come sorted by class, so that only the sum of the latest class is unfinished: neither photos nor classes are
    kept, and a label like `product`, with a class for every second photo, costs no more than ten categories. Products
    of a batch are taken in float32 after a shift to about the mean, where little cancels, and summed in float64.
    """

    def __init__(self, dimensions: int) -> None:
        self.features = dimensions
        self.count = 0
        self.classes = 0
        self._paired = 0
        self._shift: NDArray[np.float32] | None = None
        self._sum: Moments = np.zeros(dimensions)
        self._scatter: Moments = np.zeros((dimensions, dimensions))
        self._between: Moments | None = None
        self._open: tuple[int, int, Moments] | None = None

    def add(self, features: NDArray[np.float32], classes: NDArray[np.int32] | None = None) -> None:
        """features float32 (rows, n), not empty; classes int32 (rows,), never falling from one call to the next."""
        if not len(features):
            return
        rows = unit(features)
        if self._shift is None:
            self._shift = rows.mean(axis=0)
        rows = rows - self._shift
        self.count += len(rows)
        self._sum += rows.sum(axis=0, dtype=np.float64)
        self._scatter += rows.T @ rows
        if classes is not None:
            self._add_classes(rows, classes)

    @property
    def mean(self) -> Moments:
        """float64 (n,)"""
        assert self._shift is not None
        return self._shift + self._sum / self.count

    def covariance(self) -> Moments:
        """float64 (n, n), about the mean, divided by the count."""
        shifted = self._sum / self.count
        return _symmetric(self._scatter / self.count - np.outer(shifted, shifted))

    def within(self) -> Moments:
        """Within-class covariance, float64 (n, n): the mean over photos of their scatter about their class's mean.

        Photos alone in their class say nothing about it and are not counted. Raises ValueError where all are.
        """
        self._close()
        if not self._paired or self._between is None:
            raise ValueError("no class has two photos: there is nothing to learn from")
        return _symmetric((self._scatter - self._between) / self._paired)

    def _add_classes(self, rows: NDArray[np.float32], classes: NDArray[np.int32]) -> None:
        if self._between is None:
            self._between = np.zeros_like(self._scatter)
        starts = np.flatnonzero(np.r_[True, classes[1:] != classes[:-1]])
        counts = np.diff(np.r_[starts, len(rows)])
        sums = np.add.reduceat(rows, starts, axis=0, dtype=np.float64)
        if self._open is not None:
            name, count, total = self._open
            if name > classes[0]:
                raise ValueError("classes must be sorted")
            if name == classes[0]:
                counts[0] += count
                sums[0] += total
            else:
                self._finish(np.array([count]), total[None])
        self._finish(counts[:-1], sums[:-1])
        self._open = int(classes[-1]), int(counts[-1]), sums[-1]

    def _finish(self, counts: NDArray[np.int64], sums: Moments) -> None:
        """Subtract s sᵀ/c from the scatter for each whole class of c photos with the sum s: of a single photo nothing is left."""
        if len(counts):
            assert self._between is not None
            scaled = sums / np.sqrt(counts)[:, None]
            self._between += scaled.T @ scaled
            self.classes += len(counts)
            self._paired += int(counts[counts > 1].sum())

    def _close(self) -> None:
        if self._open is not None:
            _, count, total = self._open
            self._finish(np.array([count]), total[None])
            self._open = None


def _symmetric(matrix: Moments) -> Moments:
    return (matrix + matrix.T) / 2
