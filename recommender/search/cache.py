"""Cached answers: bytes in Redis for a few seconds, never one that was begun before something was hidden.

An entry carries the epoch that stood when its answer was begun, when that was, and the answer's ETag. Hiding a product (unpublished,
deleted, a photo removed) sets a new epoch on commit, before the write returns; entries of another epoch are ignored. The
epoch is random, not a count: after a flush a new one is made, which no answer in the making can carry. With Redis away at
the commit, what was begun before dies by its age.
"""

from __future__ import annotations

import hashlib
import secrets
import struct
import threading
import time
from dataclasses import dataclass

import redis
from django.conf import settings

from catalog.caching import ETAG_BYTES, etag_of
from recommender import redis_client

EPOCH = "answers:epoch"
_EPOCH_BYTES = 16
_SAME_COMMIT_SECONDS = 0.1
_HEAD = struct.Struct(f"<{_EPOCH_BYTES}sd{ETAG_BYTES}s")  # epoch, wall clock at the beginning, ETag
# Of keys: another number for another form of entries, so that servers of two versions do not read each other's.
_FORM = 2


@dataclass(slots=True)  # one is made for every answer, and a frozen one takes three times as long
class Kept:
    """An answer that was kept: its JSON, and the ETag of that."""

    body: bytes
    etag: str


@dataclass(frozen=True)
class Beginning:
    """The moment at which an answer was begun; without an epoch the answer is not kept.

    `key`: where in Redis the answer belongs. `began`: wall clock, seconds. `space_id`, `rules`: the space that was active then and
    the version of the rules that were in force, which are part of the key.
    """

    key: str
    epoch: bytes | None
    began: float
    space_id: int
    rules: str


class _Forgetting(threading.local):
    """When this thread last found Redis away in `forget_all`."""

    failed_at: float = float("-inf")


_forgetting = _Forgetting()


def key_of(*, space_id: int, rules: str, request: bytes) -> str:
    """Where the answer to a request is kept. `rules`: the version of those that it obeys, 64 characters at most. `request`: bytes
    that tell it from every other."""
    return f"answer:{_FORM}:{space_id}:{hashlib.blake2b(request, digest_size=16, key=rules.encode()).hexdigest()}"


def look_up(*, space_id: int, rules: str, request: bytes) -> tuple[Kept | None, Beginning]:
    """The cached answer to a request (see `key_of`), if there is one, and the beginning of a new one. One round trip."""
    key = key_of(space_id=space_id, rules=rules, request=request)
    began = time.time()
    epoch, entry = redis_client.ask(lambda client: client.mget(EPOCH, key), (None, None))
    if not isinstance(epoch, bytes):
        return None, Beginning(key, redis_client.ask(_new_epoch, None), began, space_id, rules)
    beginning = Beginning(key, epoch, began, space_id, rules)
    return current(beginning, entry), beginning


def current(beginning: Beginning, entry: object) -> Kept | None:
    """The answer of an entry that was kept in the epoch of `beginning`, and is not too old at that moment."""
    if isinstance(entry, bytes) and len(entry) > _HEAD.size:
        epoch, began, etag = _HEAD.unpack_from(entry)
        if epoch == beginning.epoch and 0 <= beginning.began - began < settings.ANSWER_CACHE_SECONDS:
            return Kept(entry[_HEAD.size :], etag.decode())
    return None


def keep(beginning: Beginning, body: bytes) -> None:
    """Keep an answer until ANSWER_CACHE_SECONDS after it was begun."""
    left = settings.ANSWER_CACHE_SECONDS - (time.time() - beginning.began)
    if beginning.epoch is None or left <= 0:
        return
    entry = _HEAD.pack(beginning.epoch, beginning.began, etag_of(body).encode()) + body
    redis_client.ask(lambda client: client.set(beginning.key, entry, px=max(1, int(left * 1000))), None)


def forget_all() -> None:
    """Something was hidden: no answer begun before now is given again. Never raises because Redis is away.

    Asks even while the breaker rests: Redis may be back, and whoever reads may reach it. But a commit that hides many
    products calls this for each of them, one after the other, and waits for an absent Redis once.
    """
    if time.monotonic() - _forgetting.failed_at < _SAME_COMMIT_SECONDS:
        return
    try:
        redis_client.client().set(EPOCH, secrets.token_bytes(_EPOCH_BYTES))
    except redis_client.AWAY:
        _forgetting.failed_at = time.monotonic()  # entries die by their age


def _new_epoch(client: redis.Redis) -> bytes | None:
    """The epoch in force; made here when a flush took it. Whoever is first makes it for all."""
    client.set(EPOCH, secrets.token_bytes(_EPOCH_BYTES), nx=True)
    epoch = client.get(EPOCH)
    return epoch if isinstance(epoch, bytes) and len(epoch) == _EPOCH_BYTES else None
