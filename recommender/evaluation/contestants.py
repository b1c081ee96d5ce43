"""What a space is compared with, and the vectors of each: fits that never saw the photos that judge."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from recommender.encoder.stored_features import features_of, shape_batches
from recommender.evaluation.histogram import colour_histograms
from recommender.evaluation.rank import Contestant
from recommender.models import Space
from recommender.progress import Progress
from recommender.projection.apply import judged_projection_of, unit
from recommender.projection.fit import fit_pca
from recommender.projection.statistics import Statistics

# The PCA that a learned space must beat is fitted for the occasion, on at most so many photos of the training side.
PCA_PHOTOS = 20_000
PCA_DIMENSIONS = 256
_SEED = 7


def contestants(
    space: Space,
    *,
    rival: Space | None,
    judged_ids: NDArray[np.int64],
    training_ids: NDArray[np.int64],
    progress: Progress,
) -> list[Contestant]:
    """`space`, `active` (the rival, where there is one), `pca`, `plain`, `histogram`; rows as `judged_ids`.

    `pca` has the colour part of the space beside it, if that has one. Where the space has colours, `shape` and `colour` are
    its parts alone. Where it weighs colours unlike the rival, `shape` is there too and `active_shape` is the rival's: labels
    such as categories know no colours, so by them only the shape parts can be compared.
    """
    features = all_features(space.encoder_id, judged_ids)
    shapes = features[:, : space.encoder.dimensions]
    found = [_of_space("space", space, features)]
    unlike = rival is not None and rival.colour_weight != space.colour_weight
    if space.colour_dimensions or unlike:
        found.append(_shape_of("shape", space, features))
    if space.colour_dimensions:
        found.append(_colour_of("colour", space, features))
    if rival is not None:
        same = rival.encoder_id == space.encoder_id
        of_rival = features if same else all_features(rival.encoder_id, judged_ids)
        found.append(_of_space("active", rival, of_rival))
        if unlike:
            found.append(_shape_of("active_shape", rival, of_rival))
    statistics = _statistics(space, training_ids)
    if statistics.count > 1:
        # Dimensions, colours and augmentation as good as the space's: it must win by what it learned alone.
        dimensions = min(max(space.shape_dimensions, PCA_DIMENSIONS), statistics.count - 1, space.encoder.dimensions)
        vectors = replace(judged_projection_of(space), shape=fit_pca(statistics, dimensions))(features)
        found.append(Contestant("pca", vectors, metric=space.metric, augment=space.augment))
    found.append(Contestant("plain", unit(shapes)))
    found.append(Contestant("histogram", colour_histograms(judged_ids, progress=progress)))
    return found


def _of_space(name: str, space: Space, features: NDArray[np.float32]) -> Contestant:
    return Contestant(name, judged_projection_of(space)(features), metric=space.metric, augment=space.augment)


def _shape_of(name: str, space: Space, features: NDArray[np.float32]) -> Contestant:
    vectors = replace(judged_projection_of(space), colour=None)(features)
    return Contestant(name, vectors, metric=space.metric, augment=space.augment)


def _colour_of(name: str, space: Space, features: NDArray[np.float32]) -> Contestant:
    projection = judged_projection_of(space)
    assert projection.colour is not None
    return Contestant(name, projection.colour(features[:, projection.shape_features :]), metric=space.metric)


def all_features(encoder_id: int, image_ids: NDArray[np.int64]) -> NDArray[np.float32]:
    """Rows float32 (photos, n); of a photo deleted since its label was read: zeros."""
    known, rows = features_of(encoder_id, image_ids)
    if len(known) == len(image_ids):
        return rows
    features = np.zeros((len(image_ids), rows.shape[1]), np.float32)
    features[np.isin(image_ids, known)] = rows
    return features


def _statistics(space: Space, training_ids: NDArray[np.int64]) -> Statistics:
    """Of the network's part of the features."""
    statistics = Statistics(space.encoder.dimensions)
    drawn = np.random.default_rng(_SEED).permutation(training_ids)[:PCA_PHOTOS]
    for _, rows in shape_batches(space.encoder_id, np.sort(drawn)):
        statistics.add(rows)
    return statistics
