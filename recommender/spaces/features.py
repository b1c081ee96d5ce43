"""The features of every photo by a new encoder: made by the workers, after whatever shops upload or import."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.db import connection

from recommender.models import EmbeddingJob, Encoder
from recommender.pipeline import doorbell, jobs
from recommender.pipeline.workers import why_nobody_works
from recommender.progress import Progress

POLL_SECONDS = 0.5
RING_SECONDS = 5.0  # workers are told again that often: a message may be lost
STILL_SECONDS = 30.0  # so long no photo may end before a warning says why that may be
_OPEN = [EmbeddingJob.State.PENDING, EmbeddingJob.State.PROCESSING]

# Photos that are searched now and have no features by the new encoder. Those just uploaded will have them in a moment
# and do not count.
_WITHOUT_FEATURES = """
SELECT count(*) FROM recommender_imagefeatures seen
JOIN catalog_productimage i ON i.id = seen.image_id AND i.digest = seen.digest
WHERE seen.encoder_id = %(active)s AND NOT EXISTS (
    SELECT FROM recommender_imagefeatures f WHERE f.image_id = i.id AND f.digest = i.digest AND f.encoder_id = %(encoder)s
) AND NOT EXISTS (
    SELECT FROM recommender_embeddingjob job WHERE job.image_id = i.id AND job.encoder_id = %(encoder)s
        AND job.state IN ('pending', 'processing') AND job.priority = %(upload)s
)
"""


def fill_features(encoder: Encoder, *, progress: Progress, warn: Callable[[str], None]) -> int:
    """Have workers embed every photo that `encoder` has not seen, and wait; returns how many were embedded.

    At the lowest priority: fresh uploads and imports go first. Photos that cannot be embedded end as failed and are
    not waited for. Interrupted and called again, it waits for what is left. `warn` is told when nobody works.
    """
    jobs.enqueue_missing(encoder=encoder, priority=EmbeddingJob.Priority.REBUILD)
    total = _open(encoder)
    rung = moved = float("-inf")
    left = total
    while left:
        now = time.monotonic()
        if now - rung > RING_SECONDS:
            doorbell.ring()
            rung = now
        if moved == float("-inf"):
            moved = now
        if now - moved > STILL_SECONDS:
            warn(
                why_nobody_works() or f"no photo was embedded for {STILL_SECONDS:.0f} s: the workers are busy elsewhere"
            )
            moved = now
        time.sleep(POLL_SECONDS)
        before, left = left, _open(encoder)
        if left != before:
            moved = time.monotonic()
        if not left:  # photos stored meanwhile by a writer that did not know of this encoder yet
            jobs.enqueue_missing(encoder=encoder, priority=EmbeddingJob.Priority.REBUILD)
            left = _open(encoder)
        total = max(total, left)
        progress("embedding with the new encoder", total - left, total)
    return total


def without_features(encoder: Encoder, active: Encoder) -> int:
    """Photos that the active encoder knows and this one does not, and that are not about to be embedded."""
    if encoder.pk == active.pk:
        return 0
    values = {"encoder": encoder.pk, "active": active.pk, "upload": EmbeddingJob.Priority.UPLOAD.value}
    with connection.cursor() as cursor:
        cursor.execute(_WITHOUT_FEATURES, values)
        return int(cursor.fetchone()[0])


def _open(encoder: Encoder) -> int:
    return EmbeddingJob.objects.filter(encoder=encoder, state__in=_OPEN).count()
