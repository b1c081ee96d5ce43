"""Likes and dislikes as one query vector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recommender.index.parts import Weighing
from recommender.models import Space
from recommender.projection.apply import beside, unit
from recommender.search.answers import QueryCancelsOut
from recommender.search.query_products import QueryProduct

_CANCELS = 1e-3  # shorter than this, a difference of unit vectors is rounding (halfvec keeps 3 digits)

Vector = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Direction:
    """`vector`: float32 (dimensions of the space,), unit length; zeros in a part that says nothing. `weighing`: how the parts
    count; None in a space without colour."""

    vector: Vector
    weighing: Weighing | None


def liked_direction(
    *,
    space: Space,
    likes: Sequence[QueryProduct],
    dislikes: Sequence[QueryProduct],
    weighing: Weighing | None,
) -> Direction:
    """The mean vector of the likes minus that of the dislikes, made unit; shape and colour each by itself.

    `weighing`: None in a space without colour. Where one part cancels out (a red shirt, but not the blue one of the same
    cut), all weight goes to the other. Products without a vector do not count; at least one like must have one. Raises
    QueryCancelsOut.
    """
    liked, disliked = _photos(likes), _photos(dislikes)
    if weighing is None:
        whole = _difference(liked, disliked)
        if whole is None:
            raise QueryCancelsOut(_cancelled())
        return Direction(whole, None)
    split, weight = weighing.split, weighing.asked
    shape = _difference([one[:split] for one in liked], [one[:split] for one in disliked])
    colour = _difference([one[split:] for one in liked], [one[split:] for one in disliked])
    if shape is None and (colour is None or weight == 0):
        raise QueryCancelsOut(
            _cancelled("in shape, which alone counts at color_weight=0" if colour is not None else "")
        )
    if colour is None and weight == 1:
        raise QueryCancelsOut(_cancelled("in colour, which alone counts at color_weight=1"))
    vector = beside(
        np.zeros(split, np.float32) if shape is None else shape,
        np.zeros(space.colour_dimensions, np.float32) if colour is None else colour,
        space.colour_weight,
    )
    return Direction(vector, replace(weighing, asked=1.0 if shape is None else 0.0 if colour is None else weight))


def _difference(liked: Sequence[Vector], disliked: Sequence[Vector]) -> Vector | None:
    """Unit vector from the mean of the disliked to that of the liked; None where they cancel each other out."""
    direction = unit(np.stack(liked)).mean(axis=0)
    if disliked:
        direction = direction - unit(np.stack(disliked)).mean(axis=0)
    length = float(np.linalg.norm(direction))
    if length < _CANCELS:
        return None
    scaled: Vector = direction / length
    return scaled


def _photos(products: Sequence[QueryProduct]) -> list[Vector]:
    """In the order of ids, so that the same products cancel to the last bit whatever order they were named in."""
    ordered = sorted(products, key=lambda one: one.product_id)
    return [product.photos[0].vector for product in ordered if product.photos]


def _cancelled(where: str = "") -> str:
    words = f"cancel each other out {where}".rstrip()
    return f"the positive and the negative products {words}: leave one of them out"
