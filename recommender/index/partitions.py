"""The partition of a space: made beside the table, attached, indexed, filled and dropped without stopping a reader.

`PARTITION OF`, an index on the parent and a plain DROP each hold locks that stall the readers of other spaces; what
stands here does not. Called with `concurrently=False` everything works inside a transaction too.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import psycopg
from django.db import DatabaseError, OperationalError, connection, transaction
from psycopg import sql

from recommender.halfvec import HalfVector, halfvec_type, raw_connection
from recommender.index.pgvector import options as kinds
from recommender.index.types import VectorRow
from recommender.models import Space

PARENT = "recommender_imagevector"
_LOCK_TIMEOUT_MS = 200
_DROP_SECONDS = 120.0
_BUILD_MEMORY_MB = 2048  # FACTS of pgvector: a graph that outgrows maintenance_work_mem builds many times slower


def partition_name(space: Space) -> str:
    return f"{PARENT}_{space.pk}"


def index_name(space: Space) -> str:
    return f"{partition_name(space)}_ann"


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


def build_index(space: Space, concurrently: bool = True) -> None:
    """The space's ANN index, on the partition; a broken one left by an interruption is replaced, a valid one kept.

    Raises UnknownCombination. Concurrently needs autocommit, and an ivfflat index wants its rows to be there first.
    """
    chosen = kinds.space_parameters(space)
    if index_is_valid(space):
        return
    how = sql.SQL("CONCURRENTLY") if concurrently else sql.SQL("")
    index = sql.Identifier(index_name(space))
    options = _ivfflat_options(space, chosen) if space.index == "ivfflat" else _hnsw_options(chosen)
    with connection.cursor() as cursor, _build_memory(space, concurrently):
        cursor.execute(sql.SQL("DROP INDEX {} IF EXISTS {}").format(how, index))
        cursor.execute(
            sql.SQL("CREATE INDEX {} {} ON {} USING {} (({}) {}) WITH ({})").format(
                how,
                index,
                sql.Identifier(partition_name(space)),
                sql.SQL("ivfflat") if space.index == "ivfflat" else sql.SQL("hnsw"),
                indexed_expression(space.index, space.dimensions),
                sql.SQL(kinds.OPCLASSES[space.index, space.metric]),
                options,
            )
        )


def indexed_expression(kind: str, dimensions: int, vector: sql.Composable | None = None) -> sql.Composed:
    """What the index of a space stands on: the typed vector, or its sign bits. `vector`: `vector` when not given."""
    typed = sql.SQL("{}::halfvec({})").format(vector or sql.SQL("vector"), sql.Literal(dimensions))
    if kind != "binary":
        return typed
    return sql.SQL("binary_quantize({})::bit({})").format(typed, sql.Literal(dimensions))


def index_is_valid(space: Space) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [index_name(space)])
        row = cursor.fetchone()
    return bool(row and row[0])


def index_bytes(space: Space) -> int:
    """Bytes of the ANN index; 0 where there is none."""
    return _size("pg_relation_size", index_name(space))


def partition_bytes(space: Space) -> int:
    """Bytes of the partition with all its indexes; 0 where there is none."""
    return _size("pg_total_relation_size", partition_name(space))


def drop_partition(space: Space, concurrently: bool = True) -> None:
    """Detach and drop the partition; nothing happens where it is gone.

    Concurrently needs autocommit. A reader in the way is let through: the drop waits a fifth of a second for its lock,
    lets go, tries again, and raises the lock's error after two minutes.
    """
    if not _exists(space):
        return
    parent, name = sql.Identifier(PARENT), sql.Identifier(partition_name(space))
    if not concurrently:
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


def write_vectors(space: Space, rows: Iterable[VectorRow]) -> int:
    """Bulk load by binary COPY, laid down in the order given; returns how many were new.

    Rows of photos that are gone are skipped, as are those that have their vector already: an interrupted load can be
    repeated. The photo's row is held meanwhile, so that a deletion or replacement waits and then removes the vector.
    """
    stage = sql.Identifier(f"loading_{space.pk}")
    with transaction.atomic():
        raw = raw_connection()
        raw.execute(
            sql.SQL(
                "CREATE TEMPORARY TABLE {} (place int, image_id bigint, product_id bigint, vector halfvec) ON COMMIT DROP"
            ).format(stage)
        )
        raw.execute(sql.SQL("ALTER TABLE {} ALTER COLUMN vector SET STORAGE PLAIN").format(stage))
        with psycopg.Cursor(raw).copy(
            sql.SQL("COPY {} (place, image_id, product_id, vector) FROM STDIN (FORMAT binary)").format(stage)
        ) as copy:
            copy.set_types(["int4", "int8", "int8", halfvec_type(raw)])
            for place, row in enumerate(rows):
                copy.write_row((place, row.image_id, row.product_id, HalfVector(row.vector)))
        new = raw.execute(
            sql.SQL(
                "INSERT INTO {} (image_id, space_id, product_id, vector) SELECT held.id, {}, held.product_id, s.vector"
                " FROM (SELECT i.id, i.product_id FROM catalog_productimage i"
                " WHERE i.id IN (SELECT image_id FROM {}) ORDER BY i.id FOR SHARE) held JOIN {} s ON s.image_id = held.id"
                " ORDER BY s.place ON CONFLICT DO NOTHING"
            ).format(sql.Identifier(PARENT), sql.Literal(space.pk), stage, stage)
        ).rowcount
        raw.execute(sql.SQL("DROP TABLE {}").format(stage))
    return new


def _hnsw_options(chosen: kinds.Parameters) -> sql.Composed:
    return sql.SQL("m = {}, ef_construction = {}").format(sql.Literal(chosen.m), sql.Literal(chosen.ef_construction))


def _ivfflat_options(space: Space, chosen: kinds.Parameters) -> sql.Composed:
    """pgvector's advice for lists: rows / 1000 up to a million, √rows beyond. What was chosen is kept on the space."""
    lists, probes = chosen.lists, chosen.probes
    if not lists:
        rows = _rows(space)
        lists = max(1, min(32768, rows // 1000 if rows <= 1_000_000 else round(rows**0.5)))
    if not probes:
        probes = max(min(lists, 10), round(lists * 0.1), round(2 * lists**0.5))
    space.parameters = {**space.parameters, "lists": lists, "probes": min(probes, lists)}
    Space.objects.filter(pk=space.pk).update(parameters=space.parameters)
    return sql.SQL("lists = {}").format(sql.Literal(lists))


@contextmanager
def _build_memory(space: Space, concurrently: bool) -> Iterator[None]:
    """Enough maintenance memory for the graph (pgvector keeps it in memory while building), given back after."""
    wanted = max(64, min(_BUILD_MEMORY_MB, _rows(space) * (space.dimensions * 2 + 700) // 2**20 + 64))
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('maintenance_work_mem')")
        before = cursor.fetchone()[0]
        cursor.execute(
            "SELECT set_config('maintenance_work_mem', %s, %s) WHERE"
            " (SELECT setting::bigint FROM pg_settings WHERE name = 'maintenance_work_mem') < %s",
            [f"{wanted}MB", not concurrently, wanted * 1024],
        )
        try:
            yield
        finally:
            if concurrently:
                cursor.execute("SELECT set_config('maintenance_work_mem', %s, false)", [before])


def _rows(space: Space) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(partition_name(space))))
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


def _size(function: str, relation: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT coalesce({}(to_regclass(%s)), 0)").format(sql.Identifier(function)), [relation])
        return int(cursor.fetchone()[0])


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
