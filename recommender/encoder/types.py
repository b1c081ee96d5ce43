"""The interface of encoders, whatever runs them."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class ImageEncoder(Protocol):
    """Photo → last maps → features. Implementations load lazily and may be injected (tests use fixed vectors).

    `side`: the square input's side in pixels. `dimensions`: channels of the last maps.
    """

    side: int
    dimensions: int
    pooling: str

    def maps(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """pixels uint8 (side, side, 3) RGB → last maps float32 (h, w, dimensions)."""
        ...

    def features(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """pixels uint8 (side, side, 3) RGB → features float32 (dimensions,): the pooled maps, not normalised."""
        ...


class BatchEncoder(ImageEncoder, Protocol):
    """An encoder that gains from several photos at once (Keras on a GPU); LiteRT does not and goes one by one."""

    def features_many(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """pixels uint8 (n, side, side, 3) RGB → features float32 (n, dimensions)."""
        ...
