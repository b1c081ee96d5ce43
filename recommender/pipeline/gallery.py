"""The gallery: every embedded photo gets its vector in every space of its encoder, active, ready or building, but for those of
placeholders."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
from django.db.models import QuerySet
from numpy.typing import NDArray

from recommender.encoder.store import HEAVY
from recommender.halfvec import half_precision
from recommender.index import stored
from recommender.index.feed import tell_after_commit
from recommender.index.types import VectorRow
from recommender.locks import share_spaces
from recommender.merchandising.placeholders import withheld
from recommender.models import Encoder, Space
from recommender.pipeline.augmentation import augmented
from recommender.projection.apply import project


@dataclass(frozen=True)
class EmbeddedPhoto:
    """A photo and its features, float32 (row width of the encoder,). `digest` names the pixels they come from."""

    image_id: int
    product_id: int
    digest: str
    features: NDArray[np.float32]


@dataclass(frozen=True)
class Prepared:
    """Photos with their vectors (rows of each space, by its id), ready to be stored."""

    encoder: Encoder
    items: Sequence[EmbeddedPhoto]
    rows: dict[int, list[VectorRow]] = field(default_factory=dict)

    def only(self, image_ids: Collection[int]) -> Prepared:
        """Only those photos."""
        items = [item for item in self.items if item.image_id in image_ids]
        rows = {space: [row for row in rows if row.image_id in image_ids] for space, rows in self.rows.items()}
        return Prepared(self.encoder, items, rows)


_spaces: dict[tuple[int, object], Space] = {}


def encoders_in_use() -> list[Encoder]:
    """Encoders of the spaces that are not retired, their heavy fields deferred, by id."""
    in_use = Space.objects.exclude(state=Space.State.RETIRED).values("encoder")
    return list(Encoder.objects.defer(*HEAVY).filter(pk__in=in_use).order_by("pk"))


def prepare(encoder: Encoder, items: Sequence[EmbeddedPhoto]) -> Prepared:
    """Project (and augment) photos for every space of the encoder. Call it outside a transaction."""
    prepared = Prepared(encoder, items)
    for space in _open_spaces(encoder):
        prepared.rows[space.pk] = _rows(space, items)
    return prepared


def store(prepared: Prepared) -> None:
    """Write the vectors inside the caller's transaction; a space that appeared since `prepare` gets them as well.

    Until that transaction ends no space changes its state. Photos that are gone are passed over, and so are those of
    placeholders, which have features alone.
    """
    if not prepared.items:
        return
    share_spaces()
    hidden = withheld([item.digest for item in prepared.items])
    if hidden:
        prepared = prepared.only({item.image_id for item in prepared.items if item.digest not in hidden})
        if not prepared.items:
            return
    for space in _open_spaces(prepared.encoder):
        rows = prepared.rows.get(space.pk)
        if rows is None:
            rows = _rows(space, prepared.items)
        stored.insert(space=space, rows=rows)
        tell_after_commit(space, present=rows)


def fitted(spaces: QuerySet[Space]) -> QuerySet[Space]:
    """Those that have their projection; one whose fit is still to come takes no vectors."""
    return spaces.exclude(fit_summary={})


def _open_spaces(encoder: Encoder) -> list[Space]:
    """Rows with their matrices, read once a process: a fit never changes."""
    wanted = fitted(Space.objects.filter(encoder=encoder).exclude(state=Space.State.RETIRED))
    found = []
    for pk, created_at in wanted.order_by("pk").values_list("pk", "created_at"):
        space = _spaces.get((pk, created_at)) or Space.objects.filter(pk=pk).first()
        if space is not None:
            _spaces[pk, created_at] = space
            found.append(space)
    for key in _spaces.keys() - {(space.pk, space.created_at) for space in found}:
        if _spaces[key].encoder_id == encoder.pk:
            del _spaces[key]
    return found


def _rows(space: Space, items: Sequence[EmbeddedPhoto]) -> list[VectorRow]:
    """Features are rounded as the database keeps them, so that a rebuild gives the same vectors."""
    features = half_precision(np.stack([item.features for item in items]).astype(np.float32))
    vectors = project(space, features)
    if space.augment:
        vectors = augmented(space, vectors, [item.image_id for item in items])
    return [VectorRow(item.image_id, item.product_id, vector) for item, vector in zip(items, vectors, strict=True)]
