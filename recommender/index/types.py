"""The values of a search: queries with their filters, hits, and the vectors that are stored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catalog.filters.chosen import Filters
from recommender.index.parts import Parts


@dataclass(frozen=True, kw_only=True)
class SpaceQuery:
    """One query of several. `vector`: float32 (dimensions of the space,), unit length.

    `parts`: what scores and their parts are computed from, where `vector` is what `Weighing.query` makes of them; None: the distance
    to `vector` in the metric of the space is all that is asked for.
    `own`: the stored photo whose vector asks, so that none is nearer to it; whether the engine comes by it tells whether it
    looks in the right place. None: the vector of no stored photo. What may be answered is said by the filters alone.
    """

    vector: NDArray[np.float32]
    filters: Filters
    parts: Parts | None = None
    own: int | None = None


@dataclass(frozen=True)
class Hit:
    """One product of an answer by its best photo. `distance` is the space's metric; smaller is more alike.

    Of a query with parts it is 1 − score, and `shape` and `colour` are the cosines that the score is computed from, all to
    six digits; None where the query said nothing of the part.
    """

    image_id: int
    product_id: int
    distance: float
    shape: float | None = None
    colour: float | None = None


@dataclass(frozen=True)
class VectorRow:
    """One vector to store. `vector`: float32 (dimensions of the space,), unit length."""

    image_id: int
    product_id: int
    vector: NDArray[np.float32]


class SpaceGone(LookupError):
    """The space has been retired and its vectors are gone: ask the active space anew."""
