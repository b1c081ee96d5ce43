"""What a space is compared with, and the vectors of each: fits that never saw the photos that judge."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recommender.encoder.stored_features import batches, features_of
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
    """`space`, `active` (the rival, where there is one), `pca`, `plain`, `histogram`; rows as `judged_ids`."""
    features = _all_features(space.encoder_id, judged_ids)
    found = [_of_space("space", space, features)]
    if rival is not None:
        same = rival.encoder_id == space.encoder_id
        found.append(_of_space("active", rival, features if same else _all_features(rival.encoder_id, judged_ids)))
    statistics = _statistics(space, training_ids)
    if statistics.count > 1:
        # Dimensions and augmentation as good as the space's: it must win by what it learned alone.
        dimensions = min(max(space.dimensions, PCA_DIMENSIONS), statistics.count - 1, space.encoder.dimensions)
        vectors = fit_pca(statistics, dimensions)(features)
        found.append(Contestant("pca", vectors, metric=space.metric, augment=space.augment))
    found.append(Contestant("plain", unit(features)))
    found.append(Contestant("histogram", colour_histograms(judged_ids, progress=progress)))
    return found


def _of_space(name: str, space: Space, features: NDArray[np.float32]) -> Contestant:
    return Contestant(name, judged_projection_of(space)(features), metric=space.metric, augment=space.augment)


def _all_features(encoder_id: int, image_ids: NDArray[np.int64]) -> NDArray[np.float32]:
    """Rows float32 (photos, n); of a photo deleted since its label was read: zeros."""
    known, rows = features_of(encoder_id, image_ids)
    if len(known) == len(image_ids):
        return rows
    features = np.zeros((len(image_ids), rows.shape[1]), np.float32)
    features[np.isin(image_ids, known)] = rows
    return features


def _statistics(space: Space, training_ids: NDArray[np.int64]) -> Statistics:
    statistics = Statistics(space.encoder.dimensions)
    drawn = np.random.default_rng(_SEED).permutation(training_ids)[:PCA_PHOTOS]
    for _, rows in batches(space.encoder_id, np.sort(drawn)):
        statistics.add(rows)
    return statistics
