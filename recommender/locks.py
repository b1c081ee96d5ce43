"""The one lock between those who write vectors (shared) and those who change which spaces there are (exclusive)."""

from __future__ import annotations

from django.db import connection

SPACES_LOCK = 0x73706163  # "spac"
_BUILD_LOCK = 0x6275696C  # "buil", with the id of the space


def share_spaces() -> None:
    """Until the transaction ends no space is fitted, activated or retired."""
    _run("SELECT pg_advisory_xact_lock_shared(%s)", SPACES_LOCK)


def hold_spaces() -> None:
    """Until the transaction ends nobody writes vectors, and nobody else changes spaces."""
    _run("SELECT pg_advisory_xact_lock(%s)", SPACES_LOCK)


def take_build(space_id: int) -> bool:
    """This session alone builds the space, until `leave_build` or its end; False where another does."""
    return bool(_run("SELECT pg_try_advisory_lock(%s, %s)", _BUILD_LOCK, space_id))


def leave_build(space_id: int) -> None:
    _run("SELECT pg_advisory_unlock(%s, %s)", _BUILD_LOCK, space_id)


def _run(statement: str, *values: int) -> object:
    with connection.cursor() as cursor:
        cursor.execute(statement, list(values))
        row = cursor.fetchone()
        return row and row[0]
