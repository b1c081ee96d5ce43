"""Redis on an event loop: one connection, on which every question is sent at once and answered in turn.

Nothing here waits: a Redis that hangs costs the loop nothing, and what many callers ask in one moment is one exchange.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, cast

import redis
from django.conf import settings
from redis.connection import parse_url

from recommender import redis_client

Reply = list[bytes | None]
Then = Callable[[Reply | None], None]
_Incomplete = IndexError


class RedisPipeline:
    """The connection of the loop that asks, made when it is first needed. While Redis is away nothing is asked.

    TLS is not spoken here: with such a REDIS_URL nothing is asked either.
    """

    def __init__(self) -> None:
        self._wire: _Wire | None = None
        self._of: tuple[str, asyncio.AbstractEventLoop] | None = None
        self._spoken = True
        self._connecting: asyncio.Task[None] | None = None

    def ready(self) -> asyncio.Task[None] | None:
        """A task to wait for before something is asked; None where there is nothing to wait for."""
        if self._connecting is not None and not self._connecting.done():
            return self._connecting
        wanted = (settings.REDIS_URL, asyncio.get_running_loop())
        lost = self._wire is None or self._wire.lost
        if self._of != wanted or (lost and self._spoken and redis_client.breaker().closed):
            self.close()
            self._of, self._spoken = wanted, not wanted[0].startswith("rediss:")
            self._connecting = wanted[1].create_task(self._connect(wanted[0]))
            return self._connecting
        return None

    def ask(self, words: Sequence[bytes], then: Then) -> bool:
        """Whether the command was sent; `then` is called on the loop with its reply, or None where it fails."""
        if self._wire is None or self._wire.lost or not redis_client.breaker().closed:
            return False
        self._wire.send(words, then)
        return True

    def close(self) -> None:
        """End the connection; what was asked is answered with None."""
        if self._wire is not None:
            self._wire.end()
            self._wire = None

    async def _connect(self, url: str) -> None:
        options = parse_url(url)  # type: ignore[no-untyped-call]
        loop = asyncio.get_running_loop()
        if not self._spoken:
            return
        wire: _Wire | None = None
        try:
            async with asyncio.timeout(settings.REDIS_TIMEOUT_SECONDS):
                if "path" in options:
                    _, wire = await loop.create_unix_connection(_Wire, options["path"])
                else:
                    host, port = options.get("host", "localhost"), options.get("port", 6379)
                    _, wire = await loop.create_connection(_Wire, host, port)
                await wire.greet(options)
        except (OSError, redis.RedisError) as error:  # a TimeoutError is an OSError
            redis_client.breaker().open(error)
            if wire is not None:
                wire.end()
            return
        self._wire = wire


class _Wire(asyncio.Protocol):
    """One connection in RESP2. `lost`: nothing more can be asked."""

    def __init__(self) -> None:
        self.lost = False
        self._buffer = b""
        self._asked: deque[tuple[float, Then]] = deque()
        self._watching = False
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's own is none by its class

    async def greet(self, options: dict[str, Any]) -> None:
        """AUTH and SELECT, as the URL has them. Raises redis.ConnectionError."""
        commands = []
        if password := options.get("password"):
            commands.append(["AUTH", *filter(None, [options.get("username")]), password])
        commands.append(["SELECT", str(options.get("db", 0))])
        for words in commands:
            if await self._replied(words) is None:
                raise redis.ConnectionError(f"{words[0]} was refused")

    async def _replied(self, words: Sequence[str]) -> Reply | None:
        replied: asyncio.Future[Reply | None] = self._loop.create_future()

        def hear(reply: Reply | None) -> None:
            if not replied.done():  # given up meanwhile
                replied.set_result(reply)

        self.send([word.encode() for word in words], hear)
        return await replied

    def send(self, words: Sequence[bytes], then: Then) -> None:
        self._asked.append((time.monotonic(), then))
        self._transport.write(
            b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)
        )
        if not self._watching:
            self._watching = True
            self._loop.call_later(settings.REDIS_TIMEOUT_SECONDS, self._watch)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while self._asked:
            try:
                reply, end = _reply(self._buffer, 0)
            except _Incomplete:
                return
            self._buffer = self._buffer[end:]
            self._asked.popleft()[1](reply)

    def connection_lost(self, error: Exception | None) -> None:
        self.end()

    def end(self) -> None:
        self.lost = True
        self._transport.abort()
        while self._asked:
            self._asked.popleft()[1](None)

    def _watch(self) -> None:
        """While something is asked: has Redis taken longer than REDIS_TIMEOUT_SECONDS?"""
        if not self._asked:
            self._watching = False
            return
        left = self._asked[0][0] + settings.REDIS_TIMEOUT_SECONDS - time.monotonic()
        if left > 0:
            self._loop.call_later(left, self._watch)
            return
        redis_client.breaker().open(redis.TimeoutError("it does not answer in time"))
        self.end()


def _reply(buffer: bytes, at: int) -> tuple[Reply | None, int]:
    """A reply from `at` on, and where it ends; None is an error. Raises _Incomplete."""
    kind, line, at = _line(buffer, at)
    if kind == b"*":
        items: Reply = []
        for _ in range(int(line)):
            kind, line, at = _line(buffer, at)
            item, at = _bulk(buffer, int(line), at) if kind == b"$" else (line, at)
            items.append(item)
        return items, at
    if kind == b"$":
        item, at = _bulk(buffer, int(line), at)
        return [item], at
    return (None if kind == b"-" else [line]), at


def _line(buffer: bytes, at: int) -> tuple[bytes, bytes, int]:
    end = buffer.find(b"\r\n", at)
    if end < 0:
        raise _Incomplete
    return buffer[at : at + 1], buffer[at + 1 : end], end + 2


def _bulk(buffer: bytes, length: int, at: int) -> tuple[bytes | None, int]:
    if length < 0:
        return None, at
    if len(buffer) < at + length + 2:
        raise _Incomplete
    return buffer[at : at + length], at + length + 2
