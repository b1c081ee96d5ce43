"""The words of a search: filters, hits, and the Protocol that any vector engine behind the product fulfils."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from recommender.models import Space


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What a product must fulfil to be in an answer. Empty means: anything published.

    `categories`: category ids, descendants already included. `exclude_groups` and `exclude_products` are never answered.
    An engine that cannot join is fed the same fields at `upsert`.
    """

    categories: tuple[int, ...] | None = None
    brands: tuple[str, ...] = ()
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    in_stock: bool | None = None
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    exclude_products: tuple[int, ...] = ()
    exclude_groups: tuple[str, ...] = ()

    @property
    def narrows(self) -> bool:
        """Whether anything but the exclusions narrows the gallery: only then is it worth sampling who passes."""
        return bool(
            self.categories is not None
            or self.brands
            or self.min_price is not None
            or self.max_price is not None
            or self.in_stock is not None
            or self.attributes
        )


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
