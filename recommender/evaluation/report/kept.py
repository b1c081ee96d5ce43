"""What a page shows of a judgement that was kept: its tables and plots, without the pictures of `evaluate --report`."""

from __future__ import annotations

from typing import Any

from recommender.evaluation.report import confidence, tables
from recommender.evaluation.report.page import held_out
from recommender.models import Space
from recommender.records.quality import Quality


def kept_judgement(space: Space, quality: Quality) -> dict[str, Any]:
    """The context of the report's templates. Raises MalformedRecord."""
    rival = "active" if "active" in quality.systems else "plain"
    return {
        "shrinkage": tables.shrinkage(space),
        "calibration": confidence.sentences(space),
        "reliability": confidence.reliability_plot(space),
        "held_out": held_out(quality, rival) if quality.systems else None,
    }
