"""Closed-form fits: centred PCA without whitening, learned whitening, and the random rotation of a binary index.

Learned whitening (Mikolajczyk & Matas 2007, as used for retrieval by Radenović et al. 2018): with T the total and W the
within-class covariance of unit features of n numbers, W is shrunk toward its mean variance,
W_λ = (1 − λ) W + λ (tr W / n) I, and the features, multiplied by W_λ^−½, are put through PCA. The shrinkage λ is from
above 0 to 1: the smaller, the better are the classes told apart that taught the fit, and the more is lost on others; at
1 the fit is plain PCA.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recommender.projection.apply import Projection
from recommender.projection.statistics import Moments, Statistics

_ROTATION_SEED = 20_260


def fit_pca(statistics: Statistics, dimensions: int) -> Projection:
    """The leading `dimensions` principal axes of centred unit features, their variances kept as they are."""
    return _projection(statistics, leading_axes(statistics.covariance(), dimensions))


def fit_learned(statistics: Statistics, dimensions: int, shrinkage: float) -> Projection:
    """Learned whitening by `shrinkage`, above 0 to 1, then PCA to `dimensions`: one matrix.

    Raises ValueError where no class has two photos, or where the photos of each class are all alike.
    """
    values, axes = axes_of(statistics.within())
    total = axes.T @ statistics.covariance() @ axes
    return _projection(statistics, axes @ whitened_axes(total, values, dimensions, shrinkage))


def axes_of(within: Moments) -> tuple[Moments, Moments]:
    """Variances float64 (n,) within classes, and the axes that have them, orthonormal columns float64 (n, n).

    Raises ValueError where the photos of each class are all alike.
    """
    values, axes = np.linalg.eigh(within)
    values = np.maximum(values, 0)
    if not values.mean() > 1e-12:
        raise ValueError("the photos of each class are all alike: there is nothing to learn from")
    return values, axes


def whitened_axes(
    total: Moments, values: Moments, dimensions: int, shrinkage: float, *, mean_variance: float | None = None
) -> Moments:
    """Learned whitening and PCA, float64 (n, dimensions), in axes along which classes vary by `values` and independently.

    `total`: total covariance in these axes. Covariances of linear images are C → Mᵀ C M, so no second pass over the
    photos is needed. `mean_variance`: toward which `values` are shrunk; None: their mean.
    """
    mean = values.mean() if mean_variance is None else mean_variance
    scale = 1 / np.sqrt((1 - shrinkage) * values + shrinkage * mean)
    matrix: Moments = scale[:, None] * leading_axes(scale[:, None] * total * scale, dimensions)
    return matrix


def leading_axes(covariance: Moments, count: int) -> Moments:
    """The `count` eigenvectors of the largest eigenvalues, as columns; the largest entry of each is positive."""
    axes = np.linalg.eigh(covariance)[1][:, ::-1][:, :count]
    largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=0)[None], axis=0)
    leading: Moments = axes * np.sign(largest)
    return leading


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
