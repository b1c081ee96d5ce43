"""Statements to Postgres that are prepared on the connection, and searches under settings of their own.

BEGIN, the settings (`SET LOCAL`), the statements and COMMIT go out together in psycopg's pipeline mode. Measured at
50,000 photos: .07 ms over the bare statement, where single statements cost .6 ms.

Inside a caller's transaction nothing is prepared. psycopg answers every rollback, that of a savepoint too, by
deallocating all that the session has prepared, and where the rollback went out in a pipeline it does so only after the
next statement, which is lost by it. So what is prepared and what may be rolled back never meet here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import psycopg
from django.db import connection
from psycopg import sql

from recommender.halfvec import raw_connection
from recommender.index.types import SpaceGone

Row = tuple[Any, ...]
Statement = tuple[str, Mapping[str, object]]
R = TypeVar("R")

# The session does not have the statement (any more), or a column that it reads has another type since it was prepared.
_LOST = (psycopg.errors.InvalidSqlStatementName, psycopg.errors.FeatureNotSupported)


def rows(
    statement: str | sql.SQL | sql.Composed, values: Mapping[str, object] | Sequence[object], *, binary: bool = False
) -> list[Row]:
    """The rows of one statement; `binary`: as the wire carries numbers and vectors, without their text form.

    Raises SpaceGone where a partition is no more, else Django's database errors.
    """

    def answer(raw: psycopg.Connection) -> list[Row]:
        prepare = not connection.in_atomic_block
        return psycopg.Cursor(raw).execute(statement, values, prepare=prepare, binary=binary).fetchall()

    return _answered(answer)


def ask(settings: Statement, statements: Sequence[Statement]) -> list[list[Row]]:
    """The rows of each statement, asked under `settings` that end with it.

    Inside a caller's transaction the settings end at a savepoint that is rolled back: nothing here writes.
    Raises SpaceGone where a partition is no more, else Django's database errors.
    """

    def answer(raw: psycopg.Connection) -> list[list[Row]]:
        if connection.in_atomic_block:
            with _savepoint(raw):
                return _pipelined(raw, [settings], statements, [])
        with _own_transaction(raw):
            return _pipelined(raw, [("BEGIN READ ONLY", {}), settings], statements, [("COMMIT", {})])

    return _answered(answer)


def _answered(answer: Callable[[psycopg.Connection], R]) -> R:
    """The answer on this thread's connection; where a prepared statement was lost, once more on a fresh one.

    A caller's transaction cannot be asked again: it ends with the connection.
    """
    with connection.wrap_database_errors, _translated():
        try:
            return answer(raw_connection())
        except _LOST:
            connection.close()
            if connection.in_atomic_block:
                raise
        return answer(raw_connection())


def _pipelined(
    raw: psycopg.Connection, before: Sequence[Statement], statements: Sequence[Statement], after: Sequence[Statement]
) -> list[list[Row]]:
    """All in one round trip; the rows of `statements`."""
    prepare = not connection.in_atomic_block
    with raw.pipeline():
        for text, values in before:
            psycopg.Cursor(raw).execute(text, values, prepare=prepare)
        cursors = [
            psycopg.Cursor(raw).execute(text, values, prepare=prepare, binary=True) for text, values in statements
        ]
        for text, values in after:
            psycopg.Cursor(raw).execute(text, values, prepare=prepare)
    return [cursor.fetchall() for cursor in cursors]


@contextmanager
def _translated() -> Iterator[None]:
    """A partition that is no more is a space that was retired."""
    try:
        yield
    except psycopg.errors.UndefinedTable as error:
        raise SpaceGone(str(error)) from error


@contextmanager
def _own_transaction(raw: psycopg.Connection) -> Iterator[None]:
    """Ends a transaction that failed half-way; where that cannot be, the connection is closed."""
    try:
        yield
    except BaseException:  # not the database's alone: a value that cannot be sent, an interrupt
        try:
            raw.rollback()
        except psycopg.Error:
            raw.close()
        raise


@contextmanager
def _savepoint(raw: psycopg.Connection) -> Iterator[None]:
    """The caller's transaction goes on as it was, whatever happens inside. Set and rolled back outside the pipeline."""
    raw.execute("SAVEPOINT search")
    try:
        yield
    except BaseException:
        with suppress(psycopg.Error):  # the connection broke, as the error that is being raised says
            _roll_back_to_savepoint(raw)
        raise
    _roll_back_to_savepoint(raw)


def _roll_back_to_savepoint(raw: psycopg.Connection) -> None:
    raw.execute("ROLLBACK TO SAVEPOINT search")
    raw.execute("RELEASE SAVEPOINT search")
