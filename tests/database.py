"""A test database that is quick to empty and waits for no disk; what it holds is as good as any other's while it runs.

Statistics outlive the rows of a test, also those that it took back with its transaction: a table that was vacuumed or analyzed
while it was empty counts as empty, and the plans of a later test, with thousands of rows in it, take minutes. So each test
begins with tables that count as never analyzed, and Postgres vacuums and analyzes none by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from django.contrib.contenttypes.management import create_contenttypes
from django.db import connection
from django.db.models.signals import post_migrate
from psycopg import sql

# Written once, when the database is migrated, and the same for every test.
_KEPT = {"django_content_type", "auth_permission"}

# Rows of earlier tests that make a table larger than this are vacuumed away: whoever reads the table passes over them.
MOST_BYTES = 4 * 1024**2
_OWN_TABLES = "relnamespace = 'public'::regnamespace AND NOT relispartition"
_LARGE = f"SELECT relname FROM pg_class WHERE {_OWN_TABLES} AND relkind = 'r' AND pg_relation_size(oid) > %s"  # noqa: S608
_FORGET = f"""
WITH known AS (
    SELECT oid FROM pg_class WHERE {_OWN_TABLES} AND relkind IN ('r', 'p') AND reltuples >= 0 FOR UPDATE SKIP LOCKED
), forgotten AS (
    UPDATE pg_class SET relpages = 0, reltuples = -1, relallvisible = 0 FROM known WHERE pg_class.oid = known.oid
    RETURNING pg_class.oid
)
DELETE FROM pg_statistic USING forgotten WHERE starelid = forgotten.oid
"""  # noqa: S608

_WHERE = ("dbname", "user", "password", "host", "port")
_beside: list[psycopg.Connection[Any]] = []


def make_quick() -> None:
    """Of the test database of this process, once it is there: commits do not wait, DELETE empties it between tests, and
    `forget_statistics` may be called.

    TRUNCATE makes anew the files of every table and index, a hundred or so, also of those that hold nothing: a third of a
    second after each test that commits, and Django then writes its content types and permissions again.
    """
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM recommender_rule")  # a new shop has a rule, with which few tests are concerned
    operations = type(connection.ops)  # the class: a test may replace the connection
    truncating = operations.sql_flush

    def deleting(self: Any, style: Any, tables: Sequence[str], *, reset_sequences: bool = False, **options: Any) -> Any:
        emptied = [table for table in tables if table not in _KEPT]
        if reset_sequences:
            return truncating(self, style, emptied, reset_sequences=True, **options)
        return _emptying(emptied)

    operations.sql_flush = deleting  # type: ignore[method-assign]
    post_migrate.disconnect(create_contenttypes)
    post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")
    with connection.cursor() as cursor:
        name = sql.Identifier(str(connection.settings_dict["NAME"]))
        cursor.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(name))
        cursor.execute("SET synchronous_commit = off")
        cursor.execute(f"SELECT relname FROM pg_class WHERE {_OWN_TABLES} AND relkind = 'r'")  # noqa: S608
        for (table,) in cursor.fetchall():
            cursor.execute(sql.SQL("ALTER TABLE {} SET (autovacuum_enabled = false)").format(sql.Identifier(table)))
    _beside.append(_connected())


def forget_statistics() -> None:
    """The tables count as never analyzed, and hold few rows of tests that are gone.

    Does nothing before `make_quick`, nor while a file's tests share the rows of a transaction (tests.shared_rows): its
    statistics are theirs.
    """
    if not _beside or connection.in_atomic_block:
        return
    if _beside[0].closed:  # a test ended all connections
        _beside[0] = _connected()
    with _beside[0].cursor() as cursor:
        for (table,) in cursor.execute(_LARGE, [MOST_BYTES]).fetchall():
            cursor.execute(sql.SQL("VACUUM (SKIP_LOCKED) {}").format(sql.Identifier(table)))
        cursor.execute(_FORGET)


def _connected() -> psycopg.Connection[Any]:
    """A connection beside the test's own, whose transactions it takes no part in."""
    parameters = connection.get_connection_params()
    return psycopg.connect(**{name: parameters[name] for name in _WHERE if name in parameters}, autocommit=True)


def _emptying(tables: Sequence[str]) -> list[str]:
    """The locks wait, as TRUNCATE does, for transactions that a killed process left behind: they write nothing later."""
    named = [sql.Identifier(table) for table in tables]
    statements = [
        sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(sql.SQL(", ").join(named)),
        sql.SQL("SET LOCAL session_replication_role = replica"),  # every row goes: no foreign key needs a check
        *(sql.SQL("DELETE FROM {}").format(table) for table in named),
    ]
    return [statement.as_string() for statement in statements]
