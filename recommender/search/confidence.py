"""What the scores of a search mean: confidences 0 to 100, by the calibration of the space that answers."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from catalog.parameters import InvalidParameter
from recommender.index.parts import Weighing
from recommender.models import Space
from recommender.records.calibration import Calibration, Curve
from recommender.records.reading import MalformedRecord

if TYPE_CHECKING:
    from recommender.search.ranking.base import Candidates

logger = logging.getLogger(__name__)

DIGITS = 1  # of a confidence; by these, too, it is compared with `min_confidence`


@dataclass(frozen=True, eq=False)
class Scale:
    """From scores to confidences at one weight of colour.

    `low`, `high`: scores and confidences, float64 (knots,) each, at the nearest weights that were fitted, below and above;
    `share`: how much the latter counts, 0 to 1.
    """

    low: tuple[NDArray[np.float64], NDArray[np.float64]]
    high: tuple[NDArray[np.float64], NDArray[np.float64]]
    share: float

    def confidences(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """float64 (n,) → float64 (n,), 0 to 100, never falling as scores rise."""
        found = np.interp(scores, *self.low)
        if self.share:
            found = (1 - self.share) * found + self.share * np.interp(scores, *self.high)
        rounded: NDArray[np.float64] = np.round(found, DIGITS)
        return rounded

    def confidence(self, score: float) -> float:
        """The confidence of one score."""
        return float(self.confidences(np.array([score]))[0])


def scale_for(space: Space, weighing: Weighing | None, *, min_confidence: float | None) -> Scale | None:
    """The scale of a search; None while nothing is fitted. Raises InvalidParameter where a least confidence is asked for then."""
    calibration = _calibration(space)
    if calibration is not None:
        return scale_of(calibration, 0.0 if weighing is None else weighing.asked)
    if min_confidence is not None:
        raise InvalidParameter(
            "min_confidence",
            "the scores of the active space have no confidence yet: it comes by itself with enough photos, and "
            f"`manage.py spaces evaluate {space.name}` fits it at once; until then use min_score",
        )
    return None


def basis_of(space: Space) -> str | None:
    """By what confidences are calibrated; None while nothing is fitted."""
    calibration = _calibration(space)
    return None if calibration is None else calibration.basis


def scale_of(calibration: Calibration, weight: float) -> Scale:
    """The scale at a weight of colour, between those that were fitted as far as the weight is between theirs."""
    curves = calibration.curves
    above = next((number for number, one in enumerate(curves) if one.weight >= weight), len(curves) - 1)
    high = curves[above]
    low = high if high.weight <= weight else curves[max(0, above - 1)]
    apart = high.weight - low.weight
    share = (weight - low.weight) / apart if apart > 0 else 0.0
    return Scale(_knots(low), _knots(high), share)


def with_confidence(candidates: Candidates, scale: Scale | None) -> Candidates:
    """The same candidates with the confidence of each."""
    if scale is None or not candidates:
        return candidates
    found = scale.confidences(np.array([one.score for one in candidates])).tolist()
    return tuple(replace(one, confidence=value) for one, value in zip(candidates, found, strict=True))


def _calibration(space: Space) -> Calibration | None:
    """Read once for each instance of the model. A malformed one is logged, and answers go on without."""
    if "_calibrated" not in space.__dict__:
        try:
            space.__dict__["_calibrated"] = space.calibrated
        except MalformedRecord as error:
            logger.error("answers have no confidence: %s", error)
            space.__dict__["_calibrated"] = None
    kept: Calibration | None = space.__dict__["_calibrated"]
    return kept


def _knots(curve: Curve) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.array(curve.scores, np.float64), np.array(curve.confidences, np.float64)
