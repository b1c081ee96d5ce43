"""The end of a lease: features, vectors and the jobs' states in one transaction.

It never waits for a writer of the catalogue: a photo that somebody is replacing, moving or deleting at this moment is
left for a second look, so no lock order can end in a deadlock. The photos that it stores are locked against change
until it commits, so no vector of pixels that were replaced, and none of a photo that is gone, can remain.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from numpy.typing import NDArray

from catalog.photos.hashes import PictureHashes
from recommender.halfvec import HalfVector, cursor
from recommender.index import stored
from recommender.index.feed import tell_after_commit
from recommender.index.session import rows
from recommender.models import Encoder, Space
from recommender.pictures.hashes import keep as keep_hashes
from recommender.pipeline import gallery
from recommender.pipeline.leases import Lease, LeasedPhoto, held
from recommender.pipeline.photo_files import Failure
from recommender.pipeline.recovery import LONGEST_BACK_OFF_SECONDS

# How often, and after how long, a photo that a writer holds is looked at again before it goes back to the queue.
LOOKS = 20
LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class _Now:
    """A photo as it is when its features are about to be written."""

    digest: str
    product_id: int
    has_features: bool


@dataclass(frozen=True)
class Stored:
    """`done`: photos embedded. `ended`: photos of the lease that it has no more to do with."""

    done: int
    ended: int


@dataclass(frozen=True)
class Embedded:
    """A photo and what the encoder saw in it. `photo.digest` names the pixels; `features`: float32 (n,)."""

    photo: LeasedPhoto
    features: NDArray[np.float32]


_TAKE = """
WITH held AS (
    SELECT job.id, image.digest, image.product_id, EXISTS (
        SELECT FROM recommender_imagefeatures seen WHERE seen.image_id = image.id AND seen.encoder_id = job.encoder_id
    ) AS has_features
    FROM recommender_embeddingjob job JOIN catalog_productimage image ON image.id = job.image_id
    WHERE job.id = ANY(%(jobs)s) AND job.lease = %(lease)s AND job.state = 'processing'
    ORDER BY job.id FOR UPDATE OF job SKIP LOCKED FOR SHARE OF image SKIP LOCKED
)
UPDATE recommender_embeddingjob job
SET state = 'done', finished_at = clock_timestamp(), lease = NULL, leased_until = NULL, alone = false,
    reason = '', error = ''
FROM held WHERE job.id = held.id
RETURNING job.id, held.digest, held.product_id, held.has_features
"""

_KNOWN = """
SELECT wanted.digest, known.features
FROM unnest(%(digests)s::text[]) AS wanted (digest) CROSS JOIN LATERAL (
    SELECT features FROM recommender_imagefeatures
    WHERE digest = wanted.digest AND encoder_id = %(encoder)s AND image_id <> ALL(%(images)s) LIMIT 1
) known
"""

_FEATURES = """
INSERT INTO recommender_imagefeatures (image_id, encoder_id, digest, features) VALUES (%s, %s, %s, %s)
ON CONFLICT (image_id, encoder_id) DO UPDATE SET digest = EXCLUDED.digest, features = EXCLUDED.features
"""

_REPLACED = """
UPDATE recommender_embeddingjob SET state = 'pending', started_at = NULL, finished_at = NULL
WHERE id = ANY(%(jobs)s)
"""

# What may pass is tried again after 2, 4, 8 … seconds, at most ten minutes, RETRY_ATTEMPTS times in all.
_FAILED = """
UPDATE recommender_embeddingjob job
SET state = CASE WHEN last THEN 'failed' ELSE 'pending' END,
    attempts = attempts + may_pass::int, reason = new.reason, error = new.error,
    not_before = CASE WHEN last THEN NULL ELSE
        now() + make_interval(secs => least(%(longest)s, %(base)s * power(2, attempts - crashes))) END,
    finished_at = CASE WHEN last THEN now() END,
    started_at = NULL, alone = crashes > 0 AND NOT last
