"""Closed-form fits: centred PCA without whitening, learned whitening, and the random rotation of a binary index.

Learned whitening (Mikolajczyk & Matas 2007, as used for retrieval by Radenović et al. 2018): the within-class
covariance, shrunk toward its mean variance, is inverted to its square root, and the result is put through PCA.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recommender.projection.apply import Projection
from recommender.projection.statistics import Moments, Statistics

# Dimensions and shrinkage of the two parts of `learned`: the first knows the classes it was fitted on best, the second
# keeps what classes not seen need. Together they beat either on a clothing catalogue and on one of 81 fine classes.
LEARNED_PARTS = ((64, 0.1), (512, 0.3))
_ROTATION_SEED = 20_260


def fit_pca(statistics: Statistics, dimensions: int) -> Projection:
    """The leading `dimensions` principal axes of centred unit features, their variances kept as they are."""
    return _projection(statistics, _leading(statistics.covariance(), dimensions))


def fit_learned(statistics: Statistics, dimensions: int) -> Projection:
    """Both parts of LEARNED_PARTS side by side, √½ each, then centred PCA to `dimensions`.

    The whole is one matrix: covariances of linear images are C → Mᵀ C M, so no second pass over the photos is needed.
    Each part is brought to mean square length 1 over the gallery. Raises ValueError where no class has two photos, or
    where the photos of each class are all alike.
    """
    total, within = statistics.covariance(), statistics.within()
    values, axes = np.linalg.eigh(within)
    values = np.maximum(values, 0)
    if not values.mean() > 1e-12:
        raise ValueError("the photos of each class are all alike: there is nothing to learn from")
    parts = []
    for size, shrinkage in LEARNED_PARTS:
        shrunk = (1 - shrinkage) * values + shrinkage * values.mean()
        whitening = (axes / np.sqrt(shrunk)) @ axes.T
        part = whitening @ _leading(whitening @ total @ whitening, min(size, len(total)))
        length = np.sqrt(np.trace(part.T @ total @ part))
        parts.append(part * (np.sqrt(0.5) / max(length, 1e-12)))
    both = np.hstack(parts)
    return _projection(statistics, both @ _leading(both.T @ total @ both, dimensions))


def learned_limit(dimensions: int) -> int:
    """The most dimensions that `learned` has, of features of so many dimensions."""
    return sum(min(size, dimensions) for size, _ in LEARNED_PARTS)


def random_rotation(dimensions: int) -> NDArray[np.float32]:
    """A fixed random rotation, float32 (d, d): it spreads the variance, so that every sign bit says as much."""
    gaussian = np.random.default_rng(_ROTATION_SEED).standard_normal((dimensions, dimensions))
    q, r = np.linalg.qr(gaussian)
    rotation: NDArray[np.float32] = (q * np.sign(np.diag(r))).astype(np.float32)
    return rotation


def rotated(projection: Projection, dimensions: int) -> Projection:
    """The same projection with the fixed rotation folded in: cosines stay, signs are spread."""
    rotation = random_rotation(dimensions)
    if projection.matrix is None:
        return Projection(mean=projection.mean, matrix=rotation)
    return Projection(mean=projection.mean, matrix=projection.matrix @ rotation)


def _projection(statistics: Statistics, matrix: Moments) -> Projection:
    return Projection(mean=statistics.mean.astype(np.float32), matrix=matrix.astype(np.float32))


def _leading(covariance: Moments, count: int) -> Moments:
    """The `count` eigenvectors of the largest eigenvalues, as columns; the largest entry of each is positive."""
    axes = np.linalg.eigh(covariance)[1][:, ::-1][:, :count]
    largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=0)[None], axis=0)
    leading: Moments = axes * np.sign(largest)
    return leading
