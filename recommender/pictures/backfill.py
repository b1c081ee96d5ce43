"""Hashes of files that were embedded without them: by an earlier version, or by copying the features of the same file."""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.db import connection

from catalog.photos.hashes import PictureHashes
from recommender.pictures.hashes import as_numbers, photo_hashes

BATCH = 50

_WITHOUT = """
SELECT DISTINCT ON (i.digest) i.digest, i.id FROM catalog_productimage i
WHERE i.digest > %(after)s AND i.file <> ''
    AND NOT EXISTS (SELECT FROM recommender_photohash hashed WHERE hashed.digest = i.digest)
    AND EXISTS (SELECT FROM recommender_imagefeatures seen WHERE seen.image_id = i.id)
ORDER BY i.digest, i.id LIMIT %(batch)s
"""


@dataclass(frozen=True)
class Backfilled:
    """`hashes`: of the files that have them now, by digest. `after`: where to go on; "" when all files were looked at."""

    hashes: dict[str, PictureHashes]
    after: str


def backfill(*, seconds: float, after: str = "") -> Backfilled:
    """Hash files that were embedded and have no hashes, in the order of digests, for some `seconds`.

    A file that cannot be read is passed over, and looked at again in the next round. Call it outside a transaction.
    """
    until = time.monotonic() + seconds
    done: dict[str, PictureHashes] = {}
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_WITHOUT, {"after": after, "batch": BATCH})
            images: dict[int, str] = {image_id: digest for digest, image_id in cursor.fetchall()}
        hashes, _ = photo_hashes(images)
        done |= {images[image_id]: as_numbers(found) for image_id, found in hashes.items()}
        after = max(images.values(), default="") if len(images) == BATCH else ""
        if not after or time.monotonic() > until:
            return Backfilled(done, after)
