"""The perceptual hashes of photo files (`catalog.photos.hashes`), kept in a table by the digest of the file.

Measured on 100 clothing photos against their own changed copies: JPEG-50, half size and mirrored 0 to 2 bits, 10 % cut off around 0 to 2
(12 to 22 without the middle's own hash), 5 % cut off 4 to 8; different items of a cosine of .9 and more: 6 to 22.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from django.core.files.storage import default_storage
from django.db import connection, transaction
from numpy.typing import NDArray
from PIL import Image

from catalog.models import ProductImage
from catalog.photos.hashes import PictureHashes, picture_hashes
from catalog.photos.reading import decode_photo
from recommender.models import PhotoHash

# Two files show the same picture within so many bits, if the cosine of their plain features is COSINE or more as well:
# pictures with little in them, such as one colour, have equal hashes whatever they show.
SAME_WITHIN_BITS = 12
SAME_FROM_COSINE = 0.99
_SIDE = 256  # pixels that are enough for a hash

_BLOCK = 20_000  # rows of the table that are compared at a time

Hashes = NDArray[np.uint64]


@dataclass(frozen=True)
class UnreadablePhoto:
    """A stored photo whose file cannot be read, and why."""

    image_id: int
    why: str


@dataclass(frozen=True)
class NearFile:
    """A photo file whose hashes are within SAME_WITHIN_BITS of those asked about, and by how many bits they differ."""

    digest: str
    bits: int


# Of all pairs of variants those that have a whole picture on one side, as in `bits_apart`. The stored numbers are signed, and
# so are those that are asked about; a bit string has no sign.
_NEAR = """
SELECT digest, bits FROM (
    SELECT digest, least(
        bit_count((hashes[1] # %(whole)s)::bit(64)), bit_count((hashes[2] # %(whole)s)::bit(64)),
        bit_count((hashes[3] # %(whole)s)::bit(64)), bit_count((hashes[4] # %(whole)s)::bit(64)),
        bit_count((hashes[1] # %(mirrored)s)::bit(64)), bit_count((hashes[1] # %(middle)s)::bit(64)),
        bit_count((hashes[1] # %(middle_mirrored)s)::bit(64))
    ) AS bits FROM recommender_photohash
) hashed
WHERE bits <= %(within)s ORDER BY bits, digest LIMIT %(most)s
"""

_KEPT = """
SELECT i.id, h.hashes FROM catalog_productimage i JOIN recommender_photohash h ON h.digest = i.digest WHERE i.id = ANY (%s)
"""

_GONE = """
DELETE FROM recommender_photohash hashed
WHERE NOT EXISTS (SELECT FROM catalog_productimage i WHERE i.digest = hashed.digest)
    AND NOT EXISTS (SELECT FROM recommender_placeholder picture WHERE picture.digest = hashed.digest)
"""


def photo_hashes(image_ids: Iterable[int]) -> tuple[dict[int, Hashes], list[UnreadablePhoto]]:
    """The four hashes of photos, uint64 (4,), by photo. The second value: those without a readable file.

    A photo whose file has no row in the table is read, and its hashes are kept. Call it outside a transaction.
    """
    rows = ProductImage.objects.filter(pk__in=set(image_ids)).exclude(digest="").values_list("pk", "digest", "file")
    images = {pk: (digest, name) for pk, digest, name in rows}
    known = hashes_by_digest(digest for digest, _ in images.values())
    made: dict[str, Hashes] = {}
    hashes: dict[int, Hashes] = {}
    unreadable = []
    for pk, (digest, name) in images.items():
        found = known.get(digest, made.get(digest))
        if found is None:
            try:
                found = made[digest] = _of_file(name)
            except Exception as error:  # storages elsewhere raise errors of their own kinds
                unreadable.append(UnreadablePhoto(pk, str(error)))
                continue
        hashes[pk] = found
    keep({digest: as_numbers(found) for digest, found in made.items()})
    return hashes, unreadable


def hashes_by_digest(digests: Iterable[str]) -> dict[str, Hashes]:
    """The hashes, uint64 (4,), of those files that have a row in the table."""
    rows = PhotoHash.objects.filter(digest__in=set(digests)).values_list("digest", "hashes")
    return {digest: as_hashes(hashes) for digest, hashes in rows}


def kept_hashes(image_ids: Sequence[int]) -> dict[int, Hashes]:
    """The hashes, uint64 (4,), of those photos whose files have a row in the table, by photo; no file is read."""
    with connection.cursor() as cursor:
        cursor.execute(_KEPT, [list(image_ids)])
        found = cursor.fetchall()
    rows = as_hashes([hashes for _, hashes in found])
    return {image_id: row for (image_id, _), row in zip(found, rows, strict=True)}


def keep(hashes: Mapping[str, PictureHashes]) -> None:
    """Write the hashes of files, by digest; those that have a row keep it."""
    if hashes:
        rows = [PhotoHash(digest=digest, hashes=_signed(hashes[digest])) for digest in sorted(hashes)]
        PhotoHash.objects.bulk_create(rows, ignore_conflicts=True)


def files_near(hashes: Hashes, *, most: int = 100) -> list[NearFile]:
    """The files of the table whose hashes are within SAME_WITHIN_BITS of `hashes`, uint64 (4,): nearest first, `most` at most.

    It reads the whole table. Near hashes alone do not make the same picture: see `same_picture`.
    """
    names = ("whole", "mirrored", "middle", "middle_mirrored")
    values = {**dict(zip(names, _signed(hashes.tolist()), strict=True)), "within": SAME_WITHIN_BITS, "most": most}
    with connection.cursor() as cursor:
        cursor.execute(_NEAR, values)
        return [NearFile(digest, bits) for digest, bits in cursor.fetchall()]


def near_each(asked: Sequence[Hashes]) -> list[dict[str, Hashes]]:
    """For each of the hashes asked about, uint64 (4,), the files within SAME_WITHIN_BITS of them: their hashes by digest.

    Reads the whole table once, in bounded memory: at most a second for 100,000 files, and 25 ms more for each of `asked`.
    """
    found: list[dict[str, Hashes]] = [{} for _ in asked]
    if not asked:
        return found
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute("SELECT digest, hashes FROM recommender_photohash")
        while rows := cursor.fetchmany(_BLOCK):
            block = as_hashes([hashes for _, hashes in rows])
            for wanted, near in zip(asked, found, strict=True):
                bits = np.bitwise_count(np.concatenate([block ^ wanted[0], block[:, :1] ^ wanted], axis=1)).min(axis=1)
                near.update(
                    (rows[row][0], block[row].copy()) for row in np.flatnonzero(bits <= SAME_WITHIN_BITS).tolist()
                )
    return found


def forget_gone() -> int:
    """Delete the rows of files that no photo shows any more, but for those that represent a placeholder; how many."""
    with connection.cursor() as cursor:
        cursor.execute(_GONE)
        return int(cursor.rowcount)


def same_picture(one: Hashes, other: Hashes, cosine: float) -> bool:
    """Whether two files show the same picture. `cosine`: of their plain features, without colours."""
    return cosine >= SAME_FROM_COSINE and bits_apart(one, other) <= SAME_WITHIN_BITS


def near_pairs(some: Mapping[int, Hashes], others: Mapping[int, Hashes]) -> list[tuple[int, int]]:
    """The keys of one of the first and one of the second that are within SAME_WITHIN_BITS of each other, as in `bits_apart`."""
    if not some or not others:
        return []
    a, b = np.stack(list(some.values())), np.stack(list(others.values()))
    bits = np.minimum(
        np.bitwise_count(a[:, None, :1] ^ b[None]).min(axis=-1),
        np.bitwise_count(a[:, None] ^ b[None, :, :1]).min(axis=-1),
    )
    keys, other_keys = list(some), list(others)
    return [(keys[row], other_keys[column]) for row, column in np.argwhere(bits <= SAME_WITHIN_BITS).tolist()]


def bits_apart(one: Hashes, other: Hashes) -> int:
    """The fewest bits by which either whole photo differs from any variant of the other."""
    differing = np.bitwise_count(np.concatenate([one[0] ^ other, other[0] ^ one]))
    return int(differing.min())


def hashes_of(image: Image.Image) -> Hashes:
    """RGB picture → uint64 (4,): whole, mirrored, middle, middle mirrored."""
    return np.array(picture_hashes(image), np.uint64)


def as_hashes(numbers: Sequence[int] | Sequence[Sequence[int]]) -> Hashes:
    """Hashes of one file, or of several, as the table has them → uint64 (4,), or (files, 4)."""
    return np.array(numbers, np.int64).view(np.uint64)


def _of_file(name: str) -> Hashes:
    with default_storage.open(name) as file:
        return hashes_of(decode_photo(io.BytesIO(file.read()), at_least=_SIDE))


def as_numbers(hashes: Hashes) -> PictureHashes:
    """uint64 (4,) → unsigned numbers, as decoder processes give them."""
    whole, mirrored, middle, middle_mirrored = hashes.tolist()
    return whole, mirrored, middle, middle_mirrored


def _signed(hashes: Sequence[int]) -> list[int]:
    """Numbers of 64 bits as Postgres has them."""
    numbers: list[int] = np.array(hashes, np.uint64).view(np.int64).tolist()
    return numbers
