"""A judgement as the figures that are kept on the space, shown in lists and asked by the guard."""

from __future__ import annotations

from typing import Any

import numpy as np
from django.utils import timezone
from numpy.typing import NDArray

from recommender.evaluation.judging import Judgement
from recommender.evaluation.scores import interval, summary

_MOST_LABELS = 200


def quality_of(judgement: Judgement, *, ann_recall: float | None = None) -> dict[str, Any]:
    """One JSON object. Every figure is [low, mean, high]: the mean with its 95 % bootstrap interval.

    `systems`: by contestant, over `overall` and, for a learned space, `seen` and `unseen` classes. `differences`: of
    mAP@50, the space's less the other's, over the same queries. `labels`: the same class by class, for the largest;
    `labels_left_out`: how many smaller ones are not listed.
    `ann_recall`: of the index against exact search, which is not relevance.
    """
    parts = _parts(judgement)
    systems = {
        name: {part: summary(scores, judgement.groups, rows) for part, rows in parts.items() if rows.any()}
        for name, scores in judgement.scores.items()
    }
    return {
        "judged_at": timezone.now().isoformat(),
        "signature": judgement.signature,
        "judged_by": judgement.labels,
        "active": judgement.rival.name if judgement.rival else None,
        "photos": len(judgement.photos),
        "queries": {part: int(rows.sum()) for part, rows in parts.items()},
        "training_photos": judgement.fitted_on,
        "known_share": round(judgement.known_share, 4),
        "systems": systems,
        "differences": {
            other: {part: difference(judgement, other, rows) for part, rows in parts.items() if rows.any()}
            for other in judgement.scores
            if other != "space"
        },
        "labels": _by_label(judgement),
        "labels_left_out": _left_out(judgement),
        "ann_recall": None if ann_recall is None else round(ann_recall, 4),
    }


def difference(judgement: Judgement, other: str, rows: NDArray[np.bool_]) -> list[float]:
    """Paired mAP@50 of the space less another contestant's, over the queries of the mask: [low, mean, high]."""
    gain = judgement.scores["space"].values["map@50"] - judgement.scores[other].values["map@50"]
    return interval(gain[rows], judgement.groups[rows]).as_list()


def _parts(judgement: Judgement) -> dict[str, NDArray[np.bool_]]:
    parts = {"overall": np.ones(len(judgement.queries), bool)}
    if judgement.seen is not None:
        parts |= {"seen": judgement.seen, "unseen": ~judgement.seen}
    return parts


def _left_out(judgement: Judgement) -> int:
    asked = len(np.unique(judgement.photos.classes[judgement.queries]))
    return max(0, asked - _MOST_LABELS) if judgement.scores else 0


def _by_label(judgement: Judgement) -> dict[str, dict[str, Any]]:
    """The largest classes, by how many queries they have."""
    if not judgement.scores:
        return {}
    classes = judgement.photos.classes[judgement.queries]
    counts = np.bincount(classes, minlength=len(judgement.photos.names))
    found: dict[str, dict[str, Any]] = {}
    for code in np.argsort(-counts, kind="stable")[:_MOST_LABELS]:
        rows = classes == code
        if not rows.any():
            break
        systems = {name: summary(scores, judgement.groups, rows) for name, scores in judgement.scores.items()}
        seen = None if judgement.seen is None else bool(judgement.seen[rows][0])
        found[judgement.photos.names[code]] = {"queries": int(counts[code]), "seen": seen, "systems": systems}
    return found
