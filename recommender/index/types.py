"""The words of a search: filters, hits, and the Protocol that any vector engine behind the product fulfils."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from catalog.filters.chosen import Filters as Filters
from recommender.models import Space


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


class VectorIndex(Protocol):
    """An engine that holds the vectors of spaces and answers nearest-neighbour queries under filters."""

    def upsert(self, *, space: Space, rows: Sequence[VectorRow]) -> int: ...

    def delete(self, *, space: Space, image_ids: Sequence[int]) -> int: ...

    def count(self, *, space: Space) -> int: ...

    def search(
        self, *, space: Space, vector: NDArray[np.float32], filters: Filters, k: int, exact: bool = False
    ) -> list[Hit]:
        """The k nearest products (one hit a product, one product a variant group), by (distance, image id).

        Shorter than k only if fewer products match. `exact` scans instead of asking the ANN index.
        """
        ...
