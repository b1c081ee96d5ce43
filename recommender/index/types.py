"""The values of a search: queries with their filters, hits, and the vectors that are stored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catalog.filters.chosen import Filters


@dataclass(frozen=True, kw_only=True)
class SpaceQuery:
    """One query of several. `vector`: float32 (dimensions of the space,), unit length."""

    vector: NDArray[np.float32]
    filters: Filters


@dataclass(frozen=True)
class Hit:
    """One product of an answer by its best photo. `distance` is the space's metric; smaller is more alike."""

    image_id: int
    product_id: int
    distance: float


@dataclass(frozen=True)
class VectorRow:
    """One vector to store. `vector`: float32 (dimensions of the space,), unit length."""

    image_id: int
    product_id: int
    vector: NDArray[np.float32]


class SpaceGone(LookupError):
    """The space has been retired and its vectors are gone: ask the active space anew."""
