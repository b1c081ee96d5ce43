"""The space that learned from labels beside PCA, on photos that neither fit has seen; by exact comparison.

The fits are those of the training sides, which the product judges by, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.bench.relevance.figures import METRICS
from recommender.bench.relevance.labelled import with_conjunction
from recommender.encoder.stored_features import features_of
from recommender.evaluation.labels import LabelledPhotos, read_photos
from recommender.evaluation.rank import Contestant, relevant_of, score
from recommender.evaluation.scores import Scores, interval, rounded
from recommender.models import Space
from recommender.projection.apply import judged_projection_of
from recommender.records.fit import Fit

PARTS = ("all", "seen", "unseen")


def compare(pca: Space, learned: Space, labels: Sequence[str]) -> dict[str, Any]:
    """By label, and by all of them together: `queries`, the figures of each contestant and the `gain` in mAP@50 of the
    learned shape part over PCA's, over all queries, and over those of classes that the judged fit knew or did not know.
    """
    encoder = pca.encoder_id
    read = {label: read_photos(encoders=[encoder], labels=label) for label in labels}
    taught = read_photos(encoders=[encoder], labels=learned.labels)
    held = np.flatnonzero(np.isin(taught.image_ids, _held_out(pca)) & np.isin(taught.image_ids, _held_out(learned)))
    groups = taught.groups[held]
    vectors = _vectors(pca, learned, taught.image_ids[held])
    seen, unseen = (mask[held] for mask in _known(taught, learned))
    found: dict[str, Any] = {}
    for label, classes in with_conjunction({name: one.classes[held] for name, one in read.items()}).items():
        everyone = np.arange(len(held))
        queries = np.flatnonzero((classes >= 0) & (relevant_of(everyone, classes, groups) > 0))
        if not len(queries):
            continue
        scores = {
            name: score(Contestant(name, rows), queries=queries, classes=classes, groups=groups)
            for name, rows in vectors.items()
        }
        masks = dict(zip(PARTS, (np.ones(len(queries), bool), seen[queries], unseen[queries]), strict=True))
        found[label] = {part: _part(scores, groups[queries], mask) for part, mask in masks.items() if mask.any()}
    return {"photos": len(held), "labels": found}


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
