"""The partition of a space, in which Postgres keeps its vectors: made beside the table, attached, dropped, stopping no reader.

`PARTITION OF` and a plain DROP each hold locks that stall the readers of other spaces; what stands here does not. Inside
a caller's transaction, where nothing can be done concurrently, the plain statements are used.
"""

from __future__ import annotations

import time
from typing import Literal

import psycopg
from django.db import DatabaseError, OperationalError, connection, transaction
from psycopg import sql

from recommender.models import Space

PARENT = "recommender_imagevector"
_LOCK_TIMEOUT_MS = 200
_DROP_SECONDS = 120.0


def partition_name(space: Space) -> str:
    return f"{PARENT}_{space.pk}"


def create_partition(space: Space) -> None:
    """An empty partition for `space`, attached; nothing happens where it stands already.

    The CHECK spares ATTACH the scan; PLAIN storage keeps a vector of up to 4,000 dimensions in its row, so that an
    exact scan reads one page where it would read three.
    """
    name = sql.Identifier(partition_name(space))
    with transaction.atomic(), connection.cursor() as cursor:
        if _exists(space):
            return
        cursor.execute(
            sql.SQL("CREATE TABLE {} (LIKE {}, CHECK (space_id = {}), PRIMARY KEY (image_id, space_id))").format(
                name, sql.Identifier(PARENT), sql.Literal(space.pk)
            )
        )
        cursor.execute(sql.SQL("ALTER TABLE {} ALTER COLUMN vector SET STORAGE PLAIN").format(name))
        cursor.execute(sql.SQL("CREATE INDEX ON {} (product_id)").format(name))
        cursor.execute(
            sql.SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES IN ({})").format(
                sql.Identifier(PARENT), name, sql.Literal(space.pk)
            )
        )


def drop_partition(space: Space) -> None:
    """Detach and drop the partition; nothing happens where it is gone.

    Outside a transaction a reader in the way is let through: the drop waits a fifth of a second for its lock, lets go, tries
    again, and raises the lock's error after two minutes.
    """
    if not _exists(space):
        return
    parent, name = sql.Identifier(PARENT), sql.Identifier(partition_name(space))
    if connection.in_atomic_block:
        with transaction.atomic(), connection.cursor() as cursor:
            if _attachment(space) is not None:
                cursor.execute(sql.SQL("ALTER TABLE {} DETACH PARTITION {}").format(parent, name))
            cursor.execute(sql.SQL("DROP TABLE {}").format(name))
        return
    _finish_detaching()
    if _attachment(space) is not None:
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("ALTER TABLE {} DETACH PARTITION {} CONCURRENTLY").format(parent, name))
    _drop_patiently(sql.SQL("DROP TABLE IF EXISTS {}").format(name))


def table_bytes(space: Space) -> int:
    """Bytes of the partition with all its indexes; 0 where there is none."""
    return relation_bytes("pg_total_relation_size", partition_name(space))


def relation_bytes(function: Literal["pg_relation_size", "pg_total_relation_size"], relation: str) -> int:
    """What Postgres' function says of a table or an index by its name; 0 where there is none."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT coalesce({}(to_regclass(%s)), 0)").format(sql.Identifier(function)), [relation])
        return int(cursor.fetchone()[0])


def _exists(space: Space) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [partition_name(space)])
        return bool(cursor.fetchone()[0])


def _attachment(space: Space) -> bool | None:
    """Whether a concurrent detach was left half-way; None where the table is not attached."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhdetachpending FROM pg_inherits WHERE inhrelid = to_regclass(%s)", [partition_name(space)]
        )
        row = cursor.fetchone()
    return None if row is None else bool(row[0])


def _finish_detaching() -> None:
    """End what an interruption left half-way, of whatever space: Postgres allows one pending detach a table."""
    with connection.cursor() as cursor:
        for name in _pending():
            try:
                cursor.execute(
                    sql.SQL("ALTER TABLE {} DETACH PARTITION {} FINALIZE").format(
                        sql.Identifier(PARENT), sql.Identifier(name)
                    )
                )
            except DatabaseError:  # whoever began it came to its end while we waited for the lock
                if name in _pending():
                    raise


def _pending() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = to_regclass(%s) AND i.inhdetachpending",
            [PARENT],
        )
        return [row[0] for row in cursor.fetchall()]


def _drop_patiently(statement: sql.Composed) -> None:
    deadline = time.monotonic() + _DROP_SECONDS
    while True:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{_LOCK_TIMEOUT_MS}ms"])
                cursor.execute(statement)
                return
        except OperationalError as error:
            if not isinstance(error.__cause__, psycopg.errors.LockNotAvailable) or time.monotonic() > deadline:
                raise
        time.sleep(_LOCK_TIMEOUT_MS / 1000)
