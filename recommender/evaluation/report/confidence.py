"""What the confidences of a space go by and how far they are from the truth: for a terminal, and for the page."""

from __future__ import annotations

from recommender.evaluation.report import plots
from recommender.evaluation.report.plots import Plot
from recommender.evaluation.report.tables import table
from recommender.models import Space
from recommender.records.calibration import PERCENTILE, Bin

BAR = 50  # columns of a terminal from 0 to 100 %


def for_terminal(space: Space) -> str:
    """How far confidences are from the truth, with their table and a plot of it; "" while nothing is fitted."""
    found = space.calibrated
    if found is None:
        return ""
    if not found.reliability:
        return sentences(space)
    rows = [
        [
            f"{100 * one.confidence:.1f}",
            f"{100 * one.share:.1f}",
            f"{one.answers:,}",
            _bar(one, base=found.answers_share or 0.0),
        ]
        for one in found.reliability
    ]
    plot = "= alike, | confidence, : base rate".ljust(BAR + 1)
    return "\n".join(["", sentences(space), table(["confidence", "alike, %", "answers", plot], rows), ""])


def _bar(one: Bin, *, base: float) -> str:
    """BAR + 1 characters, 0 to 100 %: a bar as long as the share that is alike, with marks at the base rate and the confidence."""
    bar = list(("=" * round(BAR * one.share)).ljust(BAR + 1))
    for place, mark in ((base, ":"), (one.confidence, "|")):
        bar[round(BAR * min(1.0, max(0.0, place)))] = mark
    return "".join(bar)


def sentences(space: Space) -> str:
    """What confidences go by and their expected calibration error; "" while nothing is fitted."""
    found = space.calibrated
    if found is None:
        return ""
    if found.basis == PERCENTILE:
        return (
            f"Confidence is the percentile of a score among the first 50 answers to {found.queries:,} photos: too few photos "
            "have labels to say what share of answers is alike."
        )
    own = space.colour_weight if space.colour_dimensions else 0.0
    errors = {one.weight: one.error for one in found.curves if one.error is not None}
    fitted = f"Confidence by {found.labels}, fitted on the first 50 answers to {found.queries:,} photos"
    if own not in errors:
        return f"{fitted}; there are no others to judge it."
    others = f" (at most {max(errors.values()):.3f} at other weights of colour)" if len(errors) > 1 else ""
    unseen = (
        ""
        if found.unseen_error is None
        else f" On photos that the learned fit has not seen, such as a shopper's own, it is {found.unseen_error:.3f}."
    )
    return (
        f"{fitted}, judged on those to {found.judged_queries:,} others: expected calibration error {errors[own]:.3f}{others}. "
        f"Base rate: {found.answers_share:.3f} of these answers are alike, and {found.pairs_share:.3f} of all pairs.{unseen}"
    )


def reliability_plot(space: Space) -> Plot | None:
    """The share of answers that are alike over their confidence; None where no labels say it."""
    found = space.calibrated
    if found is None or not found.reliability:
        return None
    return plots.curves(
        {
            "share of answers with the same label": [(one.confidence, one.share) for one in found.reliability],
            "if confidence were the truth": [(0.0, 0.0), (1.0, 1.0)],
            f"base rate, {found.answers_share:.2f}": [(0.0, found.answers_share or 0), (1.0, found.answers_share or 0)],
        },
        title=f"Reliability of confidence by {found.labels}, {found.judged_queries:,} queries it was not fitted on",
        across="confidence / 100",
    )
