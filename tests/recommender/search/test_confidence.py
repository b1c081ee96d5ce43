"""From scores to confidences: never falling, within 0 and 100, between the weights that were fitted as the weight is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.records.calibration import Curve
from recommender.search.confidence import scale_of
from tests.recommender.search.calibrations import calibration_of, linear_calibration


@st.composite
def curves(draw: st.DrawFn) -> list[Curve]:
    weights = draw(st.lists(st.integers(0, 10), min_size=1, max_size=4, unique=True).map(sorted))
    found = []
    for weight in weights:
        count = draw(st.integers(1, 8))
        scores = draw(st.lists(st.floats(-1, 1), min_size=count, max_size=count).map(sorted))
        confidences = draw(st.lists(st.floats(0, 100), min_size=count, max_size=count).map(sorted))
        found.append(Curve(weight=weight / 10, scores=tuple(scores), confidences=tuple(confidences)))
    return found


@given(
    curves=curves(),
    weight=st.floats(0, 1),
    scores=st.lists(st.floats(-1, 1), min_size=1, max_size=30).map(sorted),
)
def test_confidence_never_falls_as_scores_rise(curves: list[Curve], weight: float, scores: list[float]) -> None:
    scale = scale_of(calibration_of(*curves), weight)
    found = scale.confidences(np.array(scores))
    assert (np.diff(found) >= 0).all() and found.min() >= 0 and found.max() <= 100
    assert [scale.confidence(score) for score in scores] == found.tolist()


@pytest.mark.parametrize(
    ("weight", "expected"),
    [(0.0, 20.0), (0.1, 20.0), (0.2, 20.0), (0.3, 35.0), (0.35, 42.5), (0.4, 50.0), (0.7, 55.0), (1.0, 60.0)],
)
def test_between_the_weights_that_were_fitted_confidence_is_between_theirs(weight: float, expected: float) -> None:
    fitted = [(0.2, 20.0), (0.4, 50.0), (1.0, 60.0)]
    curves = [Curve(weight=at, scores=(0.0, 1.0), confidences=(value, value)) for at, value in fitted]
    assert scale_of(calibration_of(*curves), weight).confidence(0.5) == pytest.approx(expected, abs=0.05)


def test_beyond_the_last_score_confidence_stays_and_has_one_digit() -> None:
    scale = scale_of(linear_calibration(low=0.1, high=0.8), 0.5)
    assert [scale.confidence(score) for score in (-1.0, 0.1, 0.2, 0.45, 0.8, 1.0)] == [
        0.0,
        0.0,
        14.3,
        50.0,
        100.0,
        100.0,
    ]
