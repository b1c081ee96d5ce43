"""Where in a photo its colours are: the histogram of recommender.encoder.colour, kept apart by the cells of a grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recommender.encoder.colour import CODES, COLOUR_BINS, _centre_weights, _codes, _shrunk, _tables, _unlike


def colour_masses(pixels: NDArray[np.uint8], *, rows: int, columns: int) -> NDArray[np.float64]:
    """Framed pixels uint8 (side, side, 3) RGB → the share of the photo that each cell has in each bin, float64 (rows, columns, 196).

    Summed over the cells they are the squares of `colour_histogram`. A pixel belongs to the cell that its upper left corner is in.
    """
    codes = _codes(_shrunk(pixels))
    side = len(codes)
    present = np.unique(codes)
    unlike = np.zeros(CODES, np.int64)
    unlike[present] = _unlike(present, codes)
    cells = (np.arange(side) * rows // side)[:, None] * columns + np.arange(side) * columns // side
    flat, tables = codes.reshape(-1), _tables()
    shares = tables.shares[flat] * (_centre_weights(side) * unlike[flat])[:, None]
    places = cells.reshape(-1)[:, None] * COLOUR_BINS + tables.corners[flat]
    masses = np.bincount(places.reshape(-1), weights=shares.reshape(-1), minlength=rows * columns * COLOUR_BINS)
    result: NDArray[np.float64] = (masses / masses.sum()).reshape(rows, columns, COLOUR_BINS)
    return result
