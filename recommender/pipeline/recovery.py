"""Leases whose process died come back; what waited long enough is claimed again.

Only the photo that had been begun last counts an attempt: the process died over it or beside it. It is tried again
alone, so that a photo which kills its process takes no other with it. The rest of the lease is pending as before. Of
photos that were being fetched any may be to blame: each counts a try, of the many that a passing failure has.
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection

from catalog.locks import session_numbers
from recommender.pipeline.leases import BY_URL, lock_of

# A session that is gone is not yet a process that is gone: after a restart of Postgres every worker lives on, comes back
# within this time and returns its lease itself, with no attempt counted.
GRACE_SECONDS = 2.0

LONGEST_BACK_OFF_SECONDS = 600.0

_WHILE_FETCHING = "the worker died or hung while this photo or others were fetched from their addresses"

logger = logging.getLogger(__name__)

_LEASES = """
SELECT lease, max(leased_until) < now(), bool_or(priority = ANY (%(by_url)s))
FROM recommender_embeddingjob WHERE state = 'processing' GROUP BY lease
"""

_SHORTEN = """
UPDATE recommender_embeddingjob SET leased_until = now() + make_interval(secs => %(grace)s)
WHERE state = 'processing' AND lease = ANY(%(leases)s) AND leased_until > now() + make_interval(secs => %(grace)s)
"""

_RECOVER = """
WITH lost AS (
    SELECT id, lease, COALESCE(started_at = max(started_at) OVER (PARTITION BY lease), false) AS begun
    FROM recommender_embeddingjob WHERE state = 'processing' AND lease = ANY(%(leases)s)
), judged AS (
    SELECT lost.id, lost.lease, lost.begun, lost.begun AND job.crashes + 1 >= %(most)s AS given_up
    FROM lost JOIN recommender_embeddingjob job USING (id)
)
UPDATE recommender_embeddingjob job
SET state = CASE WHEN given_up THEN 'failed' ELSE 'pending' END,
    attempts = attempts + begun::int, crashes = crashes + begun::int, alone = alone OR begun,
    lease = NULL, leased_until = NULL, started_at = NULL,
    reason = CASE WHEN given_up THEN 'crashed' ELSE reason END,
    error = CASE WHEN given_up THEN %(error)s ELSE error END,
    finished_at = CASE WHEN given_up THEN now() END
FROM judged
WHERE job.id = judged.id AND job.lease = judged.lease AND job.state = 'processing'
RETURNING begun, given_up, job.image_id
"""

# Nothing was begun, so any photo of the lease may be to blame: each is tried again, by itself and ever later.
_NOBODY_BEGUN = """
WITH lost AS (
    SELECT id, attempts - crashes AS tries, attempts - crashes + 1 >= %(most)s AS last
    FROM recommender_embeddingjob WHERE lease = %(lease)s AND state = 'processing'
        AND NOT EXISTS (
            SELECT FROM recommender_embeddingjob
            WHERE lease = %(lease)s AND state = 'processing' AND started_at IS NOT NULL
        )
    FOR UPDATE
)
UPDATE recommender_embeddingjob job
SET state = CASE WHEN last THEN 'failed' ELSE 'pending' END, attempts = attempts + 1, alone = NOT last,
    lease = NULL, leased_until = NULL, reason = 'unforeseen', error = %(error)s,
    not_before = CASE WHEN last THEN NULL ELSE
        now() + make_interval(secs => least(%(longest)s, %(base)s * power(2, tries))) END,
    finished_at = CASE WHEN last THEN now() END
FROM lost WHERE job.id = lost.id
RETURNING last
"""

_WAKE = """
UPDATE recommender_embeddingjob SET not_before = NULL WHERE state = 'pending' AND not_before <= now()
"""


@dataclass(frozen=True)
class Recovered:
    """`returned`: photos pending again. `given_up`: photos failed. `suspects`: leases to look at again after the grace."""

    returned: int
    given_up: int
    suspects: int


def recover() -> Recovered:
    """Return the photos of dead and overdue leases to the queue. Safe to run at any time, by several at once."""
    with connection.cursor() as cursor:
        cursor.execute(_LEASES, {"by_url": BY_URL})
        leases: list[tuple[uuid.UUID, bool, bool]] = cursor.fetchall()
        if not leases:
            return Recovered(0, 0, 0)
        alive = session_numbers()
        suspects = [lease for lease, over, _ in leases if not over and lock_of(lease) not in alive]
        if suspects:
            cursor.execute(_SHORTEN, {"leases": suspects, "grace": GRACE_SECONDS})
    # A process that died while it fetched may have died of what it fetched, though no photo was begun yet; where one
    # was begun, that one is blamed, as in any other lease.
    parts, rest = [], []
    for lease, over, by_url in leases:
        fetched = _count_all(lease, error=_WHILE_FETCHING) if over and by_url else None
        if fetched is not None:
            parts.append(fetched)
        elif over:
            rest.append(lease)
    if rest:
        parts.append(_return(rest, error=None))
    return Recovered(sum(part.returned for part in parts), sum(part.given_up for part in parts), suspects=len(suspects))


def abandon(lease: uuid.UUID, *, error: str) -> Recovered:
    """The holder of a lease met an error that nobody foresaw.

    Where a photo was begun, the lease is treated as that of a dead process. Otherwise every photo counts an attempt and
    waits for its next one as for what may pass: the lease as a whole is not claimed again, over and over, at once.
    """
    return _count_all(lease, error=error) or _return([lease], error=error)


def _count_all(lease: uuid.UUID, *, error: str) -> Recovered | None:
    """Count an attempt for every photo of a lease, if none of them was begun; None where one was."""
    parameters: dict[str, Any] = {
        "lease": lease,
        "error": error,
        "most": settings.RETRY_ATTEMPTS,
        "base": settings.RETRY_SECONDS,
        "longest": LONGEST_BACK_OFF_SECONDS,
    }
    with connection.cursor() as cursor:
        cursor.execute(_NOBODY_BEGUN, parameters)
        rows = cursor.fetchall()
    if not rows:
        return None
    failed = sum(last for (last,) in rows)
    logger.warning("%s photos, none of them begun: %s", len(rows), error)
    return Recovered(len(rows) - failed, failed, 0)


def wake() -> int:
    """End the back-off of what has waited long enough; returns the number of jobs."""
    with connection.cursor() as cursor:
        cursor.execute(_WAKE)
        return int(cursor.rowcount)


def _return(leases: list[uuid.UUID], *, error: str | None) -> Recovered:
    """The photos of leases back to the queue. `error`: what the photo that was begun fails with, a crash by default."""
    most = settings.MAX_ATTEMPTS
    sentence = error or f"crashed the worker: {most} processes died or hung while this photo was in work"
    with connection.cursor() as cursor:
        cursor.execute(_RECOVER, {"leases": leases, "most": most, "error": sentence})
        rows = cursor.fetchall()
    for begun, given_up, image_id in rows:
        if begun:
            logger.warning(
                "photo %s was in work when its process died: %s",
                image_id,
                "failed" if given_up else "tried again, alone",
            )
    failed = sum(given_up for _, given_up, _ in rows)
    return Recovered(len(rows) - failed, failed, 0)
