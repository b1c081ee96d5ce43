"""Redis as something that may be away: short time-outs, and a breaker so that not every request pays for them."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.connection import AbstractConnection
from redis.retry import Retry

logger = logging.getLogger(__name__)

R = TypeVar("R")
D = TypeVar("D")

REST_SECONDS = 1.0
REFUSED_SECONDS = 60.0


class Breaker:
    """After a failure nothing is asked for a second; then one asks, and the others wait for what it finds."""

    def __init__(self) -> None:
        self._closed_again = 0.0
        self._lock = threading.Lock()

    def call(self, question: Callable[[], R], otherwise: D) -> R | D:
        """The answer of Redis, or `otherwise` while it is away."""
        now = time.monotonic()
        with self._lock:
            if now < self._closed_again:
                return otherwise
            if self._closed_again:
                self._closed_again = now + REST_SECONDS  # this call tries; meanwhile the others do without
        try:
            answer = question()
        except (redis.RedisError, OSError) as error:
            self.open(error)
            return otherwise
        if self._closed_again:
            with self._lock:
                self._closed_again = 0.0
        return answer

    def open(self, error: Exception) -> None:
        """Redis failed: it is left alone for a second."""
        with self._lock:
            if not self._closed_again:
                logger.warning("Redis is away, answers come from Postgres alone: %s", error)
            self._closed_again = time.monotonic() + REST_SECONDS

    @property
    def closed(self) -> bool:
        """Whether Redis is asked without a second thought; else it was away a moment ago."""
        return not self._closed_again

    def reset(self) -> None:
        self._closed_again = 0.0


def client() -> redis.Redis:
    """This thread's client of REDIS_URL, with a connection of its own: threads that share a pool wait for each other.

    Connected here; a connection that broke meanwhile is replaced when something is asked. Raises redis.RedisError.
    """
    wanted = (settings.REDIS_URL, settings.REDIS_TIMEOUT_SECONDS, os.getpid())
    if _mine.client is None or _mine.of != wanted:
        _mine.client, _mine.of, _mine.owed = _client(*wanted[:2]), wanted, False
    if _mine.owed:
        _read_owed(_mine.client)
    return _mine.client


def breaker() -> Breaker:
    """The breaker of REDIS_URL in this process."""
    return _breaker(settings.REDIS_URL)


def ask(question: Callable[[redis.Redis], R], otherwise: D) -> R | D:
    """What Redis says, or `otherwise` while it is away, slow or resting."""
    return breaker().call(lambda: question(client()), otherwise)


def command(asked: redis.Redis, *words: str | bytes | int) -> Any:
    """One command on a client of `client()`, its answer as it came; as the client does it, without what it counts and times.

    A third of an exchange's CPU (83 → 56 µs on the loopback). redis-py leaves these methods untyped. Raises
    redis.RedisError.
    """
    connection = _connection(asked)
    try:
        connection.send_command(*words)  # type: ignore[no-untyped-call]
        return connection.read_response()
    except redis.ConnectionError:  # closed since the last question, by an idle time-out or a restart
        connection.disconnect()  # type: ignore[no-untyped-call]
    connection.send_command(*words)  # type: ignore[no-untyped-call]
    return connection.read_response()


def tell(*words: str | bytes | int) -> None:
    """A command whose answer is not waited for: it is read before this thread's next question. May be lost.

    Not within a question of `ask`: the answer to it would be taken for that one's.
    """

    def send(asked: redis.Redis) -> None:
        _mine.owed = True
        try:
            _connection(asked).send_command(*words)  # type: ignore[no-untyped-call]
        except BaseException:
            _mine.owed = False
            raise

    ask(send, None)


def _read_owed(asked: redis.Redis) -> None:
    """The answer to what was told: nobody waits for it, but a Redis that refuses is named, once a minute a thread."""
    _mine.owed = False
    try:
        _connection(asked).read_response()
    except redis.ConnectionError:
        return  # the next command finds it out and connects anew
    except redis.ResponseError as error:
        now = time.monotonic()
        if now - _mine.refused_at > REFUSED_SECONDS:
            _mine.refused_at = now
            logger.warning("Redis refuses what is to be kept, so more is asked of Postgres: %s", error)


def _connection(asked: redis.Redis) -> AbstractConnection:
    assert asked.connection is not None  # a client of its own connection, connected when it was made
    return asked.connection


class _Mine(threading.local):
    """The client of a thread, and the URL, time-out and process that it was made for: no child uses its parent's.

    `owed`: the answer to what `tell` sent is still to be read. `refused_at`: when the log last had a refusal.
    """

    client: redis.Redis | None = None
    of: tuple[str, float, int] | None = None
    owed: bool = False
    refused_at: float = float("-inf")


_mine = _Mine()


def _client(url: str, seconds: float) -> redis.Redis:
    return redis.Redis.from_url(
        url,
        single_connection_client=True,
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
        protocol=2,
    )


@cache
def _breaker(url: str) -> Breaker:
    return Breaker()
