"""Calibrations as a space keeps them, with known curves."""

from __future__ import annotations

from datetime import UTC, datetime

from recommender.records.calibration import LABELS, Calibration, Curve


def calibration_of(*curves: Curve, basis: str = LABELS) -> Calibration:
    """Of those curves, by category."""
    return Calibration(
        basis=basis,
        labels="category" if basis == LABELS else "",
        fitted_at=datetime(2026, 11, 28, 12, tzinfo=UTC),
        photos=100,
        queries=50,
        judged_queries=50,
        curves=curves,
    )


def linear_calibration(*, low: float = -0.5, high: float = 0.9) -> Calibration:
    """0 up to the score `low`, 100 from `high` on, straight between; the same at every weight of colour."""
    return calibration_of(Curve(weight=0.0, scores=(low, high), confidences=(0.0, 100.0)))
