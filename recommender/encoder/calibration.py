"""Drawn pictures for quantisation and for check vectors, the same on every machine.

Measured: 200 drawn pictures, random shapes on plain ground, calibrate int8 as well as 200 photos do, and may be shipped.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from catalog.drawing import draw_shapes

CALIBRATION_PICTURES, CALIBRATION_SEED = 200, 0
CHECK_PICTURES, CHECK_SEED = 4, 1_000
JUDGING_PICTURES, JUDGING_SEED = 8, 2_000


def drawn_pictures(count: int, *, side: int, seed: int) -> NDArray[np.uint8]:
    """uint8 (count, side, side, 3), drawn from the seeds `seed`, `seed` + 1, …

    The first holds both 0 and 255, so that the range that quantisation sees is always the whole one.
    """
    pictures = np.stack([np.asarray(draw_shapes(number, side)) for number in range(seed, seed + count)])
    pictures[0, 0, :2] = [[0, 0, 0], [255, 255, 255]]
    return pictures


def calibration_pictures(side: int) -> NDArray[np.uint8]:
    """What int8 is calibrated on."""
    return drawn_pictures(CALIBRATION_PICTURES, side=side, seed=CALIBRATION_SEED)


def check_pictures(side: int) -> NDArray[np.uint8]:
    """What every process proves itself on."""
    return drawn_pictures(CHECK_PICTURES, side=side, seed=CHECK_SEED)


def judging_pictures(side: int) -> NDArray[np.uint8]:
    """What a compiled file is held against its Keras model on."""
    return drawn_pictures(JUDGING_PICTURES, side=side, seed=JUDGING_SEED)
