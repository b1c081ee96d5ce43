"""The space that learned from labels beside PCA, on photos that neither fit has seen; by exact comparison.

The fits are those of the training sides, which the product judges by, too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.bench.relevance.figures import METRICS
from recommender.bench.relevance.labelled import classes_by_label
from recommender.encoder.stored_features import features_of
from recommender.evaluation.labels import LabelledPhotos, read_photos
from recommender.evaluation.rank import Contestant, relevant_of, score, scored
from recommender.evaluation.scores import Scores, interval, rounded
from recommender.models import Space
from recommender.projection.apply import judged_projection_of
from recommender.records.fit import Fit

PARTS = ("all", "seen", "unseen")


def compare(pca: Space, learned: Space) -> dict[str, Any]:
    """By label of the learned space, and by all of them together: `queries`, the figures of each contestant and the `gain`
    in mAP@50 of the learned shape part over PCA's, over all queries, and over those of classes (of all labels together)
    that the judged fit knew or did not know.
    """
    everyone = read_photos(encoders=[pca.encoder_id], labels=learned.labels)
    held = np.isin(everyone.image_ids, _held_out(pca)) & np.isin(everyone.image_ids, _held_out(learned))
    photos = everyone.taken(held)
    ranked = _ranked(_vectors(pca, learned, photos.image_ids), photos.groups)
    seen, unseen = _known(photos, learned)
    found: dict[str, Any] = {}
    for label, classes in classes_by_label(photos, learned.labels).items():
        rows = np.arange(len(photos))
        queries = np.flatnonzero((classes >= 0) & (relevant_of(rows, classes, photos.groups) > 0))
        if not len(queries):
            continue
        scores = {
            name: scored(answers[queries], queries=queries, classes=classes, groups=photos.groups)
            for name, answers in ranked.items()
        }
        masks = dict(zip(PARTS, (np.ones(len(queries), bool), seen[queries], unseen[queries]), strict=True))
        groups = photos.groups[queries]
        found[label] = {part: _part(scores, groups, mask) for part, mask in masks.items() if mask.any()}
    return {"photos": len(photos), "labels": found}


def _ranked(vectors: dict[str, NDArray[np.float32]], groups: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    """What each contestant answers every photo with: rows int64 (photos, 50)."""
    everyone = np.arange(len(groups))
    anything = np.zeros(len(groups), np.int32)
    return {
        name: score(Contestant(name, rows), queries=everyone, classes=anything, groups=groups).ranked
        for name, rows in vectors.items()
    }


def _part(scores: dict[str, Scores], groups: NDArray[np.int64], mask: NDArray[np.bool_]) -> dict[str, Any]:
    gain = scores["learned"].values["map@50"] - scores["pca"].values["map@50"]
    return {
        "queries": int(mask.sum()),
        "gain": list(rounded(interval(gain[mask], groups[mask]))),
        "contestants": {
            name: {metric: list(rounded(interval(one.values[metric][mask], groups[mask]))) for metric in METRICS}
            for name, one in scores.items()
        },
    }


def _vectors(pca: Space, learned: Space, image_ids: NDArray[np.int64]) -> dict[str, NDArray[np.float32]]:
    """By contestant; those with colours weigh them as their space does."""
    _, features = features_of(pca.encoder_id, image_ids)
    found = {}
    for name, space in (("pca", pca), ("learned", learned)):
        projection = judged_projection_of(space)
        found[name] = replace(projection, colour=None)(features)
        if projection.colour is not None:
            found[f"{name}+colour"] = projection(features)
    return found


def _held_out(space: Space) -> NDArray[np.int64]:
    return np.array((space.fit or Fit()).held_out or (), np.int64)


def _known(photos: LabelledPhotos, learned: Space) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Masks bool (photos,): of a class that the judged fit knew, of one that it did not; unlabelled photos are in neither."""
    known = set((learned.fit or Fit()).judged_classes or ())
    knew = np.array([name in known for name in photos.names], bool)
    labelled = photos.classes >= 0
    seen = labelled & knew[np.maximum(photos.classes, 0)] if len(knew) else labelled
    return seen, labelled & ~seen
