"""Why two photos match in colour: the regions whose colours make up the cosine of their colour parts, exactly.

For a histogram's row h (the square roots of the shares, unit length) and z = (h − μ) W, the cosine of z_A and z_B falls apart
bin by bin: (h_b − μ_b) · d_b / ‖z_A‖ with d = W z_B / ‖z_B‖. What bin b adds goes to the cells of the photo by their shares
of its mass, what the mean takes off goes to all by their shares of the whole; so the cells sum to the cosine.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.projection.apply import Projection


@dataclass(frozen=True, eq=False)
class ColouredPhoto:
    """`masses` float64 (h, w, bins): how much each cell has of each bin, in any unit. `row` float32 (bins,): the histogram of the
    whole as the database has it."""

    masses: NDArray[np.float64]
    row: NDArray[np.float32]


def explain_colours(
    projection: Projection, query: ColouredPhoto, result: ColouredPhoto
) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """The cosine of the colour parts of two photos, and what each cell of either adds to it, float64 (h, w)."""
    one, other = _Counted(projection, query), _Counted(projection, result)
    return float(one.z @ other.z), one.cells(other), other.cells(one)


class _Counted:
    """A photo in the projection of colours: `z` float64 (d,), unit."""

    def __init__(self, projection: Projection, photo: ColouredPhoto) -> None:
        row = photo.row.astype(np.float64)
        self._row = row / (np.linalg.norm(row) or 1.0)
        self._mean = np.zeros(len(row)) if projection.mean is None else projection.mean.astype(np.float64)
        self._matrix = np.eye(len(row)) if projection.matrix is None else projection.matrix.astype(np.float64)
        z = (self._row - self._mean) @ self._matrix
        self._length = float(np.linalg.norm(z)) or 1.0
        self.z = z / self._length
        self._whole = photo.masses.sum(axis=2) / photo.masses.sum()
        of_bins = photo.masses.sum(axis=(0, 1))
        # Half precision may have left a trace of a bin that no pixel is in: the whole photo has it.
        self._shares = np.where(of_bins > 0, photo.masses / np.where(of_bins > 0, of_bins, 1), self._whole[..., None])

    def cells(self, other: _Counted) -> NDArray[np.float64]:
        """What each cell of this photo adds, given the other: float64 (h, w)."""
        direction = self._matrix @ other.z
        grid: NDArray[np.float64] = self._shares @ (self._row * direction) - self._whole * (self._mean @ direction)
        return grid / self._length
