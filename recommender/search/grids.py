"""What each region of a photo adds to a score: by its shape, by its colours and by both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.index.parts import Scores, Weighing

Grid = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Grids:
    """Cells float64 (h, w) of one photo. `plain` sums to the cosine of the two vectors that the features give, `shape` and
    `colour` to those of the parts, `both` to the score. `colour`: None in a space without."""

    plain: Grid
    shape: Grid
    colour: Grid | None
    both: Grid


def weighed_grids(weighing: Weighing, scores: Scores, *, shape: Grid, colour: Grid) -> Grids:
    """`shape`, `colour`: what each cell adds to the cosines of the parts, of unrounded vectors.

    Answers measure vectors that half precision has rounded, to six digits. What that changed has no place in the photo and is
    shared by all cells alike, so that the grids sum to the numbers of an answer and not only nearly.
    """
    plain = (1 - weighing.stored) * shape + weighing.stored * colour
    shape, colour = _summing_to(scores.shape, shape), _summing_to(scores.colour, colour)
    return Grids(plain=plain, shape=shape, colour=colour, both=(1 - weighing.asked) * shape + weighing.asked * colour)


def _summing_to(total: float, grid: Grid) -> Grid:
    spread: Grid = grid + (total - grid.sum()) / grid.size
    return spread
