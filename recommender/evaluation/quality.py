"""The figures of a judgement that are kept on the space, shown in lists and asked by the guard."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from django.utils import timezone
from numpy.typing import NDArray

from recommender.evaluation.judging import Judgement
from recommender.evaluation.scores import Scores, interval, rounded, summary
from recommender.records.quality import ClassFigures, Figures, LabelFigures, Quality
from recommender.records.reading import Interval

MOST_LABELS = 200

Rows = NDArray[np.bool_]  # of the queries
Systems = dict[str, Figures]


def quality_of(judgement: Judgement, *, ann_recall: float | None = None) -> Quality:
    """The figures of a judgement; `ann_recall` is that of the index, measured apart."""
    parts = _parts(judgement)
    return Quality(
        judged_at=timezone.now(),
        signature=judgement.signature,
        judged_by=judgement.labels,
        active=judgement.rival.name if judgement.rival else None,
        photos=len(judgement.photos),
        queries={part: int(rows.sum()) for part, rows in parts.items()},
        training_photos=judgement.fitted_on,
        known_share=round(judgement.known_share, 4),
        systems=_systems(judgement.scores, parts, judgement.groups),
        differences=_differences(judgement.scores, parts, judgement.groups),
        labels=_by_label(judgement),
        labels_left_out=_left_out(judgement),
        each_label={
            label: LabelFigures(
                systems=_systems(scores, parts, judgement.groups),
                differences=_differences(scores, parts, judgement.groups),
            )
            for label, scores in judgement.each_label.items()
        },
        ann_recall=None if ann_recall is None else round(ann_recall, 4),
    )


def _systems(scores: Mapping[str, Scores], parts: Mapping[str, Rows], groups: NDArray[np.int64]) -> dict[str, Systems]:
    return {
        name: {part: summary(one, groups, rows) for part, rows in parts.items() if rows.any()}
        for name, one in scores.items()
    }


def _differences(scores: Mapping[str, Scores], parts: Mapping[str, Rows], groups: NDArray[np.int64]) -> Systems:
    """Paired mAP@50 of the space less that of each other contestant; of shapes alone: of its own shape."""
    return {
        other: {
            part: _difference(scores["shape" if other == "active_shape" else "space"], one, rows, groups)
            for part, rows in parts.items()
            if rows.any()
        }
        for other, one in scores.items()
        if other != "space"
    }


def _difference(own: Scores, other: Scores, rows: Rows, groups: NDArray[np.int64]) -> Interval:
    return rounded(interval((own.values["map@50"] - other.values["map@50"])[rows], groups[rows]))


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
