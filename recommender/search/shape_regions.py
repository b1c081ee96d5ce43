"""Why two photos match in shape: the regions whose features make up their similarity, exactly.

For pooled features v = Σ_k w_k f_k over the cells k of the last maps and z = (v/‖v‖ − μ) W, each photo's similarity to
another falls apart cell by cell: c_k(A|B) = w_k (f_k/‖v_A‖ − μ) · W z_B / (‖z_A‖ ‖z_B‖), since Σ_k w_k = 1. The cells
sum to the cosine of z_A and z_B, for every projection that is one affine map, and here every one is.

Vectors are made of the stored features, which are rounded to half precision. What rounding changed is shared by all
cells alike (Σ_k w_k = 1 again), so that the cells sum to the cosine of the vectors that are searched, not nearly so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.encoder.pooling import weights
from recommender.projection.apply import Projection


@dataclass(frozen=True, eq=False)
class Explained:
    """`pair_score`: the cosine of the two plain vectors; each grid float64 (h, w) sums to it."""

    pair_score: float
    query: NDArray[np.float64]
    result: NDArray[np.float64]


def explain(
    projection: Projection,
    maps: tuple[NDArray[np.float32], NDArray[np.float32]],
    pooling: str,
    stored: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None,
) -> Explained:
    """Last maps float32 (h, w, n) of two photos → what each cell adds to their cosine, in float64.

    `stored`: their features float32 (n,) as the database has them; None: those that the maps give.
    """
    query, result = (
        _Pooled(projection, one, pooling, None if stored is None else stored[number]) for number, one in enumerate(maps)
    )
    return Explained(float(query.z @ result.z), query.cells(result), result.cells(query))


class _Pooled:
    """A photo in a projection: `z` float64 (d,), unit."""

    def __init__(
        self,
        projection: Projection,
        maps: NDArray[np.float32],
        pooling: str,
        stored: NDArray[np.float32] | None,
    ) -> None:
        self._weights = weights(*maps.shape[:2], pooling).astype(np.float64)
        self._weights = self._weights / self._weights.sum()
        self._maps = maps.astype(np.float64)
        features = np.tensordot(self._weights, self._maps, axes=2)
        if stored is not None:
            self._maps = self._maps + (stored - features)
            features = stored.astype(np.float64)
        self._length = float(np.linalg.norm(features)) or 1.0
        self._mean = 0.0 if projection.mean is None else projection.mean.astype(np.float64)
        self._matrix = None if projection.matrix is None else projection.matrix.astype(np.float64)
        centred = features / self._length - self._mean
        z = centred if self._matrix is None else centred @ self._matrix
        self._z_length = float(np.linalg.norm(z)) or 1.0
        self.z = z / self._z_length

    def cells(self, other: _Pooled) -> NDArray[np.float64]:
        """c_k of this photo, given the other: float64 (h, w)."""
        direction = other.z if self._matrix is None else self._matrix @ other.z
        grid: NDArray[np.float64] = (
            self._weights * ((self._maps / self._length - self._mean) @ direction) / self._z_length
        )
        return grid