FROM (
    SELECT *, NOT may_pass OR tries + 1 >= %(most)s AS last
    FROM unnest(%(jobs)s::bigint[], %(reasons)s::text[], %(errors)s::text[], %(may_pass)s::bool[])
        AS given (id, reason, error, may_pass)
    JOIN (SELECT id, attempts - crashes AS tries FROM recommender_embeddingjob) old USING (id)
) new
WHERE job.id = new.id
"""


def store(
    lease: Lease,
    *,
    encoder: Encoder,
    embedded: Sequence[Embedded],
    hashes: Mapping[str, PictureHashes],
    failures: Mapping[LeasedPhoto, Failure],
) -> Stored:
    """Write what became of the photos of a lease, and the hashes of the files that were decoded, by digest.

    What the lease no longer holds (superseded, deleted, asked for anew) is dropped; a photo whose pixels were replaced
    is pending again; what a writer held through every look stays with the lease, for its holder to give back.
    """
    prepared = gallery.prepare(encoder, [_for_gallery(item) for item in embedded]) if embedded else None
    photos = [*(item.photo for item in embedded), *failures]
    done, left = 0, {photo.job_id for photo in photos}
    for look in range(LOOKS):
        if look and left:
            time.sleep(LOOK_SECONDS)
            left &= held(lease)
        if not left:
            break
        with transaction.atomic():
            found = _take(lease, left)
            same = {photo.job_id for photo in photos if _is_same(photo, found.get(photo.job_id))}
            right = [item for item in embedded if item.photo.job_id in same]
            if right:
                again = [item.photo.image_id for item in right if found[item.photo.job_id].has_features]
                _write_features(encoder, right, again)
                if prepared is None or len(right) < len(embedded):
                    prepared = gallery.prepare(encoder, [_for_gallery(item) for item in right])
                files = {item.photo.digest for item in right}
                keep_hashes({digest: given for digest, given in hashes.items() if digest in files})
                gallery.store(prepared)
            failed = {photo: why for photo, why in failures.items() if photo.job_id in same}
            _write_states(failed, replaced=found.keys() - same)
        done += len(right)
        left -= found.keys()
    return Stored(done=done, ended=len(photos) - len(left))


def known_features(encoder: Encoder, photos: Sequence[LeasedPhoto]) -> dict[str, NDArray[np.float32]]:
    """Features (float32) that other photos with the same file already have, by digest."""
    wanted = [photo for photo in photos if photo.seen]
    if not wanted:
        return {}
    parameters = {
        "digests": sorted({photo.digest for photo in wanted}),
        "encoder": encoder.pk,
        "images": [photo.image_id for photo in photos],
    }
    return dict(rows(_KNOWN, parameters, binary=True))


def _for_gallery(item: Embedded) -> gallery.EmbeddedPhoto:
    photo = item.photo
    return gallery.EmbeddedPhoto(photo.image_id, photo.product_id, photo.digest, item.features)


def _take(lease: Lease, jobs: set[int]) -> dict[int, _Now]:
    """Mark as done the jobs that the lease holds and nobody else is writing; their photos as they are now, by job id.

    Those that turn out not to be done are written once more before anybody can see them.
    """
    return {job: _Now(*photo) for job, *photo in rows(_TAKE, {"jobs": sorted(jobs), "lease": lease.id})}


def _is_same(photo: LeasedPhoto, now: _Now | None) -> bool:
    return now is not None and (now.digest, now.product_id) == (photo.digest, photo.product_id)


def _write_features(encoder: Encoder, items: Sequence[Embedded], again: Sequence[int]) -> None:
    """Features of photos that had some (`again`, image ids) replace them, and their vectors are made anew."""
    features = [(item.photo.image_id, encoder.pk, item.photo.digest, HalfVector(item.features)) for item in items]
    with connection.wrap_database_errors:
        cursor().executemany(_FEATURES, features)
    if again:
        for space in Space.objects.filter(encoder=encoder).exclude(state=Space.State.RETIRED):
            stored.delete(space=space, image_ids=again)
            tell_after_commit(space, gone=again)


def _write_states(failures: Mapping[LeasedPhoto, Failure], replaced: set[int]) -> None:
    with connection.cursor() as plain:
        if replaced:
            plain.execute(_REPLACED, {"jobs": sorted(replaced)})
        if failures:
            parameters: dict[str, Any] = {
                "jobs": [photo.job_id for photo in failures],
                "reasons": [why.reason for why in failures.values()],
                "errors": [why.error for why in failures.values()],
                "may_pass": [why.may_pass for why in failures.values()],
                "base": settings.RETRY_SECONDS,
                "longest": LONGEST_BACK_OFF_SECONDS,
                "most": settings.RETRY_ATTEMPTS,
            }
            plain.execute(_FAILED, parameters)
