"""The colours of a framed photo as a histogram, bit-identical on every machine.

Pixels are counted in 4 × 7 × 7 soft bins of CIELAB, those in the middle and those unlike the picture's border for more,
because what looks like the border is ground and not the thing for sale. The square root of each share (Hellinger) makes
the row: its cosine with another is the Bhattacharyya coefficient of the two distributions.

At run time there are table look-ups, sums of whole numbers that float32 or float64 holds exactly, one IEEE division and
one IEEE square root: nothing that rounds differently by processor or library. The tables come from Decimal and integer
arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import lru_cache
from math import isqrt

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recommender.encoder.pooling import SIGMA_CELLS

Rgb = tuple[int, int, int]

BINS = (4, 7, 7)
COLOUR_BINS = 4 * 7 * 7
# L, a and b of the centres of the first and the last bins; what lies outside counts as the nearest of them.
LOWEST, HIGHEST = (0, -60, -60), (100, 60, 60)
LEAST_SIDE = 48
# A pixel's place on an axis is counted in so many steps between two bins.
STEPS = 64
# Lab is kept in sixteenths.
UNIT = 16
# Colours nearer than about this many units of Lab are one to the comparison with the border.
CELL = 6
# From this distance to the nearest colour of the border on, in units of Lab, a pixel counts in full; at none for LEAST.
FULL_DISTANCE, FULL_WEIGHT, LEAST_WEIGHT = 20, 256, 5
# A colour of the border is one that fills so many of its pixels.
LEAST_OF_BORDER = 2
CODES = 1 << 15


@dataclass(frozen=True, eq=False)
class _Tables:
    """By code, five bits of each channel, 32,768 of them.

    `corners` int64 (codes, 8): the bins around a colour. `shares` float64 (codes, 8): how much of STEPS³ goes to each.
    `cell` int64 (codes,): its cell of about CELL units. By cell: `place` float32 (cells, 3), whole numbers of cells.
    """

    corners: NDArray[np.int64]
    shares: NDArray[np.float64]
    cell: NDArray[np.int64]
    place: NDArray[np.float32]


def colour_histogram(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Framed pixels uint8 (side, side, 3) RGB → the row of their colours float32 (196,), of unit length."""
    codes = _codes(_shrunk(pixels))
    mass = np.bincount(codes.reshape(-1), weights=_centre_weights(len(codes)), minlength=CODES)
    present = np.flatnonzero(mass != 0)
    return _row(present, mass[present] * _unlike(present, codes))


def colour_row(colours: Sequence[tuple[Rgb, float]]) -> NDArray[np.float32]:
    """The row of a few plain colours, float32 (196,): what a photo would have that shows them by those weights alone.

    `colours`: red, green and blue from 0 to 255 with a weight above 0. Raises ValueError where there is none.
    """
    if not colours or not all(weight > 0 for _, weight in colours):
        raise ValueError("at least one colour is needed, each with a weight above 0")
    codes = _codes(np.array([rgb for rgb, _ in colours], np.uint8))
    return _row(codes, np.array([weight for _, weight in colours], np.float64))


def _row(codes: NDArray[np.int64], mass: NDArray[np.float64]) -> NDArray[np.float32]:
    tables = _tables()
    shares = tables.shares[codes] * mass[:, None]
    counted = np.bincount(tables.corners[codes].reshape(-1), weights=shares.reshape(-1), minlength=COLOUR_BINS)
    row: NDArray[np.float32] = np.sqrt(counted / counted.sum()).astype(np.float32)
    return row


def _shrunk(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The means of blocks of 2ⁿ × 2ⁿ pixels, the largest that leave LEAST_SIDE of them a side or more; by Pillow, in integers."""
    block = 1
    while len(pixels) >= 2 * block * LEAST_SIDE:
        block *= 2
    return pixels if block == 1 else np.asarray(Image.fromarray(pixels).reduce(block))


def _codes(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """uint8 (…, 3) → the code of each pixel, int64 (…)."""
    fives = (pixels >> 3).astype(np.int64)
    codes: NDArray[np.int64] = fives[..., 0] << 10 | fives[..., 1] << 5 | fives[..., 2]
    return codes


def _unlike(present: NDArray[np.int64], codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each code `present` its weight by the distance to the nearest colour of the border: LEAST_ to FULL_WEIGHT.

    `codes` int64 (n, n): of the whole picture.
    """
    tables = _tables()
    border = np.concatenate([codes[0], codes[-1], codes[1:-1, 0], codes[1:-1, -1]])
    counts = np.bincount(tables.cell[border], minlength=len(tables.place))
    ground = np.flatnonzero(counts >= LEAST_OF_BORDER)
    if not len(ground):
        ground = np.flatnonzero(counts)
    cells = np.zeros(len(tables.place), bool)
    cells[tables.cell[present]] = True
    seen = np.flatnonzero(cells)
    here, there = tables.place[seen], tables.place[ground]
    # |x − y|² in whole numbers far below 2²⁴: any order of the sums gives the same.
    squares = (here * here).sum(1)[:, None] + (there * there).sum(1) - 2 * (here @ there.T)
    weights = np.empty(len(tables.place), np.int64)
    by_square = _weights_by_square()
    weights[seen] = by_square[np.minimum(squares.min(1).astype(np.int64), len(by_square) - 1)]
    return weights[tables.cell[present]]


@lru_cache(maxsize=1)
def _weights_by_square() -> NDArray[np.int64]:
    """The weight of a pixel by the squared distance in cells, up to the one from which on it is FULL_WEIGHT."""
    last = -(-(FULL_DISTANCE**2) // CELL**2)
    distances = [isqrt((FULL_WEIGHT * CELL) ** 2 * square) // FULL_DISTANCE for square in range(last + 1)]
    return np.clip(np.array(distances, np.int64), LEAST_WEIGHT, FULL_WEIGHT)


@lru_cache(maxsize=8)
def _centre_weights(side: int) -> NDArray[np.float64]:
    """The Gaussian of the pooling over a square of `side`, whole numbers up to 256, flat: float64 (side²,)."""
    with localcontext() as context:
        context.prec = 30
        sigma = Decimal(side * SIGMA_CELLS[0]) / SIGMA_CELLS[1]
        bell = [(-((Decimal(2 * i - side + 1) / 2 / sigma) ** 2) / 2).exp() for i in range(side)]
        heights = np.array([int((height * 4096).to_integral_value()) for height in bell], np.int64)
    return ((heights[:, None] * heights + (1 << 15)) >> 16).reshape(-1).astype(np.float64)


@lru_cache(maxsize=1)
def _tables() -> _Tables:
    lab = _lab()
    corners, shares = np.zeros((len(lab), 1), np.int64), np.ones((len(lab), 1), np.int64)
    for axis, (bins, low, high) in enumerate(zip(BINS, LOWEST, HIGHEST, strict=True)):
        steps = (lab[:, axis] - low * UNIT) * ((bins - 1) * STEPS) // ((high - low) * UNIT)
        steps = np.clip(steps, 0, (bins - 1) * STEPS)
        before = np.minimum(steps // STEPS, bins - 2)[:, None]
        beyond = steps[:, None] - before * STEPS
        corners = np.concatenate([corners * bins + before, corners * bins + before + 1], axis=1)
        shares = np.concatenate([shares * (STEPS - beyond), shares * beyond], axis=1)
    places, cell = np.unique((lab + CELL * UNIT // 2) // (CELL * UNIT), axis=0, return_inverse=True)
    return _Tables(corners, shares.astype(np.float64), cell.reshape(-1).astype(np.int64), places.astype(np.float32))


def _lab() -> NDArray[np.int64]:
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
