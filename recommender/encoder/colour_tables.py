"""The tables of the colour histogram, by Decimal and integer arithmetic: equal bit for bit on every machine."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import lru_cache
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from recommender.encoder.pooling import SIGMA_CELLS

BINS = (4, 7, 7)
COLOUR_BINS = 4 * 7 * 7
# L, a and b of the centres of the first and the last bins; what lies outside counts as the nearest of them.
LOWEST, HIGHEST = (0, -60, -60), (100, 60, 60)
# A colour's code: five bits of each channel.
CODES = 1 << 15
# A colour's place on an axis is counted in so many steps between two bins.
STEPS = 64
# Lab is kept in sixteenths.
UNIT = 16
# Colours nearer than about this many units of Lab are one to the comparison with the border.
CELL = 6
# From this distance to the nearest colour of the border on, in units of Lab, a pixel counts in full; at none for LEAST.
FULL_DISTANCE, FULL_WEIGHT, LEAST_WEIGHT = 20, 256, 5


@dataclass(frozen=True, eq=False)
class CodeTables:
    """By code, five bits of each channel, 32,768 of them.

    `corners` uint8 (codes, 8): the bins around a colour. `shares` float32 (codes, 8): how much of STEPS³ goes to each, a whole
    number. `cell` uint16 (codes,): its cell of about CELL units. By cell: `place` float32 (cells, 3), whole numbers of cells.
    Types as small as hold the numbers exactly: every process of the product keeps a copy.
    """

    corners: NDArray[np.uint8]
    shares: NDArray[np.float32]
    cell: NDArray[np.uint16]
    place: NDArray[np.float32]


@lru_cache(maxsize=1)
def weights_by_square() -> NDArray[np.int64]:
    """The weight of a pixel by the squared distance in cells, up to the one from which on it is FULL_WEIGHT."""
    last = -(-(FULL_DISTANCE**2) // CELL**2)
    distances = [isqrt((FULL_WEIGHT * CELL) ** 2 * square) // FULL_DISTANCE for square in range(last + 1)]
    return np.clip(np.array(distances, np.int64), LEAST_WEIGHT, FULL_WEIGHT)


@lru_cache(maxsize=8)
def centre_weights(side: int) -> NDArray[np.float64]:
    """The Gaussian of the pooling over a square of `side`, whole numbers up to 256, flat: float64 (side²,)."""
    with localcontext() as context:
        context.prec = 30
        sigma = Decimal(side * SIGMA_CELLS[0]) / SIGMA_CELLS[1]
        bell = [(-((Decimal(2 * i - side + 1) / 2 / sigma) ** 2) / 2).exp() for i in range(side)]
        heights = np.array([int((height * 4096).to_integral_value()) for height in bell], np.int64)
    return ((heights[:, None] * heights + (1 << 15)) >> 16).reshape(-1).astype(np.float64)


@lru_cache(maxsize=1)
def code_tables() -> CodeTables:
    """Made once a process, in a few tenths of a second."""
    lab = lab_of_codes()
    corners, shares = np.zeros((len(lab), 1), np.int64), np.ones((len(lab), 1), np.int64)
    for axis, (bins, low, high) in enumerate(zip(BINS, LOWEST, HIGHEST, strict=True)):
        steps = (lab[:, axis] - low * UNIT) * ((bins - 1) * STEPS) // ((high - low) * UNIT)
        steps = np.clip(steps, 0, (bins - 1) * STEPS)
        before = np.minimum(steps // STEPS, bins - 2)[:, None]
        beyond = steps[:, None] - before * STEPS
        corners = np.concatenate([corners * bins + before, corners * bins + before + 1], axis=1)
        shares = np.concatenate([shares * (STEPS - beyond), shares * beyond], axis=1)
    places, cell = np.unique((lab + CELL * UNIT // 2) // (CELL * UNIT), axis=0, return_inverse=True)
    return CodeTables(
        corners.astype(np.uint8),
        shares.astype(np.float32),
        cell.reshape(-1).astype(np.uint16),
        places.astype(np.float32),
    )


def lab_of_codes() -> NDArray[np.int64]:
    """CIELAB (D65) of every code in sixteenths, int64 (32768, 3). sRGB by IEC 61966-2-1, Lab by CIE 15."""
    linear, root = _linear(), _root()
    levels = np.arange(32)
    channels = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(-1, 3)
    # The rows of sRGB → XYZ, each divided by the white point, in 1/65536: so that white is 1 in each.
    matrix = np.array([[28437, 24656, 12443], [13938, 46868, 4730], [1164, 7174, 57198]], np.int64)
    xyz = linear[channels] @ matrix.T >> 20
    x, y, z = root[xyz].T
    return np.stack(
        [(116 * UNIT * y >> 12) - 16 * UNIT, 500 * UNIT * (x - y) >> 12, 200 * UNIT * (y - z) >> 12], axis=1
    )


def _linear() -> NDArray[np.int64]:
    """Linear light of each of the 32 levels of a channel in 1/65536; the first is black, the last is white."""
    with localcontext() as context:
        context.prec = 30
        made = []
        for level in range(32):
            value = Decimal(level << 3 | level >> 2) / 255
            dark = value <= Decimal("0.04045")
            light = (
                value / Decimal("12.92") if dark else ((value + Decimal("0.055")) / Decimal("1.055")) ** Decimal("2.4")
            )
            made.append(int((light * 65536).to_integral_value()))
    return np.array(made, np.int64)


def _root() -> NDArray[np.int64]:
    """f of CIELAB, the cube root with a straight piece near 0, of t/4096 for t from 0 to 4096, in 1/4096."""
    with localcontext() as context:
        context.prec = 30
        third, straight = Decimal(1) / 3, Decimal(216) / 24389
        shares = [Decimal(t) / 4096 for t in range(4097)]
        roots = [t**third if t > straight else (Decimal(24389) / 27 * t + 16) / 116 for t in shares]
        return np.array([int((root * 4096).to_integral_value()) for root in roots], np.int64)
