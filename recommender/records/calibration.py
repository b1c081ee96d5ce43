"""What the scores of a space mean in per cent, as its row keeps it in `calibration`.

A key that this version does not know is kept in `rest` and written back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from recommender.records.reading import JsonObject, Wrong, many, moment, number, read_record, text, whole

# What a confidence is: the share of answers of that score that have the query's label, or where the score stands among those
# of the catalogue's own answers.
LABELS, PERCENTILE = "labels", "percentile"


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Confidences 0 to 100, never falling, by rising score; between two of them straight, beyond the last as there.

    `weight`: of colour in the scores, 0 to 1. `error`: expected calibration error on queries that the curve was not fitted
    on, 0 to 1; None of a percentile, which claims nothing about labels.
    """

    weight: float
    scores: tuple[float, ...]
    confidences: tuple[float, ...]
    error: float | None = None
    rest: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: object) -> Curve:
        """Raises recommender.records.reading.Wrong."""
        given = JsonObject(value)
        scores, confidences = given.need("scores", many(number)), given.need("confidences", many(number))
        if not scores or len(confidences) != len(scores):
            raise Wrong("as many numbers as there are scores", len(confidences), "confidences")
        for name, one in (("scores", scores), ("confidences", confidences)):
            if list(one) != sorted(one):
                raise Wrong("rising numbers", one, name)
        return cls(
            weight=given.need("weight", number),
            scores=scores,
            confidences=confidences,
            error=given.may("error", number),
            rest=given.rest,
        )

    def as_json(self) -> dict[str, object]:
        """The object that `from_json` reads."""
        return {
            "weight": self.weight,
            "scores": list(self.scores),
            "confidences": list(self.confidences),
            "error": self.error,
            **self.rest,
        }


@dataclass(frozen=True, kw_only=True)
class Bin:
    """Answers of about one confidence: their mean confidence and the share of them that have the query's label, both 0 to 1."""

    answers: int
    confidence: float
    share: float
    rest: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: object) -> Bin:
        """Raises recommender.records.reading.Wrong."""
        given = JsonObject(value)
        return cls(
            answers=given.need("answers", whole),
            confidence=given.need("confidence", number),
            share=given.need("share", number),
            rest=given.rest,
        )

    def as_json(self) -> dict[str, object]:
        """The object that `from_json` reads."""
        return {"answers": self.answers, "confidence": self.confidence, "share": self.share, **self.rest}


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """`basis`: LABELS or PERCENTILE. `labels`: by which two photos are alike, "" of a percentile.

    `photos`: that were searched when it was fitted. `queries`, `judged_queries`: those it was fitted on, and others, on which
    `reliability` was measured at the space's own weight of colour: a bin for each tenth of the confidences that occur.
    `answers_share`, `pairs_share`: how many of their answers, and of all pairs of photos, have the same label, 0 to 1; what a
    confidence is to be compared with. None, and no bins, of a percentile. `unseen_error`: of a learned space, the error on photos
    that its fit has not seen. `curves`: one or more, by rising weight.
    """

    basis: str
    labels: str
    fitted_at: datetime
    photos: int
    queries: int
    judged_queries: int
    curves: tuple[Curve, ...]
    reliability: tuple[Bin, ...] = ()
    answers_share: float | None = None
    pairs_share: float | None = None
    unseen_error: float | None = None
    rest: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: object) -> Calibration:
        """Raises recommender.records.reading.Wrong."""
        given = JsonObject(value)
        curves = given.need("curves", many(Curve.from_json))
        if not curves or [one.weight for one in curves] != sorted({one.weight for one in curves}):
            raise Wrong("curves of rising weight", [one.weight for one in curves], "curves")
        return cls(
            basis=given.need("basis", text),
            labels=given.need("labels", text),
            fitted_at=given.need("fitted_at", moment),
            photos=given.need("photos", whole),
            queries=given.need("queries", whole),
            judged_queries=given.need("judged_queries", whole),
            curves=curves,
            reliability=given.may("reliability", many(Bin.from_json)) or (),
            answers_share=given.may("answers_share", number),
            pairs_share=given.may("pairs_share", number),
            unseen_error=given.may("unseen_error", number),
            rest=given.rest,
        )

    def as_json(self) -> dict[str, object]:
        """The object that `from_json` reads."""
        return {
            "basis": self.basis,
            "labels": self.labels,
            "fitted_at": self.fitted_at.isoformat(),
            "photos": self.photos,
            "queries": self.queries,
            "judged_queries": self.judged_queries,
            "curves": [one.as_json() for one in self.curves],
            "reliability": [one.as_json() for one in self.reliability],
            "answers_share": self.answers_share,
            "pairs_share": self.pairs_share,
            "unseen_error": self.unseen_error,
            **self.rest,
        }


def read_calibration(value: object, *, space: str) -> Calibration | None:
    """The record of `Space.calibration`; None of an empty object: nothing is fitted yet. Raises MalformedRecord."""
    if value == {}:
        return None
    remedy = f"fit it anew with `spaces evaluate {space}`"
    return read_record(Calibration.from_json, value, place=f"space {space}, calibration", remedy=remedy)
