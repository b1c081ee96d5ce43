"""Last maps → features: a weighted mean over the cells, in NumPy, so that the maps can also say why two photos match.

Every step is a correctly rounded elementwise operation in a fixed order (no BLAS, no fused multiply-add), so that equal
maps give bit-identical features on every machine: an int8 encoder is held to that.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

POOLINGS = ("gaussian", "mean")
# σ as a share of the maps' side: 2 cells of 7, measured to find fine classes better than the plain mean at no cost.
SIGMA_CELLS = 2, 7
SIGMA = SIGMA_CELLS[0] / SIGMA_CELLS[1]


def pool(maps: NDArray[np.float32], pooling: str) -> NDArray[np.float32]:
    """maps float32 (h, w, c) → features float32 (c,), the weighted mean over the cells; not normalised."""
    h, w, channels = maps.shape
    weighted = maps.reshape(h * w, channels) * weights(h, w, pooling).reshape(h * w, 1)
    features: NDArray[np.float32] = np.add.reduce(weighted, axis=0)
    return features


@lru_cache(maxsize=32)
def weights(h: int, w: int, pooling: str) -> NDArray[np.float32]:
    """Weights float32 (h, w) of the cells, summing to 1; read-only. Raises ValueError for an unknown pooling."""
    if pooling not in POOLINGS:
        raise ValueError(f"there is no pooling {pooling!r}; set ENCODER_POOLING to one of: {', '.join(POOLINGS)}")
    if pooling == "mean":
        made = np.full((h, w), 1 / (h * w), np.float32)
    else:
        rows, columns = _bell(h), _bell(w)
        made = np.array([[row * column for column in columns] for row in rows], np.float32)
    made.flags.writeable = False
    return made


def _bell(cells: int) -> list[float]:
    """A Gaussian over the centres of `cells` cells, summing to 1."""
    sigma = SIGMA * cells
    heights = [math.exp(-(((i - (cells - 1) / 2) / sigma) ** 2) / 2) for i in range(cells)]
    total = math.fsum(heights)
    return [height / total for height in heights]
