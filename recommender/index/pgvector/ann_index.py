"""The ANN index on the partition of a space: built without stopping a reader or writer, its state and its size."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from psycopg import sql

from recommender.index.partitions import partition_name, relation_bytes
from recommender.index.pgvector.options import OPCLASSES, Parameters, space_parameters
from recommender.models import Space

_BUILD_MEMORY_MB = 2048  # a graph that outgrows maintenance_work_mem builds many times slower


def index_name(space: Space) -> str:
    return f"{partition_name(space)}_ann"


def build_index(space: Space) -> None:
    """The space's ANN index, on the partition; a broken one left by an interruption is replaced, a valid one kept.

    Built concurrently, but in a caller's transaction. An ivfflat index wants its rows to be there first. Raises
    UnknownCombination.
    """
    chosen = space_parameters(space)
    if index_is_valid(space):
        return
    concurrently = not connection.in_atomic_block
    how = sql.SQL("CONCURRENTLY" if concurrently else "")
    index = sql.Identifier(index_name(space))
    options = _ivfflat_options(space, chosen) if space.index == "ivfflat" else _hnsw_options(chosen)
    with connection.cursor() as cursor, _build_memory(space, concurrently):
        drop_index(space)
        cursor.execute(
            sql.SQL("CREATE INDEX {} {} ON {} USING {} (({}) {}) WITH ({})").format(
                how,
                index,
                sql.Identifier(partition_name(space)),
                sql.SQL("ivfflat") if space.index == "ivfflat" else sql.SQL("hnsw"),
                _indexed(space),
                sql.SQL(OPCLASSES[space.index, space.metric]),
                options,
            )
        )


def _indexed(space: Space) -> sql.Composed:
    """What the index stands on: the typed vector, or its sign bits. The statements of a search repeat it to the letter."""
    typed = sql.SQL("vector::halfvec({})").format(sql.Literal(space.dimensions))
    if space.index != "binary":
        return typed
    return sql.SQL("binary_quantize({})::bit({})").format(typed, sql.Literal(space.dimensions))


def index_is_valid(space: Space) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [index_name(space)])
        row = cursor.fetchone()
    return bool(row and row[0])


def drop_index(space: Space) -> None:
    """Nothing happens where it is gone, with its partition or alone."""
    how = sql.SQL("" if connection.in_atomic_block else "CONCURRENTLY")
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("DROP INDEX {} IF EXISTS {}").format(how, sql.Identifier(index_name(space))))


def index_bytes(space: Space) -> int:
    """Bytes of the ANN index; 0 where there is none."""
    return relation_bytes("pg_relation_size", index_name(space))


def _hnsw_options(chosen: Parameters) -> sql.Composed:
    return sql.SQL("m = {}, ef_construction = {}").format(sql.Literal(chosen.m), sql.Literal(chosen.ef_construction))


def _ivfflat_options(space: Space, chosen: Parameters) -> sql.Composed:
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
