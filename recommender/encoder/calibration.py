"""Drawn pictures for quantisation and for judging its result, the same on every machine.

Measured: 200 drawn pictures, random shapes on plain ground, calibrate int8 as well as 200 photos do, and may be shipped.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from catalog.demo.drawing import KINDS, draw_product, draw_shapes
from recommender.encoder.preprocess import image_to_pixels

CALIBRATION_PICTURES, CALIBRATION_SEED = 200, 0
JUDGED_OF_EACH_KIND = 2


def drawn_pictures(count: int, *, side: int, seed: int) -> NDArray[np.uint8]:
    """uint8 (count, side, side, 3), drawn from the seeds `seed`, `seed` + 1, …

    The first holds both 0 and 255, so that the range that quantisation sees is always the whole one.
    """
    pictures = np.stack([np.asarray(draw_shapes(number, side)) for number in range(seed, seed + count)])
    pictures[0, 0, :2] = [[0, 0, 0], [255, 255, 255]]
    return pictures


def calibration_pictures(side: int) -> NDArray[np.uint8]:
    """Pictures on which the ranges of int8 are measured."""
    return drawn_pictures(CALIBRATION_PICTURES, side=side, seed=CALIBRATION_SEED)


def judging_pictures(side: int) -> NDArray[np.uint8]:
    """Pictures on which a compiled file is compared with its Keras model: products, which int8 changes as little as photos.

    Shapes alone are unlike anything the network knows: there int8 is at cosine .94 where photos are at .993.
    """
    products = [(kind, seed) for kind in KINDS for seed in range(JUDGED_OF_EACH_KIND)]
    return np.stack([image_to_pixels(draw_product(kind, seed, 2 * side), side=side) for kind, seed in products])
