"""Likes and dislikes as one query vector."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recommender.projection.apply import unit
from recommender.search.answers import QueryCancelsOut
from recommender.search.query_products import QueryProduct

_CANCELS = 1e-3  # shorter than this, a difference of unit vectors is rounding (halfvec keeps 3 digits)


def liked_direction(*, likes: Sequence[QueryProduct], dislikes: Sequence[QueryProduct]) -> NDArray[np.float32]:
    """The mean vector of the likes minus that of the dislikes, float32 (dimensions of the space,), unit length.

    Products without a vector do not count; at least one like must have one. Raises QueryCancelsOut.
    """
    direction = _mean(likes)
    if any(product.photos for product in dislikes):
        direction = direction - _mean(dislikes)
    length = float(np.linalg.norm(direction))
    if length < _CANCELS:
        raise QueryCancelsOut("the positive and the negative products cancel each other out: leave one of them out")
    scaled: NDArray[np.float32] = direction / length
    return scaled


def _mean(products: Sequence[QueryProduct]) -> NDArray[np.float32]:
    """Summed in the order of ids, so that the same products cancel to the last bit."""
    photos = [product.photos[0] for product in sorted(products, key=lambda one: one.product_id) if product.photos]
    mean: NDArray[np.float32] = unit(np.stack([photo.vector for photo in photos])).mean(axis=0)
    return mean
