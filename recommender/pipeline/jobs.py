"""The outbox: every photo that shall have features has a job, written in the transaction that stored the photo."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Case, Exists, OuterRef, QuerySet, When

from catalog.models import ProductImage
from recommender.models import EmbeddingJob, Encoder
from recommender.pipeline.gallery import encoders_in_use

# Rows a statement: a transaction of half a second, not of a minute, when a new encoder meets a million photos.
BATCH = 10_000

# A photo that must be fetched first: the priority's number by URL is the next one.
# Whatever a job was in the middle of, it starts anew; a lease that still works on it will find its result unwanted.
_ENQUEUE = """
INSERT INTO recommender_embeddingjob
    (image_id, encoder_id, priority, state, attempts, crashes, alone, reason, error, queued_at)
SELECT image.id, %(encoder)s, %(priority)s + (image.file = '' AND image.source_url <> '')::int, 'pending', 0, 0, false, '', '', now()
FROM catalog_productimage image WHERE image.id = ANY(%(images)s) ORDER BY image.id
ON CONFLICT (image_id, encoder_id) DO UPDATE SET
    priority = EXCLUDED.priority, state = 'pending', attempts = 0, crashes = 0, alone = false, not_before = NULL,
    lease = NULL, leased_until = NULL, started_at = NULL, reason = '', error = '', queued_at = now(), finished_at = NULL
"""

# What a job is that starts anew, but for its priority.
_ANEW: Mapping[str, Any] = {
    "state": EmbeddingJob.State.PENDING,
    "attempts": 0,
    "crashes": 0,
    "alone": False,
    "not_before": None,
    "reason": "",
    "error": "",
    "finished_at": None,
}

_MISSING = """
WITH missing AS (
    SELECT image.id, (image.file = '' AND image.source_url <> '')::int AS by_url FROM catalog_productimage image
    WHERE NOT EXISTS (
        SELECT FROM recommender_embeddingjob job WHERE job.image_id = image.id AND job.encoder_id = %(encoder)s
    )
    ORDER BY image.id LIMIT %(batch)s
    FOR KEY SHARE SKIP LOCKED
)
INSERT INTO recommender_embeddingjob
    (image_id, encoder_id, priority, state, attempts, crashes, alone, reason, error, queued_at)
SELECT id, %(encoder)s, %(priority)s + by_url, 'pending', 0, 0, false, '', '', now() FROM missing
ON CONFLICT (image_id, encoder_id) DO NOTHING
"""


@dataclass(frozen=True)
class PhotoState:
    """How far a photo is with one encoder. `state` is a state of EmbeddingJob, or "" where no job exists yet."""

    state: str
    reason: str = ""
    error: str = ""


def enqueue(image_ids: Iterable[int], *, priority: int, encoder: Encoder | None = None) -> int:
    """Ask for the features of photos, anew where they were asked for before; returns the number of jobs written.

    Call it inside the transaction that stored the photos, and `doorbell.ring` when that has committed. Without `encoder`: for
    every encoder that a space uses; where there is none yet, the sweep asks when one appears. Photos that are gone
    are passed over.
    """
    ids = list(image_ids)
    written = 0
    if not ids:
        return written
    with connection.cursor() as cursor:
        for row in [encoder] if encoder else encoders_in_use():
            for start in range(0, len(ids), BATCH):
                images = ids[start : start + BATCH]
                cursor.execute(_ENQUEUE, {"encoder": row.pk, "priority": int(priority), "images": images})
                written += cursor.rowcount
    return written


def enqueue_missing(*, priority: int = EmbeddingJob.Priority.REBUILD, encoder: Encoder | None = None) -> int:
    """Write the jobs of photos that have none for an encoder in use (or for `encoder`); returns how many.

    In batches, each a statement of its own: call it outside a transaction.
    """
    written = 0
    with connection.cursor() as cursor:
        for row in [encoder] if encoder else encoders_in_use():
            while True:
                cursor.execute(_MISSING, {"encoder": row.pk, "priority": int(priority), "batch": BATCH})
                written += cursor.rowcount
                if cursor.rowcount < BATCH:
                    break
    return written


def forget_unused() -> int:
    """Delete jobs that no space waits for any more: those of encoders out of use that are not done."""
    in_use = [encoder.pk for encoder in encoders_in_use()]
    if not in_use:
        return 0
    unwanted = EmbeddingJob.objects.filter(state__in=[EmbeddingJob.State.PENDING, EmbeddingJob.State.FAILED])
    return unwanted.exclude(encoder__in=in_use).delete()[0]


def embed_again(queryset: QuerySet[EmbeddingJob]) -> int:
    """Start jobs anew at the priority of a fresh upload: a person asked for them. Returns how many; `doorbell.ring` afterwards.

    Jobs in hand are left in hand: their result is on its way.
    """
    unfetched = ProductImage.objects.filter(pk=OuterRef("image_id"), file="").exclude(source_url="")
    priority = Case(
        When(Exists(unfetched), then=EmbeddingJob.Priority.UPLOAD_BY_URL), default=EmbeddingJob.Priority.UPLOAD
    )
    return queryset.exclude(state=EmbeddingJob.State.PROCESSING).update(priority=priority, **_ANEW)


def try_again(image_ids: Iterable[int]) -> int:
    """Start those jobs anew that failed for good, of photos that a feed names and that are still to be fetched. Returns how
    many; `doorbell.ring` afterwards.
    """
    failed = EmbeddingJob.objects.filter(image__in=list(image_ids), state=EmbeddingJob.State.FAILED)
    return failed.update(priority=EmbeddingJob.Priority.IMPORT_BY_URL, **_ANEW)


def photo_state(image_id: int) -> PhotoState:
    """The state of one photo with the encoders in use: the least advanced one counts."""
    return photo_states([image_id])[image_id]


def photo_states(image_ids: Sequence[int]) -> dict[int, PhotoState]:
    """`photo_state` of several photos in one query."""
    jobs = EmbeddingJob.objects.filter(image__in=image_ids)
    jobs = jobs.filter(encoder__in=encoders_in_use())
    found: dict[int, PhotoState] = {}
    states = EmbeddingJob.State
    order = [str(state) for state in (states.DONE, states.PROCESSING, states.PENDING, states.FAILED)]
    for job in jobs.only("image_id", "state", "reason", "error"):
        state = PhotoState(job.state, job.reason, job.error)
        if job.image_id not in found or order.index(job.state) > order.index(found[job.image_id].state):
            found[job.image_id] = state
    return {image_id: found.get(image_id, PhotoState("")) for image_id in image_ids}
