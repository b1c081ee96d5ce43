"""The curve from scores to shares that are alike, and how far a curve is from the truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.evaluation.isotonic import (
    KNOTS,
    calibration_error,
    labelled_knots,
    percentile_knots,
    reliability,
)
from recommender.records.calibration import Bin

answers = st.lists(
    st.tuples(st.floats(-1, 1).map(lambda score: round(score, 3)), st.booleans()), min_size=1, max_size=3000
)


@given(answers)
def test_a_curve_rises_within_its_bounds_and_is_compact(pairs: list[tuple[float, bool]]) -> None:
    scores, alike = np.array([score for score, _ in pairs]), np.array([one for _, one in pairs])
    for knots, confidences in (labelled_knots(scores, alike), percentile_knots(scores)):
        assert 1 <= len(knots) == len(confidences) <= KNOTS
        assert (np.diff(knots) > 0).all() and (np.diff(confidences) >= 0).all()
        assert confidences.min() >= 0 and confidences.max() <= 100


def test_a_curve_finds_the_truth_that_made_the_answers() -> None:
    generator = np.random.default_rng(3)
    scores = generator.beta(5, 2, 50_000)
    alike = generator.random(50_000) < scores**2
    found = np.interp(np.linspace(0.3, 0.98, 50), *labelled_knots(scores, alike))
    assert np.abs(found / 100 - np.linspace(0.3, 0.98, 50) ** 2).max() < 0.05


def test_a_percentile_is_the_share_of_lower_scores() -> None:
    scores = np.random.default_rng(4).normal(size=20_000)
    knots = percentile_knots(scores)
    for at in (-1.0, 0.0, 1.0, 2.5):
        assert np.interp(at, *knots) == pytest.approx(100 * (scores < at).mean(), abs=0.6)
    assert np.interp([-9.0, 9.0], *knots).tolist() == [0.0, 100.0]


def test_reliability_counts_answers_by_tenths_of_confidence() -> None:
    confidences = np.array([0.0, 9.9, 10.0, 55.0, 55.0, 55.0, 100.0])
    alike = np.array([False, True, True, True, False, False, True])
    bins = reliability(confidences, alike)
    assert bins == [
        Bin(answers=2, confidence=0.0495, share=0.5),
        Bin(answers=1, confidence=0.1, share=1.0),
        Bin(answers=3, confidence=0.55, share=0.3333),
        Bin(answers=1, confidence=1.0, share=1.0),
    ]
    expected = (2 * 0.4505 + 1 * 0.9 + 3 * 0.2167 + 0) / 7
    assert calibration_error(bins) == pytest.approx(expected, abs=1e-9)
