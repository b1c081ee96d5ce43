"""The advisory locks: one list of numbers, which never change, and one module that takes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.db import connection, transaction

from catalog import locks
from catalog.locks import Lock

PROJECT = Path(__file__).resolve().parent.parent.parent

# As versions in use take them: with other numbers two versions that run side by side would not see each other.
NUMBERS = {
    "CATEGORY_TREE": 1667331173,
    "PHOTO_FILES": 1885892468,
    "ENCODER_VERSIONS": 1701733231,
    "FEEDS_READ": 0x66656564,
    "FETCHING": 1717924963,
    "SPACES": 1936744803,
    "SPACE_BUILD": 1651861868,
    "PHOTOS_ASKED_AGAIN": 0x61736B61,
    "DEMO_SET_UP": 1819242347,
    "SPACES_IMPROVED": 1650816116,
    "PLACEHOLDERS": 1886151011,
    "PLACEHOLDERS_COUNTED": 1668183152,
}


def test_every_lock_keeps_its_number_and_no_two_share_one() -> None:
    assert {name: int(lock) for name, lock in Lock.__members__.items()} == NUMBERS
    assert len(set(NUMBERS.values())) == len(NUMBERS)


def test_no_other_module_takes_an_advisory_lock() -> None:
    takers = [
        path.relative_to(PROJECT).as_posix()
        for app in ("catalog", "recommender", "config")
        for path in sorted((PROJECT / app).rglob("*"))
        if path.suffix in (".py", ".sql") and re.search("pg_(try_)?advisory", path.read_text(encoding="utf-8"))
    ]
    assert takers == ["catalog/locks.py"]


@pytest.fixture
def other(transactional_db: None) -> Iterator[psycopg.Cursor]:
    """Another session, which takes locks by number, as a process of another version does."""
    parameters = connection.get_connection_params()
    wanted = {name: parameters[name] for name in ("host", "port", "dbname", "user", "password") if name in parameters}
    with psycopg.connect(**wanted, autocommit=True) as session, session.cursor() as cursor:
        yield cursor


def answer(cursor: psycopg.Cursor, statement: str) -> object:
    row = cursor.execute(statement.encode()).fetchone()
    assert row is not None
    return row[0]


def test_a_lock_of_a_transaction_keeps_others_out_until_it_ends(other: psycopg.Cursor) -> None:
    with transaction.atomic():
        locks.hold_until_commit(Lock.SPACES)
        assert answer(other, "SELECT pg_try_advisory_lock_shared(1936744803)") is False
    assert answer(other, "SELECT pg_try_advisory_lock_shared(1936744803)") is True


def test_a_shared_part_lets_others_share_it_and_nobody_have_it_alone(other: psycopg.Cursor) -> None:
    with transaction.atomic():
        locks.share_until_commit(Lock.PHOTO_FILES, 7)
        assert answer(other, "SELECT pg_try_advisory_xact_lock_shared(1885892468, 7)") is True
        assert answer(other, "SELECT pg_try_advisory_xact_lock(1885892468, 7)") is False
        assert answer(other, "SELECT pg_try_advisory_xact_lock(1885892468, 8)") is True
    assert answer(other, "SELECT pg_try_advisory_lock_shared(1885892468, 7)") is True
    with transaction.atomic():
        assert locks.try_until_commit(Lock.PHOTO_FILES, 7) is False
        assert locks.try_until_commit(Lock.PHOTO_FILES, 8) is True


def test_a_lock_of_a_session_is_held_until_it_is_released(other: psycopg.Cursor) -> None:
    assert locks.try_for_session(Lock.SPACE_BUILD, 5) is True
    locks.hold_for_session(Lock.DEMO_SET_UP)
    assert answer(other, "SELECT pg_try_advisory_lock(1651861868, 5)") is False
    assert answer(other, "SELECT pg_try_advisory_lock(1819242347)") is False
    locks.release(Lock.SPACE_BUILD, 5)
    locks.release(Lock.DEMO_SET_UP)
    assert answer(other, "SELECT pg_try_advisory_lock(1651861868, 5)") is True
    assert answer(other, "SELECT pg_try_advisory_lock(1819242347)") is True
    assert locks.try_for_session(Lock.SPACE_BUILD, 5) is False


def test_the_number_of_a_living_session_is_seen_and_that_of_a_dead_one_is_not(other: psycopg.Cursor) -> None:
    number = 2**62 + 12345
    answer(other, f"SELECT pg_advisory_lock({number}) IS NULL")
    assert number in locks.session_numbers()
    other.connection.close()
    with connection.cursor() as cursor:
        for _ in range(200):
            if number not in locks.session_numbers():
                break
            cursor.execute("SELECT pg_sleep(.02)")
    assert number not in locks.session_numbers()
