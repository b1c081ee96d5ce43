"""What a space may be built of, checked before any work begins."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.conf import settings
from django.db import transaction

from recommender.encoder.store import find_encoder
from recommender.evaluation.labels import UnknownLabels, checked_labels
from recommender.index import lifecycle
from recommender.index.base import UnknownCombination
from recommender.index.registry import vector_index
from recommender.locks import hold_spaces
from recommender.models import Encoder, Space
from recommender.projection.fit import learned_limit

DEFAULT_DIMENSIONS = {Space.Kind.PCA: 256, Space.Kind.LEARNED: 128}
MOST_NEIGHBOURS = 100
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_LONGEST_NAME = 100


class InvalidSpace(ValueError):
    """A space that cannot be built as asked; the text says what would."""


@dataclass(frozen=True, kw_only=True)
class SpaceOptions:
    """`dimensions` None: all of the encoder (`none`), 256 (`pca`), 128 (`learned`), or as many as there are.

    `labels` "": category for `learned`, and nothing to judge by but category for others.
    """

    encoder: Encoder
    projection: str = Space.Kind.NONE
    dimensions: int | None = None
    labels: str = ""
    augment: int = 0
    metric: str = Space.Metric.COSINE
    index: str = Space.Index.HNSW
    parameters: Mapping[str, int] = field(default_factory=dict)


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
    dimensions = _dimensions(options)
    try:
        if labels:
            checked_labels(labels)
        vector_index().check(
            metric=options.metric, index=options.index, dimensions=dimensions, parameters=options.parameters
        )
    except (UnknownLabels, UnknownCombination) as error:
        raise InvalidSpace(str(error)) from error
    return {
        "encoder_id": options.encoder.pk,
        "projection": projection,
        "dimensions": dimensions,
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
                return _same(space, fields)
        else:
            same = {key: value for key, value in fields.items() if key != "parameters"}
            for space in Space.objects.filter(**same).order_by("-pk"):
                if unfinished(space) and space.asked_parameters == fields["parameters"]:
                    return space
        space = Space(name=name or _free_name(fields), **fields)
        space.save()
        lifecycle.create(space)
    return space


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


def _same(space: Space, fields: Mapping[str, object]) -> Space:
    if not unfinished(space):
        raise InvalidSpace(f"there is a space {space.name} already ({space.state}): choose another --name")
    different = [key for key, value in fields.items() if key != "parameters" and getattr(space, key) != value]
    if space.asked_parameters != fields["parameters"]:
        different.append("parameters")
    if different:
        raise InvalidSpace(
            f"space {space.name} is being built with other {different[0].removesuffix('_id')}: "
            f"`spaces build --resume {space.name}` goes on with it, or choose another --name"
        )
    return space


def _dimensions(options: SpaceOptions) -> int:
    most = options.encoder.dimensions
    if options.projection == Space.Kind.NONE:
        if options.dimensions not in (None, most):
            raise InvalidSpace(
                f"projection none keeps all {most} dimensions of {options.encoder.name}: leave --dims out, or use pca"
            )
        return most
    if options.projection == Space.Kind.LEARNED:
        most = learned_limit(most)
    if options.dimensions is None:
        return min(most, DEFAULT_DIMENSIONS[Space.Kind(options.projection)])
    if not 1 <= options.dimensions <= most:
        raise InvalidSpace(
            f"--dims {options.dimensions}: {options.projection} of {options.encoder.name} has 1 to {most}"
        )
    return options.dimensions


def _free_name(fields: Mapping[str, object]) -> str:
    """Such as pca-256, learned-128, plain; with a number where that is taken, by a retired space too."""
    none = fields["projection"] == Space.Kind.NONE
    base = "plain" if none else f"{fields['projection']}-{fields['dimensions']}"
    base += f"-augmented-{fields['augment']}" if fields["augment"] else ""
    base += "" if fields["metric"] == Space.Metric.COSINE else f"-{fields['metric']}"
    base += "" if fields["index"] == Space.Index.HNSW else f"-{fields['index']}"
    taken = set(Space.objects.filter(name__startswith=base).values_list("name", flat=True))
    number = 2
    name = base
    while name in taken:
        name, number = f"{base}-{number}", number + 1
    return name
