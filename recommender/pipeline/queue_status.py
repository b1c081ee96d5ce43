"""Counts of embedding jobs, for status/, the admin and /metrics."""

from __future__ import annotations

import threading
import time
from typing import TypedDict

from django.db import connection

from recommender.pause import Pause

# Counts are kept so many times as long as they took: at most 5 % of one core, whatever the size of the shop.
KEPT_FOR_ITS_COST = 20.0
KEPT_AT_LEAST_SECONDS = 1.0
RATE_SECONDS = 60


class QueueStatus(TypedDict):
    """Photos by state. `failed_by_reason`: reason → photos. `rate`: photos done a second over the last minute.

    `waiting`: those of the pending that are in back-off. `oldest_pending_seconds` is None when nothing is pending.
    `attempts` and `crashes`: tries that did not end well, of the jobs as they stand.
    """

    total: int
    pending: int
    waiting: int
    processing: int
    done: int
    failed: int
    failed_by_reason: dict[str, int]
    done_last_minute: int
    rate: float
    oldest_pending_seconds: float | None
    attempts: int
    crashes: int


# Each part reads one partial index (or the rows that are pending); "done", by far the most, is an index-only count.
_COUNTS = """
SELECT
    (SELECT count(*) FROM recommender_embeddingjob WHERE state = 'done'),
    (SELECT count(*) FROM recommender_embeddingjob
     WHERE state = 'done' AND finished_at > now() - make_interval(secs => %(seconds)s)),
    (SELECT count(*) FROM recommender_embeddingjob WHERE state = 'processing'),
    (SELECT count(*) FROM recommender_embeddingjob WHERE state = 'pending' AND not_before IS NOT NULL),
    pending.rows, pending.age, attempts.tries, attempts.crashes
FROM
    (SELECT count(*) AS rows, extract(epoch FROM now() - min(queued_at))::float8 AS age
     FROM recommender_embeddingjob WHERE state = 'pending') pending,
    (SELECT coalesce(sum(attempts), 0) AS tries, coalesce(sum(crashes), 0) AS crashes
     FROM recommender_embeddingjob WHERE attempts > 0) attempts
"""
# Photos as one encoder sees them; another's jobs (a space being built, one not retired yet) are no photos more.
_OF_ENCODER = """
SELECT state, CASE WHEN state = 'failed' THEN reason ELSE '' END, count(*) FROM recommender_embeddingjob
WHERE state IN ('pending', 'processing', 'failed') AND encoder_id = %(encoder)s GROUP BY 1, 2 ORDER BY 1, 2
"""
_FAILED = "SELECT reason, count(*) FROM recommender_embeddingjob WHERE state = 'failed' GROUP BY reason ORDER BY reason"

_lock = threading.Lock()
_rest = Pause()  # while it lasts, what was counted last is the answer
_counted: QueueStatus | None = None


def queue_status(*, fresh: bool = False) -> QueueStatus:
    """The queue as it was at most a second (on a large shop: a few seconds) ago; `fresh` counts now."""
    global _counted
    with _lock:
        if _counted is None or fresh or not _rest.is_on():
            began = time.monotonic()
            _counted = _count()
            _rest.begin(max(KEPT_AT_LEAST_SECONDS, KEPT_FOR_ITS_COST * (time.monotonic() - began)))
        return _counted


class PhotosLeft(TypedDict):
    """Photos that an encoder has not embedded, by state. `failed_by_reason`: reason → photos."""

    pending: int
    processing: int
    failed: int
    failed_by_reason: dict[str, int]


def photos_left(encoder_id: int) -> PhotosLeft:
    """What one encoder has still to do and could not do, now."""
    with connection.cursor() as cursor:
        cursor.execute(_OF_ENCODER, {"encoder": encoder_id})
        rows = cursor.fetchall()
    return PhotosLeft(
        pending=sum(count for state, _, count in rows if state == "pending"),
        processing=sum(count for state, _, count in rows if state == "processing"),
        failed=sum(count for state, _, count in rows if state == "failed"),
        failed_by_reason={reason: count for state, reason, count in rows if state == "failed"},
    )


def _count() -> QueueStatus:
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, {"seconds": RATE_SECONDS})
        done, recently, processing, waiting, pending, age, attempts, crashes = cursor.fetchone()
        cursor.execute(_FAILED)
        failed = dict(cursor.fetchall())
    return QueueStatus(
        total=done + processing + pending + sum(failed.values()),
        pending=pending,
        waiting=waiting,
        processing=processing,
        done=done,
        failed=sum(failed.values()),
        failed_by_reason=failed,
        done_last_minute=recently,
        rate=recently / RATE_SECONDS,
        oldest_pending_seconds=age,
        attempts=int(attempts),
        crashes=int(crashes),
    )
