"""A test database that is quick to empty and waits for no disk; what it holds is as good as any other's while it runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.contenttypes.management import create_contenttypes
from django.db import connection
from django.db.models.signals import post_migrate
from psycopg import sql

# Written once, when the database is migrated, and the same for every test.
_KEPT = {"django_content_type", "auth_permission"}


def make_quick() -> None:
    """Of the test database of this process, once it is there: commits do not wait, and DELETE empties it between tests.

    TRUNCATE makes anew the files of every table and index, a hundred or so, also of those that hold nothing: a third of a
    second after each test that commits, and Django then writes its content types and permissions again.
    """
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


def _emptying(tables: Sequence[str]) -> list[str]:
    """The locks wait, as TRUNCATE does, for transactions that a killed process left behind: they write nothing later."""
    named = [sql.Identifier(table) for table in tables]
    statements = [
        sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(sql.SQL(", ").join(named)),
        sql.SQL("SET LOCAL session_replication_role = replica"),  # every row goes: no foreign key needs a check
        *(sql.SQL("DELETE FROM {}").format(table) for table in named),
    ]
    return [statement.as_string() for statement in statements]
