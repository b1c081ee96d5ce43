"""What a process knows of the keys that it was sent, so that a request with a key costs no statement in Postgres."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from catalog.access.admission import KeyIdentity, Undecided
from catalog.access.tokens import digest_of
from catalog.models import ApiKey

KEPT_SECONDS = 30.0  # so a key that is revoked is refused everywhere after so long
MOST_KEPT = 10_000  # keys that there are, and as many that callers made up
USED_SECONDS = 60.0  # the moment of a key's last use is written at most once in so many

# Not waiting for a row that somebody else is changing: the next look-up writes it.
_USED = """
UPDATE catalog_apikey SET last_used_at = now() WHERE id = (
    SELECT id FROM catalog_apikey
    WHERE id = %s AND (last_used_at IS NULL OR last_used_at < now() - make_interval(secs => %s))
    FOR UPDATE SKIP LOCKED
)
"""


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key as it was read. `ends`: from which moment it is not valid, None without end; `revoked`: it was ended by a person."""

    identity: KeyIdentity
    prefix: str
    origins: frozenset[str]
    rate: float | None
    burst: int | None
    ends: datetime | None
    revoked: bool


class KeyMemory:
    """Keys by their hash, each for KEPT_SECONDS after it was read. `clock`: seconds.

    Keys that there are not are remembered by themselves: whoever makes keys up drives no true one out.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._read: dict[str, tuple[float, KeyRecord]] = {}
        self._unknown: dict[str, float] = {}

    def record(self, token: str, *, may_wait: bool) -> KeyRecord | None:
        """The key's record, None where there is no such key. Raises Undecided where it would have to be read and may not be."""
        digest, now = digest_of(token), self._clock()
        read_at, record = self._read.get(digest, (float("-inf"), None))
        if now - read_at < KEPT_SECONDS:
            return record
        if now - self._unknown.get(digest, float("-inf")) < KEPT_SECONDS:
            return None
        if not may_wait:
            raise Undecided
        return self._keep(digest, now, _look_up(digest))

    def _keep(self, digest: str, now: float, record: KeyRecord | None) -> KeyRecord | None:
        for kept in (self._read, self._unknown):
            if len(kept) >= MOST_KEPT:
                kept.clear()
        if record is None:
            self._read.pop(digest, None)
            self._unknown[digest] = now
        else:
            self._read[digest] = now, record
        return record


memory = KeyMemory()


def _look_up(digest: str) -> KeyRecord | None:
    """The record in Postgres. It is read because the key is in use, so this is where the use is noted."""
    key = ApiKey.objects.filter(digest=digest).first()
    if key is None:
        return None
    now = timezone.now()
    noted = key.last_used_at is not None and key.last_used_at > now - timedelta(seconds=USED_SECONDS)
    if not noted and key.ended_at(now) is None:
        with connection.cursor() as cursor:
            cursor.execute(_USED, [key.pk, USED_SECONDS])
    return KeyRecord(
        identity=KeyIdentity(key.pk, key.name, "secret" if key.kind == ApiKey.Kind.SECRET else "publishable"),
        prefix=key.prefix,
        origins=frozenset(key.origins),
        rate=key.rate,
        burst=key.burst,
        ends=min(filter(None, (key.revoked_at, key.expires_at)), default=None),
        revoked=key.revoked_at is not None,
    )
