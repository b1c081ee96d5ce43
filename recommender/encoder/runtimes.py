"""The two ways to run an encoder: the compiled LiteRT file, and the Keras model it was compiled from."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.encoder.colour import colour_histogram
from recommender.encoder.keras_models import Maps
from recommender.encoder.pooling import pool
from recommender.encoder.recipes import RECIPES


def row_of_features(
    maps: NDArray[np.float32], pixels: NDArray[np.uint8], pooling: str, recipe: int
) -> NDArray[np.float32]:
    """Last maps float32 (h, w, c) of pixels uint8 (side, side, 3) → what is stored of the photo, float32 (row width,)."""
    pooled = pool(maps, pooling)
    return np.concatenate([pooled, colour_histogram(pixels)]) if RECIPES[recipe].colour_bins else pooled


@dataclass
class LiteRTEncoder:
    """A compiled file, run photo by photo on one thread: a process for each core is faster than batches or more threads.

    One interpreter, made for the first photo, serves all threads of the process in turn: it is not thread-safe, one more
    for each thread would take three times the file's size, and forwards at once would only share the cores and caches.
    """

    compiled: bytes
    side: int
    dimensions: int
    pooling: str
    recipe: int
    _turn: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _made: tuple[Any, int, int] | None = field(default=None, repr=False)

    def maps(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        batch = _checked(pixels, self.side)[None]
        with self._turn:
            interpreter, input_index, output_index = self._interpreter()
            interpreter.set_tensor(input_index, batch)
            interpreter.invoke()
            maps: NDArray[np.float32] = interpreter.get_tensor(output_index)[
                0
            ]  # a copy, which the next photo leaves alone
        return maps

    def features(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        return row_of_features(self.maps(pixels), pixels, self.pooling, self.recipe)

    def features_many(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.stack([self.features(picture) for picture in pixels])

    def _interpreter(self) -> tuple[Any, int, int]:
        """The interpreter with the numbers of its input and output; called by one thread at a time."""
        if self._made is None:
            from ai_edge_litert.interpreter import Interpreter

            interpreter = Interpreter(model_content=self.compiled, num_threads=1)
            interpreter.allocate_tensors()
            input_index = interpreter.get_input_details()[0]["index"]
            output_index = interpreter.get_output_details()[0]["index"]
            self._made = interpreter, input_index, output_index
        return self._made


@dataclass
class KerasEncoder:
    """The Keras model itself, for a GPU: `features_many` runs a lease's photos in one call."""

    function: Maps
    side: int
    dimensions: int
    pooling: str
    recipe: int

    def maps(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        maps: NDArray[np.float32] = self.function(_checked(pixels, self.side)[None])[0]
        return maps

    def features(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        return row_of_features(self.maps(pixels), pixels, self.pooling, self.recipe)

    def features_many(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        rows = zip(self.function(pixels), pixels, strict=True)
        return np.stack([row_of_features(maps, of_one, self.pooling, self.recipe) for maps, of_one in rows])


def _checked(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    if pixels.shape != (side, side, 3) or pixels.dtype != np.uint8:
        raise ValueError(f"the encoder wants uint8 pixels ({side}, {side}, 3), not {pixels.dtype} {pixels.shape}")
    return pixels
