"""The projections of a space in its row: those that need no fit, and writing fitted ones."""

from __future__ import annotations

import numpy as np

from recommender.encoder.colour import fixed_colour_basis
from recommender.models import Space
from recommender.projection.apply import PartedProjection, Projection

# The fields of a row that `set_projections` writes.
PROJECTIONS = tuple(
    f"{side}{part}{name}" for side in ("", "judged_") for part in ("", "colour_") for name in ("mean", "matrix")
)


def unfitted_projection(space: Space) -> PartedProjection:
    """That of a kind which is the same whatever photos there are: the features as they are (`none`), or their leading
    axes by the encoder's own classifier (`basis`); and beside them, where the space has colours, the fixed colour basis."""
    encoder = space.encoder
    matrix = None
    if space.projection == Space.Kind.BASIS:
        assert encoder.basis is not None  # the options of the space were checked
        basis = np.frombuffer(bytes(encoder.basis), np.float32).reshape(encoder.dimensions, -1)
        matrix = basis[:, : space.shape_dimensions]
    colour = None
    if space.colour_dimensions:
        mean, axes = fixed_colour_basis()
        colour = Projection(mean=mean, matrix=axes[:, : space.colour_dimensions])
    return PartedProjection(
        shape=Projection(matrix=matrix),
        shape_features=encoder.dimensions,
        colour=colour,
        colour_weight=space.colour_weight,
    )


def set_projections(space: Space, *, served: PartedProjection, judged: PartedProjection | None) -> None:
    """Write both into the fields of PROJECTIONS, unsaved; `judged` None: the space is judged by the served one."""
    for prefix, projection in (("", served), ("judged_", judged)):
        parts = {"": projection and projection.shape, "colour_": projection and projection.colour}
        for part, one in parts.items():
            for name in ("mean", "matrix"):
                values = None if one is None else getattr(one, name)
                setattr(space, f"{prefix}{part}{name}", None if values is None else values.tobytes())
    space.__dict__.pop("_projection", None)
    space.__dict__.pop("_judged_projection", None)
