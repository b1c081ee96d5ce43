"""Leases: which photos a worker is working on, and how others see that it is gone.

A lease is a UUID: its first half names the database session that holds it, and that session holds an advisory lock of
the same number for as long as it lives. A process that dies, on whatever machine, loses its session and with it the
lock, so its leases are known to be dead within seconds; `leased_until` remains for the process that hangs.

Photos that must be fetched wait for strangers' servers, so they are leased by themselves, and no more such leases exist
at once than leave a process free for the others (`fetching`).

What a lease writes may be lost by a crash of Postgres without harm (`synchronous_commit = off`): the queue and the
results are lost together, and the work is done again.
"""

from __future__ import annotations

import secrets
import threading
import uuid
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection
from psycopg import sql
from psycopg.pq import ConnStatus, ExecStatus

from catalog.locks import Lock, hold_session_number, place_of_machine
from recommender.halfvec import cursor
from recommender.models import EmbeddingJob


@dataclass(frozen=True)
class LeasedPhoto:
    """One photo of a lease as it was when it was claimed. `file` and `digest` are empty until a URL was fetched.

    `seen`: features of the same file were there already, of this photo or of another.
    """

    job_id: int
    image_id: int
    product_id: int
    digest: str
    file: str
    source_url: str
    seen: bool


@dataclass(frozen=True)
class Lease:
    id: uuid.UUID
    encoder_id: int
    photos: tuple[LeasedPhoto, ...]


class _Session(threading.local):
    """The database session of this thread, and the number of the lock that it holds."""

    connection: weakref.ref[Any] | None = None
    key: int = 0


_session = _Session()

BY_URL = [int(priority) for priority in EmbeddingJob.Priority if priority % 10]
_WITH_FILE = [int(priority) for priority in EmbeddingJob.Priority if not priority % 10]

# The size stands in the statement: a planner that does not know it reads whole tables once the statement is prepared.
# Rows by priority, then by id. A photo that must be alone is taken alone; a lease holds photos of one encoder.
_CLAIM = """
WITH head AS MATERIALIZED (
    SELECT job.* FROM unnest(%(priorities)s::smallint[]) AS wanted (priority) CROSS JOIN LATERAL (
        SELECT id, priority, encoder_id, alone FROM recommender_embeddingjob
        WHERE state = 'pending' AND not_before IS NULL AND encoder_id = ANY(%(encoders)s) AND priority = wanted.priority
        ORDER BY id LIMIT {size} FOR UPDATE SKIP LOCKED
    ) job LIMIT {size}
), ranked AS (
    SELECT id, encoder_id, row_number() OVER claim AS place, first_value(encoder_id) OVER claim AS encoder,
        bool_or(alone) OVER claim AS alone_so_far
    FROM head WINDOW claim AS (ORDER BY priority, id ROWS UNBOUNDED PRECEDING)
), taken AS (
    SELECT id FROM ranked WHERE encoder_id = encoder AND (place = 1 OR NOT alone_so_far)
)
UPDATE recommender_embeddingjob job
SET state = 'processing', lease = %(lease)s, started_at = NULL,
    leased_until = now() + make_interval(secs => %(seconds)s)
FROM taken, catalog_productimage image
WHERE job.id = taken.id AND image.id = job.image_id
RETURNING job.priority, job.id, job.encoder_id, image.id, image.product_id, image.digest, image.file, image.source_url,
    EXISTS (SELECT FROM recommender_imagefeatures seen WHERE seen.digest = image.digest AND seen.encoder_id = job.encoder_id)
"""

# Not prepared: after a rollback psycopg deallocates every prepared statement of the session, also those it did not make.
# A prepared statement that is gone is run again on a new connection, and with the old one the lease would end.
_BEGIN = b"""
UPDATE recommender_embeddingjob
SET started_at = clock_timestamp(), leased_until = now() + make_interval(secs => $1::float8)
WHERE id = $2::bigint AND lease = $3::uuid AND state = 'processing'
"""

# One time for all: where the process dies, no photo stands out as the last begun.
_BEGIN_TOGETHER = """
UPDATE recommender_embeddingjob
SET started_at = statement_timestamp(), leased_until = now() + make_interval(secs => %(seconds)s)
WHERE id = ANY(%(jobs)s) AND lease = %(lease)s AND state = 'processing'
"""

_PROLONG = """
UPDATE recommender_embeddingjob SET leased_until = now() + make_interval(secs => %(seconds)s)
WHERE lease = %(lease)s AND state = 'processing'
"""

_GIVE_BACK = """
UPDATE recommender_embeddingjob SET state = 'pending', lease = NULL, leased_until = NULL, started_at = NULL
WHERE lease = %(lease)s AND state = 'processing'
"""


