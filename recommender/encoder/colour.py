"""The colours of a framed photo as a histogram, bit-identical on every machine.

Pixels are counted in 4 × 7 × 7 soft bins of CIELAB, those in the middle and those unlike the picture's border for more,
because what looks like the border is ground and not the thing for sale. The square root of each share (Hellinger) makes
the row: its cosine with another is the Bhattacharyya coefficient of the two distributions.

At run time there are table look-ups, sums of whole numbers that float32 or float64 holds exactly, one IEEE division and
one IEEE square root: nothing that rounds differently by processor or library. The tables come from Decimal and integer
arithmetic (colour_tables).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recommender.encoder.colour_tables import CODES, COLOUR_BINS, centre_weights, code_tables, weights_by_square

Rgb = tuple[int, int, int]

LEAST_SIDE = 48
# A colour of the border is one that fills so many of its pixels.
LEAST_OF_BORDER = 2
BASIS_FILE = Path(__file__).with_name("colour_basis.npy")
# It holds int16: the mean, then the axes, each number in so many parts of 1.
BASIS_SCALE = 32_767


def colour_histogram(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Framed pixels uint8 (side, side, 3) RGB → the row of their colours float32 (196,), of unit length."""
    codes = _codes(_shrunk(pixels))
    mass = np.bincount(codes.reshape(-1), weights=centre_weights(len(codes)), minlength=CODES)
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


def colour_masses(pixels: NDArray[np.uint8], *, cells: tuple[int, int]) -> NDArray[np.float64]:
    """Where the colours of framed pixels are: what each cell of a grid (rows, columns) adds to each bin.

    float64 (rows, columns, 196), whole numbers: their sum over the grid, divided by the sum of all and rooted, is
    `colour_histogram` of the same pixels.
    """
    codes = _codes(_shrunk(pixels))
    side = len(codes)
    flat = codes.reshape(-1)
    mass = centre_weights(side)
    present = np.flatnonzero(np.bincount(flat, minlength=CODES))
    weights = np.zeros(CODES)
    weights[present] = _unlike(present, codes)
    rows, columns = cells
    at = np.arange(side)
    cell = ((at * rows // side)[:, None] * columns + at * columns // side).reshape(-1)
    tables = code_tables()
    bins = tables.corners[flat] + COLOUR_BINS * cell[:, None]
    shares = tables.shares[flat] * (mass * weights[flat])[:, None]
    counted = np.bincount(bins.reshape(-1), weights=shares.reshape(-1), minlength=rows * columns * COLOUR_BINS)
    return counted.astype(np.float64, copy=False).reshape(rows, columns, COLOUR_BINS)


@lru_cache(maxsize=1)
def fixed_colour_basis() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A mean float32 (196,) and axes float32 (196, 64) fitted on no shop's photos, the same on every machine.

    The axes are orthonormal columns, strongest first. See recommender.encoder.colour_basis, which makes the file.
    """
    numbers = np.load(BASIS_FILE).astype(np.float32) / np.float32(BASIS_SCALE)
    mean, matrix = numbers[0].copy(), np.ascontiguousarray(numbers[1:].T)
    mean.flags.writeable = matrix.flags.writeable = False
    return mean, matrix


def _row(codes: NDArray[np.int64], mass: NDArray[np.float64]) -> NDArray[np.float32]:
    tables = code_tables()
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


def _unlike(present: NDArray[np.int64], codes: NDArray[np.int64]) -> NDArray[np.float64]:
    """For each code `present` its weight by the distance to the nearest colour of the border: LEAST_ to FULL_WEIGHT.

    `codes` int64 (n, n): of the whole picture.
    """
    tables = code_tables()
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
    weights = np.empty(len(tables.place))
    by_square = weights_by_square()
    weights[seen] = by_square[np.minimum(squares.min(1).astype(np.int64), len(by_square) - 1)]
    return weights[tables.cell[present]]
