"""Database-side augmentation (Arandjelović & Zisserman 2012): a gallery vector is averaged with its neighbours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recommender.projection.apply import unit

POWER = 3  # neighbours weigh in by similarity³


def augment(
    vectors: NDArray[np.float32], neighbours: NDArray[np.float32], similarities: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The unit mean of each vector (weight 1) and its neighbours (similarity³; what points away weighs nothing).

    vectors float32 (rows, d) and neighbours float32 (rows, N, d), all unit; similarities float32 (rows, N), their
    cosines, 0 where there is no neighbour → unit rows float32 (rows, d).
    """
    weights = np.maximum(similarities, 0) ** POWER
    return unit(vectors + np.einsum("rn,rnd->rd", weights, neighbours))
