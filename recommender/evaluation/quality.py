"""The figures of a judgement that are kept on the space, shown in lists and asked by the guard."""

from __future__ import annotations

import numpy as np
from django.utils import timezone
from numpy.typing import NDArray

from recommender.evaluation.judging import Judgement
from recommender.evaluation.scores import interval, rounded, summary
from recommender.records.quality import ClassFigures, Quality
from recommender.records.reading import Interval

MOST_LABELS = 200


def quality_of(judgement: Judgement, *, ann_recall: float | None = None) -> Quality:
    """The figures of a judgement; `ann_recall` is that of the index, measured apart."""
    parts = _parts(judgement)
    systems = {
        name: {part: summary(scores, judgement.groups, rows) for part, rows in parts.items() if rows.any()}
        for name, scores in judgement.scores.items()
    }
    return Quality(
        judged_at=timezone.now(),
        signature=judgement.signature,
        judged_by=judgement.labels,
        active=judgement.rival.name if judgement.rival else None,
        photos=len(judgement.photos),
        queries={part: int(rows.sum()) for part, rows in parts.items()},
        training_photos=judgement.fitted_on,
        known_share=round(judgement.known_share, 4),
        systems=systems,
        differences={
            other: {part: difference(judgement, other, rows) for part, rows in parts.items() if rows.any()}
            for other in judgement.scores
            if other != "space"
        },
        labels=_by_label(judgement),
        labels_left_out=_left_out(judgement),
        ann_recall=None if ann_recall is None else round(ann_recall, 4),
    )


def difference(judgement: Judgement, other: str, rows: NDArray[np.bool_]) -> Interval:
    """Paired mAP@50 of the space less another contestant's, over the queries of the mask; of shapes alone: of its own."""
    own = "shape" if other == "active_shape" else "space"
    gain = judgement.scores[own].values["map@50"] - judgement.scores[other].values["map@50"]
    return rounded(interval(gain[rows], judgement.groups[rows]))


def _parts(judgement: Judgement) -> dict[str, NDArray[np.bool_]]:
    parts = {"overall": np.ones(len(judgement.queries), bool)}
    if judgement.seen is not None:
        parts |= {"seen": judgement.seen, "unseen": ~judgement.seen}
    return parts


def _left_out(judgement: Judgement) -> int:
    asked = len(np.unique(judgement.photos.classes[judgement.queries]))
    return max(0, asked - MOST_LABELS) if judgement.scores else 0


def _by_label(judgement: Judgement) -> dict[str, ClassFigures]:
    """The largest classes, by how many queries they have."""
    if not judgement.scores:
        return {}
    classes = judgement.photos.classes[judgement.queries]
    counts = np.bincount(classes, minlength=len(judgement.photos.names))
    found: dict[str, ClassFigures] = {}
    for code in np.argsort(-counts, kind="stable")[:MOST_LABELS]:
        rows = classes == code
        if not rows.any():
            break
        systems = {name: summary(scores, judgement.groups, rows) for name, scores in judgement.scores.items()}
        seen = None if judgement.seen is None else bool(judgement.seen[rows][0])
        found[judgement.photos.names[code]] = ClassFigures(queries=int(counts[code]), seen=seen, systems=systems)
    return found
