"""The true nearest neighbours in a generated gallery, by brute force in NumPy: recall is measured against them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recommender.bench.search.gallery import Gallery

Numbers = NDArray[np.int64]


def nearest(gallery: Gallery, number: int, k: int, mask: NDArray[np.bool_] | None = None) -> Numbers:
    """Numbers of the k nearest products to a product (never itself) among those of the mask, by cosine."""
    return nearest_by(likeness(gallery, number), k, mask)


def likeness(gallery: Gallery, number: int) -> NDArray[np.float32]:
    """Cosine to every product, -inf to itself: float32 (n,)."""
    found: NDArray[np.float32] = gallery.vectors @ gallery.vectors[number]
    found[number] = -np.inf
    return found


def nearest_by(values: NDArray[np.float32], k: int, mask: NDArray[np.bool_] | None = None) -> Numbers:
    if mask is not None:
        passing = np.flatnonzero(mask)
        return passing[nearest_by(values[passing], k)]
    count = min(k, int(np.isfinite(values).sum()))
    best = np.argpartition(-values, count - 1)[:count] if count < len(values) else np.arange(len(values))
    return best[np.argsort(-values[best], kind="stable")][:count]


def recall(found: NDArray[np.int64] | list[int], true: Numbers) -> float:
    """The share of the true ones that were found; 1 where there are none."""
    return len(set(map(int, found)) & set(map(int, true))) / len(true) if len(true) else 1.0
