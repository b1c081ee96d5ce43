"""Compiled encoders in Postgres, where every machine fetches the same bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from numpy.typing import NDArray

from catalog.locks import Lock, hold_until_commit
from recommender.encoder.recipes import CURRENT, RECIPES
from recommender.encoder.registry import EncoderSpec, encoder_spec
from recommender.models import Encoder

# Megabytes that only serving needs; `Encoder.objects.defer(*HEAVY)` leaves them where they are. HEAVY_JOINED: the same of a
# row that is selected with its encoder.
HEAVY = ("compiled", "basis", "check_pixels", "check_photos", "check_features")
HEAVY_JOINED = tuple(f"encoder__{name}" for name in HEAVY)


class EncoderNotCompiled(LookupError):
    """No compiled encoder answers the settings; the text says how to make one."""


@dataclass(frozen=True, kw_only=True)
class CompiledEncoder:
    """What compiling gives: the LiteRT file, and the check vectors that prove whoever serves it.

    `check_photos`: n files, `check_features` float32 (n, row width). `basis`: float32 (dimensions, columns) of the
    classifier, strongest axis first, or None where the weights hold no classifier. `least_cosine` and `median_cosine`:
    agreement with the Keras model on the pictures it was checked on; None for a file that an earlier compile checked.
    """

    spec: EncoderSpec
    weights: str
    pooling: str
    source: str
    compiled: bytes = field(repr=False)
    check_photos: Sequence[bytes] = field(repr=False)
    check_features: NDArray[np.float32] = field(repr=False)
    basis: NDArray[np.float32] | None = field(repr=False)
    least_cosine: float | None
    median_cosine: float | None
    recipe: int = CURRENT

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.compiled).hexdigest()


def current_encoder() -> Encoder:
    """The newest compile of the encoder that the settings name, by the current recipe, its heavy fields deferred.

    Raises EncoderNotCompiled, and UnknownEncoder for a name the registry does not hold.
    """
    return find_encoder(settings.ENCODER)


def find_encoder(name: str) -> Encoder:
    """The newest compile of `efficientnet-lite0` by the current recipe, or exactly `efficientnet-lite0@1`, of whatever recipe.

    Weights and pooling are as set. Raises EncoderNotCompiled and UnknownEncoder.
    """
    spec = encoder_spec(name)
    rows: QuerySet[Encoder] = Encoder.objects.defer(*HEAVY).filter(pooling=settings.ENCODER_POOLING)
    if "@" in name:
        rows = rows.filter(name=name)
    else:
        rows = rows.filter(name__startswith=f"{spec.name}@", weights=settings.ENCODER_WEIGHTS, recipe=CURRENT)
    row = rows.order_by("-created_at", "-id").first()
    if row is None:
        raise EncoderNotCompiled(
            f"encoder {name} ({settings.ENCODER_WEIGHTS} weights, {settings.ENCODER_POOLING} pooling) is not compiled: "
            f"run `manage.py compile_encoder {spec.name}`"
        )
    return row


def compiled_from(source: str) -> Encoder | None:
    """The encoder that was compiled from exactly this source, if there is one."""
    return Encoder.objects.defer(*HEAVY).filter(source=source).first()


def save_encoder(made: CompiledEncoder) -> Encoder:
    """Store a compiled encoder, or find the equal one that another machine stored meanwhile: one row either way."""
    with transaction.atomic():
        hold_until_commit(Lock.ENCODER_VERSIONS)
        if (row := compiled_from(made.source)) is not None:
            return row
        same_file = Encoder.objects.defer(*HEAVY).filter(sha256=made.sha256, recipe=made.recipe)
        if (row := same_file.filter(pooling=made.pooling).first()) is not None:
            row.weights, row.source = made.weights, made.source
            row.save(update_fields=["weights", "source"])
            return row
        other_pooling = same_file.first()
        return Encoder.objects.create(
            name=other_pooling.name if other_pooling else _next_version(made.spec.name),
            weights=made.weights,
            source=made.source,
            sha256=made.sha256,
            precision=made.spec.precision,
            pooling=made.pooling,
            recipe=made.recipe,
            side=made.spec.side,
            dimensions=made.spec.dimensions,
            colour_bins=RECIPES[made.recipe].colour_bins,
            compiled=made.compiled,
            basis=None if made.basis is None else made.basis.tobytes(),
            check_pixels=b"",
            check_photos=list(made.check_photos),
            check_features=made.check_features.tobytes(),
        )


def _next_version(name: str) -> str:
    names = Encoder.objects.filter(name__startswith=f"{name}@").values_list("name", flat=True)
    return f"{name}@{1 + max((int(taken.rpartition('@')[2]) for taken in names), default=0)}"
