"""Redis as something that may be away: short time-outs, and a breaker so that not every request pays for them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import TypeVar

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger(__name__)

R = TypeVar("R")
D = TypeVar("D")

REST_SECONDS = 1.0


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
            with self._lock:
                if not self._closed_again:
                    logger.warning("Redis is away, answers come from Postgres alone: %s", error)
                self._closed_again = time.monotonic() + REST_SECONDS
            return otherwise
        if self._closed_again:
            with self._lock:
                self._closed_again = 0.0
        return answer

    def reset(self) -> None:
        self._closed_again = 0.0


def client() -> redis.Redis:
    """The client of REDIS_URL; connections are made when asked, one idle one that broke is replaced at once."""
    return _client(settings.REDIS_URL, settings.REDIS_TIMEOUT_SECONDS)


def breaker() -> Breaker:
    """The breaker of REDIS_URL in this process."""
    return _breaker(settings.REDIS_URL)


def ask(question: Callable[[redis.Redis], R], otherwise: D) -> R | D:
    """What Redis says, or `otherwise` while it is away, slow or resting."""
    return breaker().call(lambda: question(client()), otherwise)


@cache
def _client(url: str, seconds: float) -> redis.Redis:
    return redis.Redis.from_url(
        url,
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
        protocol=2,
    )


@cache
def _breaker(url: str) -> Breaker:
    return Breaker()
