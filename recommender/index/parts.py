"""A query in a space whose vectors have a shape and a colour part: what it asks of each, and how much colour counts.

A stored vector is g = [√(1 − α)·S ‖ √α·C], S and C of unit length, α the colour weight of the space, 0 < α < 1. One index of
such vectors answers for every weight w of colour: the query [(1 − w)/√(1 − α)·S ‖ w/√α·C], which is [(1 − w)/(1 − α)·g_S ‖ w/α·g_C],
ranks by (1 − w)·cos S + w·cos C.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
from numpy.typing import NDArray

from recommender.models import Space
from recommender.projection.apply import beside, unit

SCORE_DIGITS = 6  # of a score and of the cosines it is computed from; half precision keeps three

Vector = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Parts:
    """What a score is computed from: (1 − weight) · cosine of the shapes + weight · cosine of the colours.

    `shape`, `colour`: float32, of the query, of any length (those of a stored vector as they are stored, which rounding to unit
    length would change); None where it says nothing of that part, whose cosine then counts as 0. `weight`: of colour, 0 to 1.
    """

    shape: Vector | None
    colour: Vector | None
    weight: float


@dataclass(frozen=True)
class Scores:
    """`score`: (1 − w) · `shape` + w · `colour`, which are the cosines of the parts."""

    score: float
    shape: float
    colour: float


@dataclass(frozen=True)
class Weighing:
    """How the parts of a space's vectors count in the scores of a query.

    `split`: the first so many dimensions are shape. `stored`: α, the colour weight that stored vectors were made with. `asked`: w.
    """

    split: int
    stored: float
    asked: float

    def parts(self, vector: Vector) -> Parts:
        """The parts of a vector float32 (d,); one that is zeros says nothing."""
        shape, colour = vector[: self.split], vector[self.split :]
        return Parts(
            shape=shape if shape.any() else None,
            colour=colour if colour.any() else None,
            weight=self.asked,
        )

    def query(self, vector: Vector) -> Vector:
        """The vector, of unit length, whose nearest neighbours by cosine have the highest scores: float32 (d,).

        `vector`: made as stored vectors are, or zeros in a part that says nothing. At the weight of the space it is itself.
        """
        if self.asked == self.stored:
            return vector
        shape, colour = (1 - self.asked) / (1 - self.stored), self.asked / self.stored
        query = np.concatenate([vector[: self.split] * np.float32(shape), vector[self.split :] * np.float32(colour)])
        return unit(query)

    def scores(self, one: Vector, other: Vector) -> Scores:
        """Of two vectors float32 (d,) with both parts, as Postgres computes those of an answer."""
        shape = _cosine(one[: self.split], other[: self.split])
        colour = _cosine(one[self.split :], other[self.split :])
        return Scores(_rounded((1 - self.asked) * shape + self.asked * colour), shape, colour)

    def comparable(self, vectors: Vector) -> Vector:
        """Stored vectors float32 (n, d) → unit rows float32 (n, d): the cosine of two is the score of one for the other."""
        return beside(unit(vectors[:, : self.split]), unit(vectors[:, self.split :]), self.asked)


def _cosine(one: Vector, other: Vector) -> float:
    a, b = one.astype(np.float64), other.astype(np.float64)
    cosine = float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))
    return _rounded(max(-1.0, min(1.0, cosine)))


def _rounded(value: float) -> float:
    """As Postgres rounds: a double counts by its first 15 digits there, and a half is rounded away from 0."""
    return float(Decimal(f"{value:.15g}").quantize(Decimal(1).scaleb(-SCORE_DIGITS), ROUND_HALF_UP)) + 0.0


def has_colour(space: Space) -> bool:
    """Whether the vectors of the space have a colour part."""
    return space.colour_dimensions > 0


def weighing(space: Space, weight: float) -> Weighing:
    """How the parts count in a space with colour, by a weight of colour from 0 to 1."""
    return Weighing(split=space.shape_dimensions, stored=space.colour_weight, asked=weight)
