"""What a space may be built of, checked before any work begins."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from django.conf import settings
from django.db import transaction

from recommender.encoder.store import find_encoder
from recommender.evaluation.label_names import UnknownLabels, checked_labels
from recommender.index import lifecycle
from recommender.index.base import UnknownCombination
from recommender.index.registry import vector_index
from recommender.locks import hold_spaces
from recommender.models import Encoder, Space
from recommender.spaces.colour import WHOLE, Around, ColourPart, UnknownColourPart, colour_part, why_not

# Of the whole vector where it has no colour part; with one it has WHOLE.
DEFAULT_DIMENSIONS = {Space.Kind.BASIS: 256, Space.Kind.PCA: 256, Space.Kind.LEARNED: 128}
MOST_NEIGHBOURS = 100
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_LONGEST_NAME = 100


class InvalidSpace(ValueError):
    """A space that cannot be built as asked; the text says what would."""


@dataclass(frozen=True, kw_only=True)
class SpaceOptions:
    """`dimensions`, of the whole vector, None: all of the encoder and the colour part (`none`), 256 (others; `learned`
    without colours 128), or as many as there are.

    `colour_weight`, `colour_dimensions` None: as usual (recommender.spaces.colour); a weight of 0: no colour part.
    `labels` "": category for `learned`, and nothing to judge by but category for others. `automatic`: nobody asked for
    the space, the product makes it by itself.
    """

    encoder: Encoder
    projection: str = Space.Kind.NONE
    dimensions: int | None = None
    colour_weight: float | None = None
    colour_dimensions: int | None = None
    labels: str = ""
    augment: int = 0
    metric: str = Space.Metric.COSINE
    index: str = Space.Index.HNSW
    parameters: Mapping[str, int] = field(default_factory=dict)
    automatic: bool = False


def options_of(space: Space) -> SpaceOptions:
    """The options by which the same space would be built again."""
    return SpaceOptions(
        encoder=space.encoder,
        projection=space.projection,
        dimensions=space.dimensions,
        colour_weight=space.colour_weight,
        colour_dimensions=space.colour_dimensions or None,
        labels=space.labels,
        augment=space.augment,
        metric=space.metric,
        index=space.index,
        parameters=space.asked_parameters,
        automatic=space.automatic,
    )


def encoder_named(name: str | None) -> Encoder:
    """The encoder of the settings, or the newest compile of a name. Raises EncoderNotCompiled, UnknownEncoder."""
    return find_encoder(name or settings.ENCODER)


def checked(options: SpaceOptions) -> dict[str, object]:
    """The fields of the space. Raises InvalidSpace."""
    projection = options.projection
    if projection not in Space.Kind.values:
        raise InvalidSpace(f"there is no projection {projection!r}; use {', '.join(Space.Kind.values)}")
    if not 0 <= options.augment <= MOST_NEIGHBOURS:
        raise InvalidSpace(f"--augment {options.augment}: 0 (none) to {MOST_NEIGHBOURS} neighbours")
    labels = options.labels or ("category" if projection == Space.Kind.LEARNED else "")
    try:
        colour = _colour(options)
        dimensions = _dimensions(options, colour)
        if labels:
            labels = checked_labels(labels)
        vector_index().check(
            metric=options.metric, index=options.index, dimensions=dimensions, parameters=options.parameters
        )
    except (UnknownColourPart, UnknownLabels, UnknownCombination) as error:
        raise InvalidSpace(str(error)) from error
    return {
        "encoder_id": options.encoder.pk,
        "projection": projection,
        "dimensions": dimensions,
        "colour_dimensions": colour.dimensions,
        "colour_weight": colour.weight,
        "labels": labels,
        "augment": options.augment,
        "metric": options.metric,
        "index": options.index,
        "parameters": dict(options.parameters),
    }


def open_space(options: SpaceOptions, *, name: str | None = None) -> Space:
    """The building space of these options: an interrupted one to go on with, or a new row with its empty partition.

    Raises InvalidSpace.
    """
    fields = checked(options)
    if name is not None and (not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME):
        raise InvalidSpace(f"--name {name!r}: letters, digits, - and _ only, at most {_LONGEST_NAME}")
    with transaction.atomic():
        hold_spaces()
        if name:
            space = Space.objects.filter(name=name).first()
            if space is not None:
                return _taken(_same(space, fields), options)
        else:
            for space in spaces_like(options):
                if unfinished(space) and (space.automatic or not options.automatic):
                    return _taken(space, options)
        space = new_space(options, name=name)
        space.save()
        lifecycle.create(space)
    return space


def new_space(options: SpaceOptions, *, name: str | None = None) -> Space:
    """A row of these options, not saved; without `name` it is named by what it is. Raises InvalidSpace."""
    space = Space(automatic=options.automatic, **checked(options))
    space.name = name or _free_name(space)
    return space


def spaces_like(options: SpaceOptions) -> list[Space]:
    """The spaces that were built or are being built by these options, newest first. Raises InvalidSpace."""
    fields = checked(options)
    same = {key: value for key, value in fields.items() if key != "parameters"}
    found = Space.objects.filter(**same).order_by("-pk")
    return [space for space in found if space.asked_parameters == fields["parameters"]]


def resumable(name: str) -> Space:
    """The space that `--resume` names. Raises InvalidSpace."""
    space = Space.objects.filter(name=name).first()
    if space is None:
        raise InvalidSpace(f"there is no space {name!r}; `spaces list` shows them")
    if not unfinished(space):
        raise InvalidSpace(f"space {name} is {space.state}: there is nothing to resume")
    return space


def unfinished(space: Space) -> bool:
    """Not complete yet, or complete and not judged."""
    return space.state == Space.State.BUILDING or (space.state == Space.State.READY and space.judged is None)


def _taken(space: Space, options: SpaceOptions) -> Space:
    """An interrupted space that is gone on with: a person who does so has asked for it."""
    if space.automatic and not options.automatic:
        space.automatic = False
        space.save(update_fields=["automatic"])
    return space


def _as_option(field_name: str) -> str:
    return field_name.removesuffix("_id").replace("colour", "color").replace("_", "-")


def _same(space: Space, fields: Mapping[str, object]) -> Space:
    if not unfinished(space):
        raise InvalidSpace(f"there is a space {space.name} already ({space.state}): choose another --name")
    different = [key for key, value in fields.items() if key != "parameters" and getattr(space, key) != value]
    if space.asked_parameters != fields["parameters"]:
        different.append("parameters")
    if different:
        raise InvalidSpace(
            f"space {space.name} is being built with other {_as_option(different[0])}: "
            f"`spaces build --resume {space.name}` goes on with it, or choose another --name"
        )
    return space


def may_have_colours(options: SpaceOptions) -> bool:
    """Whether a colour part has an exact meaning beside these options."""
    return not why_not(_around(options))


def _colour(options: SpaceOptions) -> ColourPart:
    return colour_part(_around(options), weight=options.colour_weight, dimensions=options.colour_dimensions)


def _around(options: SpaceOptions) -> Around:
    if options.projection == Space.Kind.NONE:
        whole = WHOLE
    elif options.dimensions is None:  # three of four dimensions are of the shape part
        whole = min(WHOLE, _most_of_shape(options) * 4 // 3)
    else:
        whole = options.dimensions
    return Around(
        encoder=options.encoder,
        projection=options.projection,
        metric=options.metric,
        index=options.index,
        augment=options.augment,
        whole=whole,
    )


def _dimensions(options: SpaceOptions, colour: ColourPart) -> int:
    """Of the whole vector."""
    most = _most_of_shape(options) + colour.dimensions
    if options.projection == Space.Kind.NONE:
        if options.dimensions not in (None, most):
            raise InvalidSpace(
                f"projection none keeps all {most} dimensions of {options.encoder.name}: leave --dims out, or use pca"
            )
        return most
    if options.dimensions is None:
        return min(most, WHOLE if colour.dimensions else DEFAULT_DIMENSIONS[Space.Kind(options.projection)])
    if not colour.dimensions < options.dimensions <= most:
        beside = f", {colour.dimensions} of them colour" if colour.dimensions else ""
        raise InvalidSpace(
            f"--dims {options.dimensions}: {options.projection} of {options.encoder.name} has "
            f"{colour.dimensions + 1} to {most}{beside}"
        )
    return options.dimensions


def _most_of_shape(options: SpaceOptions) -> int:
    dimensions = options.encoder.dimensions
    if options.projection == Space.Kind.BASIS:
        if options.encoder.basis is None:
            raise InvalidSpace(
                f"encoder {options.encoder.name} has no basis of its own: use --projection pca, or `spaces upgrade`"
            )
        return len(options.encoder.basis) // np.dtype(np.float32).itemsize // dimensions
    return dimensions


def _free_name(space: Space) -> str:
    """Such as pca-256, learned-128, plain, and what of it is not as usual; with a number where that is taken, by a
    retired space too."""
    base = "plain" if space.projection == Space.Kind.NONE else f"{space.projection}-{space.dimensions}"
    base += _unusual_colour(space)
    base += f"-augmented-{space.augment}" if space.augment else ""
    base += "" if space.metric == Space.Metric.COSINE else f"-{space.metric}"
    base += "" if space.index == Space.Index.HNSW else f"-{space.index}"
    taken = set(Space.objects.filter(name__startswith=base).values_list("name", flat=True))
    number = 2
    name = base
    while name in taken:
        name, number = f"{base}-{number}", number + 1
    return name


def _unusual_colour(space: Space) -> str:
    """`-color-64-30` of 64 dimensions that weigh .30, `-shape` where a usual colour part was declined, "" of a usual space."""
    own = ColourPart(dimensions=space.colour_dimensions, weight=space.colour_weight)
    if own == colour_part(_around(options_of(space)), weight=None, dimensions=None):
        return ""
    return f"-color-{own.dimensions}-{round(100 * own.weight)}" if own.dimensions else "-shape"
