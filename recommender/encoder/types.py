"""The interface of encoders, whatever runs them."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class ImageEncoder(Protocol):
    """Photo → last maps → a row of features. Implementations load lazily and may be injected (tests use fixed vectors).

    `side`: the square input's side in pixels. `dimensions`: channels of the last maps. `recipe`: what is done around the
    network (see recommender.encoder.recipes): by it the photo is to be made `pixels`, and by it the row is made.
    """

    side: int
    dimensions: int
    pooling: str
    recipe: int

    def maps(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """pixels uint8 (side, side, 3) RGB → last maps float32 (h, w, dimensions)."""
        ...

    def features(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """pixels uint8 (side, side, 3) RGB → a row of features float32 (row width,).

        The pooled maps, not normalised, then, where the recipe counts colours, the histogram of the same pixels.
        """
        ...


class BatchEncoder(ImageEncoder, Protocol):
    """An encoder that gains from several photos at once (Keras on a GPU); LiteRT does not and goes one by one."""

    def features_many(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """pixels uint8 (n, side, side, 3) RGB → rows of features float32 (n, row width)."""
        ...
