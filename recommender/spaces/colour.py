"""The colour part of a space: whether it has one, of how many dimensions, and how much colour weighs in a score."""

from __future__ import annotations

from dataclasses import dataclass

from recommender.encoder.colour import fixed_colour_basis
from recommender.models import Encoder, Space

# Of 4,000 packshots, ten answers without labels: how often they share type and colour, against the shape part alone, and
# what that costs in type. Weight .15: × 1.34, −.012; .2: × 1.41, −.019; .25: × 1.45, −.030. With a basis that was fitted
# on nothing the same is reached later: .3: × 1.36, −.018.
WEIGHT = 0.2
UNFITTED_WEIGHT = 0.3
LEAST_WEIGHT, MOST_WEIGHT = 0.01, 0.99
DIMENSIONS = 64
# Of a vector of fewer dimensions than this the colour part is a quarter.
WHOLE = 256
_DROP = "leave --color-weight and --color-dims out"


class UnknownColourPart(ValueError):
    """A colour part that a space cannot have; the text names the option and what would do."""


@dataclass(frozen=True, kw_only=True)
class ColourPart:
    """`dimensions` 0: none. `weight`: the share of colour in a score, 0 to 1."""

    dimensions: int = 0
    weight: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Around:
    """What a colour part depends on. `whole`: dimensions of the whole vector, of `none` those that are usual."""

    encoder: Encoder
    projection: str
    metric: str
    index: str
    augment: int
    whole: int


def colour_part(around: Around, *, weight: float | None, dimensions: int | None) -> ColourPart:
    """The colour part that was asked for, or that is usual where both are None. Raises UnknownColourPart."""
    if weight == 0 and dimensions is None:
        return ColourPart()
    asked = weight is not None or dimensions is not None
    objection = why_not(around)
    if asked and objection:
        name = f"--color-weight {weight:g}" if weight is not None else f"--color-dims {dimensions}"
        raise UnknownColourPart(f"{name}: {objection}, or {_DROP}")
    if not asked and (objection or around.projection == Space.Kind.NONE):
        return ColourPart()
    if weight is None:
        weight = usual_weight(around.projection)
    if not LEAST_WEIGHT <= weight <= MOST_WEIGHT:
        raise UnknownColourPart(
            f"--color-weight {weight:g}: a weight is a number from {LEAST_WEIGHT} to {MOST_WEIGHT}; 0 means no colour part"
        )
    if dimensions is None:
        dimensions = min(around.whole * DIMENSIONS // WHOLE, DIMENSIONS, _most_dimensions(around))
        if dimensions < 1:  # a vector of one to three dimensions has no quarter
            if asked:
                raise UnknownColourPart(f"--dims {around.whole}: two parts want 4 dimensions and more, or {_DROP}")
            return ColourPart()
    if not 1 <= dimensions <= _most_dimensions(around):
        raise UnknownColourPart(
            f"--color-dims {dimensions}: the colour part of {around.projection} has 1 to {_most_dimensions(around)}; "
            "--color-weight 0 means no colour part"
        )
    return ColourPart(dimensions=dimensions, weight=weight)


def usual_weight(projection: str) -> float:
    """The weight of colour where none is asked for, of a space that may have colours."""
    return UNFITTED_WEIGHT if projection in Space.UNFITTED else WEIGHT


def why_not(around: Around) -> str:
    """Why parts have no exact meaning there and what to do; "" where they have."""
    if not around.encoder.colour_bins:
        return f"encoder {around.encoder.name} counts no colours: `compile_encoder` and `spaces upgrade` bring one that does"
    if around.metric != Space.Metric.COSINE:
        return f"by metric {around.metric} a score is no weighted sum of parts: use --metric cosine"
    if around.index == Space.Index.BINARY:
        return "a binary index keeps signs, which know no weights: use --index hnsw"
    if around.augment:
        return "an augmented vector is averaged as a whole, which mixes the weights of its parts: use --augment 0"
    return ""


def _most_dimensions(around: Around) -> int:
    if around.projection in Space.UNFITTED:
        return int(fixed_colour_basis()[1].shape[1])
    return around.encoder.colour_bins
