"""Rows of features → vectors of a space: its parts side by side, each one affine map and a unit norm.

A row of features is the network's part v, then, of encoders that count colours, the histogram h. The shape part of a
vector is z = (v/‖v‖ − μ) W, the colour part the same of h with a mean and a matrix of its own. Both are brought to unit
length and multiplied by √(1 − α) and √α, where α is the space's colour weight: so the cosine of two vectors is
(1 − α) · the cosine of their shapes + α · that of their colours, exactly, and the vector has unit length.

A single affine map serves every part, however it was fitted: so the decomposition in `why` stays a sum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.models import Space

Stored = bytes | memoryview | None


@dataclass(frozen=True, eq=False)
class Projection:
    """One part. `mean`: float32 (n,), subtracted from unit features, or None. `matrix`: float32 (n, d), or None for identity."""

    mean: NDArray[np.float32] | None = None
    matrix: NDArray[np.float32] | None = None

    def __call__(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """features float32 (rows, n) → unit rows float32 (rows, d)."""
        result: NDArray[np.float32] = unit(self.linear(unit(features)))
        return result

    def linear(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """(v − μ) W of rows that are normalised already: float32 (rows, n) → (rows, d), not normalised."""
        centred: NDArray[np.float32] = vectors if self.mean is None else vectors - self.mean
        return centred if self.matrix is None else centred @ self.matrix


@dataclass(frozen=True, eq=False)
class PartedProjection:
    """Shape, and colour where `colour` is not None, with the weight of colour in a score (0 to 1).

    `shape_features`: how many numbers of a row of features are the network's part; those after it are the histogram.
    """

    shape: Projection
    shape_features: int
    colour: Projection | None = None
    colour_weight: float = 0.0

    def __call__(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Rows of features float32 (rows, row width) → unit rows float32 (rows, d)."""
        shape = self.shape(rows[:, : self.shape_features])
        if self.colour is None:
            return shape
        colour = self.colour(rows[:, self.shape_features :])
        return beside(shape, colour, self.colour_weight)


def beside(shape: NDArray[np.float32], colour: NDArray[np.float32], colour_weight: float) -> NDArray[np.float32]:
    """Unit parts float32 (…, s) and (…, c) → unit vectors float32 (…, s + c)."""
    weights = np.sqrt(np.array([1 - colour_weight, colour_weight])).astype(np.float32)
    vectors: NDArray[np.float32] = np.concatenate([shape * weights[0], colour * weights[1]], axis=-1)
    return vectors


def unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows float32 (…, n) at length 1; a row of zeros, which no cosine index takes, becomes the diagonal."""
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    if (lengths == 0).any():
        rows = np.where(lengths == 0, np.float32(1), rows)
        lengths = np.where(lengths == 0, np.float32(rows.shape[-1] ** 0.5), lengths)
    result: NDArray[np.float32] = (rows / lengths).astype(np.float32, copy=False)
    return result


def projection_of(space: Space) -> PartedProjection:
    """The projection that a space serves; its bytes are decoded once for each instance of the model."""
    return _decoded(space, "_projection", (space.mean, space.matrix), (space.colour_mean, space.colour_matrix))


def judged_projection_of(space: Space) -> PartedProjection:
    """The projection fitted on the training photos alone, which held-out photos judge.

    That of `none` and `basis`, which are not fitted, is the served one.
    """
    if space.projection in Space.UNFITTED:
        return projection_of(space)
    return _decoded(
        space,
        "_judged_projection",
        (space.judged_mean, space.judged_matrix),
        (space.judged_colour_mean, space.judged_colour_matrix),
    )


def project(space: Space, features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows of features float32 (rows, row width of the encoder) → unit rows float32 (rows, space.dimensions)."""
    return projection_of(space)(features)


def project_query(space: Space, features: NDArray[np.float32]) -> NDArray[np.float32]:
    """A row of features float32 (row width of the encoder,) → unit vector float32 (space.dimensions,)."""
    vector: NDArray[np.float32] = projection_of(space)(features[None, :])[0]
    return vector


def _decoded(space: Space, name: str, shape: tuple[Stored, Stored], colour: tuple[Stored, Stored]) -> PartedProjection:
    kept = space.__dict__.get(name)
    if kept is None:
        of_shape = _part(*shape, dimensions=space.shape_dimensions)
        kept = PartedProjection(
            shape=of_shape,
            shape_features=space.shape_dimensions if of_shape.matrix is None else len(of_shape.matrix),
            colour=_part(*colour, dimensions=space.colour_dimensions) if space.colour_dimensions else None,
            colour_weight=space.colour_weight,
        )
        space.__dict__[name] = kept
    assert isinstance(kept, PartedProjection)
    return kept


def _part(mean: Stored, matrix: Stored, *, dimensions: int) -> Projection:
    return Projection(
        mean=None if mean is None else np.frombuffer(bytes(mean), np.float32),
        matrix=None if matrix is None else np.frombuffer(bytes(matrix), np.float32).reshape(-1, dimensions),
    )