def claim(*, encoder_ids: Sequence[int], size: int | None = None, by_url: bool = False) -> Lease | None:
    """Take the next photos of the queue, at most LEASE_SIZE; None when nothing is to be done now.

    By default photos whose files are there; `by_url`: those that are still to be fetched, which is for inside `fetching`.
    Claims do not wait for each other: rows that another claim is about to take are passed over.
    """
    if not encoder_ids:
        return None
    lease = _new_lease()
    parameters: dict[str, Any] = {
        "encoders": list(encoder_ids),
        "priorities": BY_URL if by_url else _WITH_FILE,
        "lease": lease,
        "seconds": settings.LEASE_SECONDS,
    }
    with connection.wrap_database_errors:
        statement = sql.SQL(_CLAIM).format(size=sql.Literal(size or settings.LEASE_SIZE))
        rows = sorted(cursor().execute(statement, parameters).fetchall())  # not prepared, as _BEGIN
    if not rows:
        return None
    photos = tuple(LeasedPhoto(job, *image) for _, job, _, *image in rows)
    return Lease(lease, rows[0][2], photos)


@contextmanager
def fetching() -> Iterator[bool]:
    """One of this machine's few places for a lease of photos to be fetched; False when all are taken.

    One fewer than the processes of a worker (WORKER_PROCESSES), but at least one: however slow the servers are that
    photos are fetched from, a process remains for photos that are here. A place is an advisory lock of the session.
    """
    with place_of_machine(Lock.FETCHING, max(1, settings.CELERY_WORKER_CONCURRENCY - 1)) as free:
        yield free


@contextmanager
def begun(lease: Lease, photo: LeasedPhoto) -> Iterator[None]:
    """Note that this photo is in work: it is the one that a dying process is held against. The lease is prolonged.

    A photo that is only decoded ahead, in a decoder process, is not begun yet. The note is with Postgres before the block
    begins, and is committed while the block waits for the photo's pixels and encodes them: Postgres carries out what it
    was sent even if the sender dies at once. Inside the block this connection must not be used.
    """
    raw: psycopg.Connection[Any] = connection.connection
    values = (str(settings.LEASE_SECONDS), str(photo.job_id), str(lease.id))
    with connection.wrap_database_errors:
        raw.pgconn.send_query_params(_BEGIN, [value.encode() for value in values])
    try:
        yield
    finally:
        with connection.wrap_database_errors:
            _settle(raw)


def _settle(raw: psycopg.Connection[Any]) -> None:
    """Take the answer to what was sent; the connection is free again. Raises psycopg.Error."""
    failed = None
    while (result := raw.pgconn.get_result()) is not None:
        if result.status not in (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK):
            failed = psycopg.errors.error_from_result(result)
    if raw.pgconn.status == ConnStatus.BAD:
        raise psycopg.OperationalError(raw.pgconn.error_message.decode(errors="replace"))
    if failed is not None:
        raise failed


def begin_together(lease: Lease, photos: Sequence[LeasedPhoto]) -> None:
    """Note that these photos are in work at once: a process that dies is held against each. The lease is prolonged."""
    with connection.cursor() as plain:
        jobs = [photo.job_id for photo in photos]
        plain.execute(_BEGIN_TOGETHER, {"jobs": jobs, "lease": lease.id, "seconds": settings.LEASE_SECONDS})


def prolong(lease: Lease) -> None:
    """Prolong the lease although no photo is begun: fetching from slow servers takes its time."""
    with connection.cursor() as plain:
        plain.execute(_PROLONG, {"lease": lease.id, "seconds": settings.LEASE_SECONDS})


def give_back(lease: Lease) -> int:
    """What is left of the lease is pending again, and no attempt is counted. Returns the number of photos."""
    with connection.cursor() as plain:
        plain.execute(_GIVE_BACK, {"lease": lease.id})
        return int(plain.rowcount)


def held(lease: Lease) -> set[int]:
    """Ids of the jobs that this lease still holds."""
    rows = EmbeddingJob.objects.filter(lease=lease.id, state=EmbeddingJob.State.PROCESSING)
    return set(rows.values_list("id", flat=True))


def lock_of(lease: uuid.UUID) -> int:
    """The number of the advisory lock that the holder of a lease holds while it lives."""
    return lease.int >> 64


def _new_lease() -> uuid.UUID:
    connection.ensure_connection()
    if _session.connection is None or _session.connection() is not connection.connection:
        _session.key = secrets.randbits(63)
        with connection.cursor() as plain:
            plain.execute("SET synchronous_commit = off")
        hold_session_number(_session.key)
        _session.connection = weakref.ref(connection.connection)
    return uuid.UUID(int=_session.key << 64 | secrets.randbits(64))
