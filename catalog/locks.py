"""Every advisory lock that the project takes in Postgres, and the statements that take them.

An advisory lock is a number that sessions agree upon; Postgres keeps it, and nothing in a table is locked. A lock may be
divided into parts (a second number), of which each is held for itself.

The numbers are fixed: during an upgrade processes of the version before and of this one exclude each other by them.
"""

from __future__ import annotations

import socket
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import IntEnum

from django.db import connection


class Lock(IntEnum):
    """Locks by what they protect. Each number spells four letters in ASCII, which is how `pg_locks` is read."""

    CATEGORY_TREE = 0x63617465  # "cate": the paths of the category tree, which an insertion moves
    # "phot", a part for each folder: stored files from the sweep while a row comes to name them
    PHOTO_FILES = 0x70686F74
    ENCODER_VERSIONS = 0x656E636F  # "enco": the version number that a newly compiled encoder is named by
    FETCHING = 0x66657463  # "fetc", a part for each place of a machine: the leases of photos that must be fetched first
    FEEDS_READ = 0x66656564  # "feed", a part for each place of a machine: the feeds that its workers read at once
    SPACES = 0x73706163  # "spac": which spaces there are and their states (alone), against writing vectors (shared)
    SPACE_BUILD = 0x6275696C  # "buil", a part for each space by its id: the one process that builds the space
    SPACES_IMPROVED = 0x62657474  # "bett": the one process that fits and switches spaces by itself
    # "plac": which pictures are placeholders (alone, for a moment), against writing vectors (shared)
    PLACEHOLDERS = 0x706C6163
    PLACEHOLDERS_COUNTED = 0x636E7470  # "cntp": the one process that counts and applies placeholders
    PHOTOS_ASKED_AGAIN = 0x61736B61  # "aska": the one process that asks servers whether they have new photos
    DEMO_SET_UP = 0x6C6F6F6B  # "look": the steps in which a demo prepares its database


# Of a lock whose parts are places, each machine has so many.
_MACHINES, _MOST_PLACES = 2**24, 2**6

# Which session holds a number of its own, as pg_locks shows pg_advisory_lock(bigint): the high half in classid, the low
# in objid, and 1 in objsubid.
_SESSION_NUMBERS = """
SELECT (classid::bigint << 32) | objid::bigint FROM pg_locks
WHERE locktype = 'advisory' AND objsubid = 1 AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def hold_until_commit(lock: Lock) -> None:
    """Wait until nobody else holds the lock, then hold it alone until the transaction ends."""
    _run("SELECT pg_advisory_xact_lock(%s)", lock)


def share_until_commit(lock: Lock, *part: int) -> None:
    """Hold the lock, or a part of it, beside others that share it, until the transaction ends."""
    _run(f"SELECT pg_advisory_xact_lock_shared({_keys(part)})", lock, *part)


def share_parts_until_commit(lock: Lock, parts: Iterable[int]) -> None:
    """Hold several parts of a lock beside others that share them, until the transaction ends: lowest first, in one statement."""
    _run(
        "SELECT count(pg_advisory_xact_lock_shared(%s, part)) FROM unnest(%s::int[]) AS part",
        lock,
        sorted(set(parts)),
    )


def try_until_commit(lock: Lock, part: int) -> bool:
    """Hold a part alone until the transaction ends; False at once where somebody holds or shares it."""
    return bool(_run("SELECT pg_try_advisory_xact_lock(%s, %s)", lock, part))


def hold_for_session(lock: Lock) -> None:
    """Wait until nobody else holds the lock, then hold it alone until `release` or the end of the session."""
    _run("SELECT pg_advisory_lock(%s)", lock)


def try_for_session(lock: Lock, *part: int) -> bool:
    """Hold a lock, or a part of it, alone until `release` or the end of the session; False at once where another does."""
    return bool(_run(f"SELECT pg_try_advisory_lock({_keys(part)})", lock, *part))


def release(lock: Lock, *part: int) -> None:
    """Give up what `hold_for_session` or `try_for_session` took."""
    _run(f"SELECT pg_advisory_unlock({_keys(part)})", lock, *part)


def hold_session_number(number: int) -> None:
    """Hold a random number of 63 bits until the session ends: others see by it that this session lives.

    Drawn at random, it meets a number of `Lock`, or that of another session, about once in 2³¹ sessions.
    """
    _run("SELECT pg_advisory_lock(%s)", number)


def release_session_number(number: int) -> None:
    """Give up what `hold_session_number` took."""
    _run("SELECT pg_advisory_unlock(%s)", number)


@contextmanager
def place_of_machine(lock: Lock, places: int) -> Iterator[bool]:
    """One of this machine's `places` of a lock, held by this session; False within it when all are taken."""
    first = (zlib.crc32(socket.gethostname().encode()) % _MACHINES) * _MOST_PLACES
    numbers = range(first, first + min(_MOST_PLACES, places))
    place = next((one for one in numbers if try_for_session(lock, one)), None)
    if place is None:
        yield False
        return
    session = connection.connection
    try:
        yield True
    finally:
        # A session that was lost meanwhile has lost its place, too.
        if connection.connection is session and session is not None and not session.closed:
            release(lock, place)


def session_numbers() -> set[int]:
    """The numbers that sessions of this database hold at this moment; locks without parts are among them."""
    with connection.cursor() as cursor:
        cursor.execute(_SESSION_NUMBERS)
        return {number for (number,) in cursor.fetchall()}


def _keys(part: tuple[int, ...]) -> str:
    return "%s, %s" if part else "%s"


def _run(statement: str, *keys: int | list[int]) -> object:
    with connection.cursor() as cursor:
        cursor.execute(statement, [key if isinstance(key, list) else int(key) for key in keys])
        row = cursor.fetchone()
        return row and row[0]
