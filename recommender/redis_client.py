"""Redis as something that may be away: short time-outs, and a breaker so that not every caller pays for them.

Threads ask by `ask`, the event loop of the web server by `LoopReader`. Both do without Redis while it is away, and it may
be wiped at any moment: nothing is kept there that cannot be made again.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeVar

import redis
import redis.asyncio
from django.conf import settings
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from catalog.breaker import Breaker
from recommender.bucket_script import SCRIPT, SHA, Found, Lookup, arguments_of, found, keys_of

logger = logging.getLogger(__name__)

R = TypeVar("R")
D = TypeVar("D")

AWAY = (redis.RedisError, OSError)  # what is raised where Redis is away, slow or refuses who asks
REST_SECONDS = 1.0
REFUSED_SECONDS = 60.0  # how often the log names what Redis refuses

_refused_at: dict[str, float] = {}


def connect(url: str, *, seconds: float | None = None) -> redis.Redis:
    """A client of its own connection, connected; raises redis.RedisError. `seconds`: REDIS_TIMEOUT_SECONDS by default.

    A connection that broke since the last command is replaced, once: whoever waits, waits for one time-out.
    """
    return redis.Redis.from_url(
        url,
        single_connection_client=True,  # threads that share a pool wait for each other
        socket_timeout=seconds or settings.REDIS_TIMEOUT_SECONDS,
        socket_connect_timeout=seconds or settings.REDIS_TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
        protocol=2,
    )


def client() -> redis.Redis:
    """This thread's client of REDIS_URL, whether Redis is away or not. Raises redis.RedisError."""
    made_for = (settings.REDIS_URL, settings.REDIS_TIMEOUT_SECONDS, os.getpid())
    if _of_thread.client is None or _of_thread.made_for != made_for:
        _of_thread.client, _of_thread.made_for = connect(settings.REDIS_URL), made_for
    return _of_thread.client


def breaker(url: str | None = None) -> Breaker:
    """What this process knows of the Redis at a URL, REDIS_URL by default: whoever asks it shares one breaker."""
    return _breaker(url or settings.REDIS_URL)


def ask(command: Callable[[redis.Redis], R], otherwise: D) -> R | D:
    """What Redis answers to `command`, or `otherwise` while it is away or slow, or where it refuses the command."""
    if not breaker().admits():
        return otherwise
    try:
        connected = client()
        try:
            answer: R | D = command(connected)
        except redis.ResponseError as error:  # it is full, or a replica
            _log_refusal(error)
            answer = otherwise
    except AWAY as error:
        went_away(error)
        return otherwise
    breaker().succeeded()
    return answer


def went_away(error: BaseException) -> None:
    """Redis did not answer: it is left alone for REST_SECONDS."""
    if breaker().failed():
        why = str(error) or f"no answer within {settings.REDIS_TIMEOUT_SECONDS:g} s"  # asyncio's time-out has no text
        logger.warning("Redis is away, answers come from Postgres alone: %s", why)


class LoopReader:
    """Reads values on an event loop: what many callers ask for while a reply is awaited goes as one command.

    That is MGET, or, where tokens are to be counted too, the script that does both. Made on any loop, for it connects when it is
    first asked; while Redis is away it says so at once, and leaves it to a thread to find out when it is back.
    """

    def __init__(self) -> None:
        self._client: redis.asyncio.Redis | None = None
        self._made_for: tuple[str, float, asyncio.AbstractEventLoop] | None = None
        self._waiting: list[tuple[Lookup, asyncio.Future[Found | None]]] = []
        self._asking: asyncio.Task[None] | None = None

    async def look_up(self, lookup: Lookup) -> Found | None:
        """Whether the buckets gave their tokens, and the values, None for one that is not there; they are not read where a bucket
        gave none. None where Redis is away.

        Where Redis reads but refuses to count (it is full, or a replica), it is None and the values. Raises ValueError for a
        REDIS_URL that cannot be read.
        """
        if not breaker().closed:
            return None
        loop = asyncio.get_running_loop()
        reply: asyncio.Future[Found | None] = loop.create_future()
        self._waiting.append((lookup, reply))
        if self._asking is None or self._asking.done():
            self._asking = loop.create_task(self._ask())
        return await reply

    async def close(self) -> None:
        """End the connection."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _ask(self) -> None:
        """Ask for what is waited for until nothing is."""
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                answers = await self._answers([lookup for lookup, _ in batch])
            except Exception as error:  # whoever waits would wait for ever
                for _, reply in batch:
                    if not reply.done():
                        reply.set_exception(error)
                continue
            for (_, reply), answer in zip(batch, answers, strict=True):
                if not reply.done():  # whoever asked may have given up
                    reply.set_result(answer)

    async def _answers(self, lookups: Sequence[Lookup]) -> Sequence[Found | None]:
        if not breaker().closed:
            return [None] * len(lookups)
        try:
            async with asyncio.timeout(settings.REDIS_TIMEOUT_SECONDS):
                connected = await self._connected()
                if any(lookup.charges for lookup in lookups):
                    try:
                        return list(found(lookups, await _counted(connected, lookups)))
                    except redis.ResponseError as error:
                        _log_refusal(error)
                values: Any = iter(await connected.mget([key for lookup in lookups for key in lookup.keys]))
                return [(None, [next(values) for _ in lookup.keys]) for lookup in lookups]
        except AWAY as error:  # a TimeoutError is an OSError
            went_away(error)
            return [None] * len(lookups)

    async def _connected(self) -> redis.asyncio.Redis:
        made_for = (settings.REDIS_URL, settings.REDIS_TIMEOUT_SECONDS, asyncio.get_running_loop())
        if self._client is None or self._made_for != made_for:
            await self.close()
            self._made_for = made_for
            self._client = redis.asyncio.Redis.from_url(
                settings.REDIS_URL,
                single_connection_client=True,
                socket_timeout=None,  # `_answers` bounds the whole exchange, for less than a time-out of every read
                socket_connect_timeout=settings.REDIS_TIMEOUT_SECONDS,
                retry=AsyncRetry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
                protocol=2,
            )
        return self._client


async def _counted(connected: redis.asyncio.Redis, lookups: Sequence[Lookup]) -> Any:
    """The reply of the script that counts and reads."""
    keys = keys_of(lookups)
    sent = [*keys, *arguments_of(lookups)]
    try:
        return await connected.evalsha(SHA, len(keys), *sent)
    except redis.exceptions.NoScriptError:  # Redis began anew
        return await connected.eval(SCRIPT, len(keys), *sent)


class _OfThread(threading.local):
    """The client of a thread, and the URL, time-out and process that it was made for: no child uses its parent's."""

    client: redis.Redis | None = None
    made_for: tuple[str, float, int] | None = None


_of_thread = _OfThread()


def _log_refusal(error: Any) -> None:
    now = time.monotonic()
    if now - _refused_at.get(settings.REDIS_URL, float("-inf")) > REFUSED_SECONDS:
        _refused_at[settings.REDIS_URL] = now
        logger.warning("Redis refuses a command, so more is asked of Postgres: %s", error)


@cache
def _breaker(url: str) -> Breaker:
    return Breaker(rest_seconds=REST_SECONDS, trial_seconds=REST_SECONDS)
