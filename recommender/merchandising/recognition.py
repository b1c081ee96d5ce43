"""Whether photo files show a picture that is known as a placeholder, or was ruled to be none."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catalog.photos.hashes import PictureHashes
from recommender.encoder.store import HEAVY
from recommender.index.session import rows
from recommender.models import Encoder, Placeholder, PlaceholderFile, Space
from recommender.pictures.hashes import (
    SAME_FROM_COSINE,
    SAME_WITHIN_BITS,
    Hashes,
    bits_apart,
    hashes_by_digest,
    same_picture,
)
from recommender.projection.apply import unit

_BLOCK = 1000  # files whose features are read at a time: 3 MB as the database keeps them

Shapes = Mapping[str, NDArray[np.float32]]

_FEATURES = """
SELECT wanted.digest, known.features FROM unnest(%(digests)s::text[]) AS wanted (digest) CROSS JOIN LATERAL (
    SELECT features FROM recommender_imagefeatures WHERE digest = wanted.digest AND encoder_id = %(encoder)s LIMIT 1
) known
"""


@dataclass(frozen=True)
class _Near:
    """A file whose hashes are near those of a picture's representative file."""

    digest: str
    placeholder_id: int
    representative: str


def recognise(
    encoder: Encoder, hashes: Mapping[str, PictureHashes], features: Mapping[str, NDArray[np.float32]]
) -> None:
    """Note those of the files that show a known picture. Hashes and features (float32 (row width,)) by digest.

    Call it before the files' vectors are written, and outside a transaction.
    """
    if not hashes:
        return
    known = _representatives()
    near = [
        _Near(digest, placeholder_id, representative)
        for digest, of_file in hashes.items()
        for placeholder_id, representative, of_picture in known
        if digest != representative and bits_apart(np.array(of_file, np.uint64), of_picture) <= SAME_WITHIN_BITS
    ]
    if not near:
        return
    own = {digest: unit(row[: encoder.dimensions]) for digest, row in features.items()}
    shapes = shapes_by_digest(encoder, {one.representative for one in near} | {one.digest for one in near} - own.keys())
    note(
        (one.digest, one.placeholder_id)
        for one in near
        if _is_same(shapes.get(one.representative), own.get(one.digest, shapes.get(one.digest)))
    )


def members(encoder: Encoder | None, representative: str, near: Mapping[str, Hashes]) -> set[str]:
    """Those of the files that show the same picture as the representative one, which is of them. `near`: their hashes.

    Files without features of the encoder yet are left out: they are looked at when they have them.
    """
    found = {representative}
    own = near.get(representative)
    others = sorted(near.keys() - found)
    if encoder is None or own is None or not others:
        return found
    shape = shapes_by_digest(encoder, [representative]).get(representative)
    if shape is None:
        return found
    for start in range(0, len(others), _BLOCK):
        shapes = shapes_by_digest(encoder, others[start : start + _BLOCK])
        found |= {digest for digest, other in shapes.items() if same_picture(own, near[digest], float(shape @ other))}
    return found


def note(files: Iterable[tuple[str, int]]) -> None:
    """Write to which pictures files belong, by digest and id; a file that belongs to one already stays there."""
    new = [
        PlaceholderFile(digest=digest, placeholder_id=placeholder_id) for digest, placeholder_id in dict(files).items()
    ]
    PlaceholderFile.objects.bulk_create(sorted(new, key=lambda one: one.digest), ignore_conflicts=True)


def judging_encoder() -> Encoder | None:
    """The encoder whose features say whether pictures are the same: that of the active space; None where there is none."""
    return Encoder.objects.defer(*HEAVY).filter(spaces__state=Space.State.ACTIVE).first()


def shapes_by_digest(encoder: Encoder, digests: Collection[str]) -> Shapes:
    """Plain features of files, without colours, as unit vectors float32 (dimensions of the encoder,), by digest."""
    found = rows(_FEATURES, {"digests": sorted(digests), "encoder": encoder.pk}, binary=True)
    return {digest: unit(features[: encoder.dimensions]) for digest, features in found}


def _representatives() -> list[tuple[int, str, Hashes]]:
    """Pictures: id, digest of the representative file, its hashes."""
    pictures = list(Placeholder.objects.values_list("pk", "digest"))
    hashes = hashes_by_digest(digest for _, digest in pictures)
    return [(pk, digest, hashes[digest]) for pk, digest in pictures if digest in hashes]


def _is_same(one: NDArray[np.float32] | None, other: NDArray[np.float32] | None) -> bool:
    return one is not None and other is not None and float(one @ other) >= SAME_FROM_COSINE
