"""The health check of a connection: nothing is sent to the server, and a connection that it ended is replaced."""

from __future__ import annotations

import select

import psycopg
import pytest
from django.db import close_old_connections, connection
from django.db.backends.postgresql.base import DatabaseWrapper

pytestmark = pytest.mark.django_db(transaction=True)


def _pid() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """What Django's own check said, each time it was made."""
    answers: list[bool] = []
    plain = DatabaseWrapper.is_usable

    def is_usable(self: DatabaseWrapper) -> bool:
        answers.append(plain(self))
        return answers[-1]

    monkeypatch.setattr(DatabaseWrapper, "is_usable", is_usable)
    return answers


def test_a_healthy_connection_is_not_asked(asked: list[bool]) -> None:
    before = _pid()
    close_old_connections()
    assert _pid() == before
    assert connection.is_usable()
    assert asked == []


def test_a_connection_that_the_server_ended_is_replaced_before_the_next_question(asked: list[bool]) -> None:
    before = _pid()
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [before])
            assert cursor.fetchone()[0]
    finally:
        other.close()
    close_old_connections()
    assert _pid() != before
    assert asked == [False]


def test_what_the_server_says_besides_does_not_end_a_connection(asked: list[bool]) -> None:
    before = _pid()
    with connection.cursor() as cursor:
        cursor.execute("LISTEN news")
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("NOTIFY news")
    finally:
        other.close()
    select.select([connection.connection], [], [], 10)
    close_old_connections()
    try:
        assert _pid() == before
        assert asked == [True]
    finally:
        connection.close()


def test_a_transaction_left_open_is_asked_about(asked: list[bool]) -> None:
    before = _pid()
    connection.connection.execute("BEGIN")
    with pytest.raises(psycopg.errors.DivisionByZero):
        connection.connection.execute("SELECT 1 / 0")
    close_old_connections()
    assert _pid() != before
    assert asked == [False]


def test_a_closed_connection_is_not_usable() -> None:
    _pid()
    connection.connection.close()
    assert not connection.is_usable()
    connection.close()
    assert not connection.is_usable()
