"""From scores to confidences: the curve that is kept of a space, and how far it is from the truth. Pure functions of arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recommender.records.calibration import Bin

KNOTS = 64  # of a curve at most
_LEAST_ANSWERS = 20  # in each interval of scores that the curve is fitted on
# Intervals hold the fewer answers the higher their scores: a page shows the first answers, whose scores are few.
_CROWDING = 1.5
BINS = 10

Numbers = NDArray[np.float64]


def labelled_knots(scores: Numbers, alike: NDArray[np.bool_]) -> tuple[Numbers, Numbers]:
    """Rising scores and never falling confidences 0 to 100, at most KNOTS of them: the share of answers about that score
    that are alike, by isotonic regression.

    `scores`: of answers, one and more, with whether each is `alike`; both (answers,).
    """
    from scipy.optimize import isotonic_regression  # late: 50 MB, and for fits alone

    order = np.argsort(scores, kind="stable")
    starts = _starts(scores[order])
    counts = np.diff(np.r_[starts, len(scores)])
    means = np.add.reduceat(scores[order], starts) / counts
    shares = np.add.reduceat(alike[order].astype(np.float64), starts) / counts
    fitted = isotonic_regression(shares, weights=counts).x
    # Within a stretch of one value only its ends are needed.
    inner = np.r_[False, (fitted[1:-1] == fitted[:-2]) & (fitted[1:-1] == fitted[2:]), False][: len(fitted)]
    return means[~inner], 100 * np.clip(fitted[~inner], 0, 1)


def percentile_knots(scores: Numbers) -> tuple[Numbers, Numbers]:
    """Rising scores and never falling confidences 0 to 100, at most KNOTS: the share of `scores` (answers,) that are lower."""
    levels = 1 - (1 - np.linspace(0, 1, KNOTS)) ** _CROWDING
    found, first = np.unique(np.quantile(scores, levels), return_index=True)
    return found, 100 * levels[first]


def reliability(confidences: Numbers, alike: NDArray[np.bool_]) -> list[Bin]:
    """Answers by their confidence (0 to 100) in bins of ten, without the empty ones; both (answers,)."""
    places = np.minimum(confidences // (100 / BINS), BINS - 1).astype(np.int64)
    counts = np.bincount(places, minlength=BINS)
    sums = np.bincount(places, weights=confidences / 100, minlength=BINS)
    hits = np.bincount(places, weights=alike.astype(np.float64), minlength=BINS)
    return [
        Bin(answers=int(count), confidence=round(total / count, 4), share=round(hit / count, 4))
        for count, total, hit in zip(counts.tolist(), sums.tolist(), hits.tolist(), strict=True)
        if count
    ]


def calibration_error(bins: Sequence[Bin]) -> float:
    """Expected calibration error: how far confidence and share are apart, the mean over all answers, 0 to 1
    (Naeini, Cooper and Hauskrecht, AAAI 2015)."""
    answers = sum(one.answers for one in bins)
    return sum(one.answers * abs(one.confidence - one.share) for one in bins) / answers


def _starts(scores: Numbers) -> NDArray[np.int64]:
    """Where intervals of rising `scores` begin, none within equal ones."""
    count = int(np.clip(len(scores) // _LEAST_ANSWERS, 1, KNOTS))
    places = len(scores) * (1 - (1 - np.arange(count) / count) ** _CROWDING)
    return np.unique(np.searchsorted(scores, scores[places.astype(np.int64)]))
