"""Whether photo files show a picture that is known as a placeholder, or was ruled to be none."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

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
)
from recommender.pictures.small import same_but_for_size, small_pictures
from recommender.projection.apply import unit

_BLOCK = 1000  # files whose features are read at a time: 3 MB as the database keeps them
_MOST_LINKS = 200  # files of a picture that others are compared with at a time
# What an encoder sees in copies of a thin drawing of half and double size has cosines of .85 and more.
_SCALED_FROM_COSINE = 0.8
_MOST_READ = 200  # photo files that are read at a time to compare them by their small pictures, some 10 ms each

Shapes = Mapping[str, NDArray[np.float32]]

_FEATURES = """
SELECT wanted.digest, known.features FROM unnest(%(digests)s::text[]) AS wanted (digest) CROSS JOIN LATERAL (
    SELECT features FROM recommender_imagefeatures WHERE digest = wanted.digest AND encoder_id = %(encoder)s LIMIT 1
) known
"""


def recognise(
    encoder: Encoder, hashes: Mapping[str, PictureHashes], features: Mapping[str, NDArray[np.float32]]
) -> None:
    """Note those of the files that show a known picture. Hashes and features (float32 (row width,)) by digest.

    Features that are not given are read. Call it before the files' vectors are written, and outside a transaction.
    """
    if not hashes:
        return
    for placeholder_id, representative, of_picture in _representatives():
        near = {
            digest
            for digest, of_file in hashes.items()
            if digest != representative and bits_apart(np.array(of_file, np.uint64), of_picture) <= SAME_WITHIN_BITS
        }
        if not near:
            continue
        files = PlaceholderFile.objects.filter(placeholder=placeholder_id).exclude(digest__in=near)
        known = shapes_by_digest(encoder, files.order_by("digest").values_list("digest", flat=True)[:_MOST_LINKS])
        shapes = {digest: unit(features[digest][: encoder.dimensions]) for digest in near & features.keys()}
        shapes |= shapes_by_digest(encoder, near - features.keys())
        note((digest, placeholder_id) for digest in _same(known, shapes))


def members(encoder: Encoder | None, representative: str, near: Collection[str]) -> set[str]:
    """Those of the files that show the same picture as the representative one, which is always among them.

    `near`: files whose hashes are within SAME_WITHIN_BITS of its own.

    A file belongs to the picture when its cosine with any file of it is high enough: a small copy is as good as equal to one of
    middle size, and that to the large one. Where no file lies between, it belongs to it when the two are the same but for their
    size. Files without features of the encoder yet are left out: they are looked at when they
    have them.
    """
    found = {representative}
    rest = sorted(set(near) - found)
    links = {} if encoder is None or not rest else shapes_by_digest(encoder, found)
    while encoder is not None and links and rest:
        reached: dict[str, NDArray[np.float32]] = {}
        for start in range(0, len(rest), _BLOCK):
            shapes = shapes_by_digest(encoder, rest[start : start + _BLOCK])
            alike = _same(links, shapes)
            found |= alike
            reached |= {digest: shapes[digest] for digest in sorted(alike)[: _MOST_LINKS - len(reached)]}
        links, rest = reached, [digest for digest in rest if digest not in found]
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


def _same(links: Shapes, shapes: Shapes) -> set[str]:
    """Those of the second files that show the same picture as any of the first, all of which have near hashes."""
    if not links or not shapes:
        return set()
    cosines = np.stack(list(shapes.values())) @ np.stack(list(links.values())).T
    best = dict(zip(shapes, cosines.max(axis=1).tolist(), strict=True))
    same = {digest for digest, cosine in best.items() if cosine >= SAME_FROM_COSINE}
    other = [digest for digest, cosine in best.items() if _SCALED_FROM_COSINE <= cosine < SAME_FROM_COSINE]
    return same | _scaled(list(links), sorted(other, key=lambda digest: -best[digest]))


def _scaled(links: Sequence[str], digests: Sequence[str]) -> set[str]:
    """Those of the second files that are one of the first but for their size."""
    if not digests:
        return set()
    known = small_pictures(links, most=_MOST_READ)
    small = small_pictures(digests, most=_MOST_READ) if known else {}
    return {digest for digest, one in small.items() if any(same_but_for_size(one, other) for other in known.values())}
