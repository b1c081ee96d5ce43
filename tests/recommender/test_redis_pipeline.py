"""One connection to Redis on an event loop: replies in the order of the questions, and no waiting for a Redis that is away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import redis
from pytest_django import Settings

from recommender import redis_client
from recommender.redis_pipeline import RedisPipeline, Reply
from tests.event_loop import run

Server = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def connected() -> AsyncIterator[RedisPipeline]:
    pipeline = RedisPipeline()
    connecting = pipeline.ready()
    assert connecting is not None
    await connecting
    try:
        yield pipeline
    finally:
        pipeline.close()


@asynccontextmanager
async def served_by(server: Server, settings: Settings) -> AsyncIterator[None]:
    """A server of a test's own as the Redis of this process."""
    listening = await asyncio.start_server(server, "127.0.0.1", 0)
    settings.REDIS_URL = f"redis://127.0.0.1:{listening.sockets[0].getsockname()[1]}/0"
    redis_client.breaker().reset()
    try:
        yield
    finally:
        listening.close()


async def ask(pipeline: RedisPipeline, *words: str) -> Reply | None:
    replied: asyncio.Future[Reply | None] = asyncio.get_running_loop().create_future()
    assert pipeline.ask([word.encode() for word in words], replied.set_result)
    return await replied


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the SELECT, and nothing after it."""
    await reader.readuntil(b"0\r\n")
    writer.write(b"+OK\r\n")
    await reader.read()
    writer.close()


def test_replies_come_in_the_order_of_the_questions_however_large(settings: Settings) -> None:
    settings.REDIS_TIMEOUT_SECONDS = 30.0  # 60 MB are no matter of milliseconds
    sizes = [0, 1, 10, 70_000, 3_000_000, 2]
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.mset({f"size:{size}": b"\r\n" * (size // 2) + b"x" * (size % 2) for size in sizes})

    async def all_at_once() -> list[Reply | None]:
        async with connected() as pipeline:
            questions = [["MGET", f"size:{size}", "none"] for size in sizes] * 20
            return await asyncio.gather(*(ask(pipeline, *words) for words in questions))

    replies = run(all_at_once())
    assert [(len((reply or [])[0] or b""), (reply or [])[1:]) for reply in replies] == [(n, [None]) for n in sizes * 20]


def test_replies_that_come_byte_by_byte(settings: Settings) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"0\r\n")
        for byte in b"+OK\r\n*2\r\n$3\r\na\r\n\r\n$-1\r\n:7\r\n-ERR no\r\n$2\r\nxy\r\n":
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)

    async def several() -> list[Reply | None]:
        async with served_by(drip, settings), connected() as pipeline:
            return await asyncio.gather(*(ask(pipeline, "ANY") for _ in range(4)))

    assert run(several()) == [[b"a\r\n", None], [b"7"], None, [b"xy"]]


def test_a_redis_that_hangs_is_given_up_in_time(settings: Settings) -> None:
    settings.REDIS_TIMEOUT_SECONDS = 0.2

    async def several() -> None:
        async with served_by(hang, settings), connected() as pipeline:
            began = time.monotonic()
            assert await asyncio.gather(*(ask(pipeline, "GET", "x") for _ in range(5))) == [None] * 5
            assert 0.2 <= time.monotonic() - began < 2
            assert not redis_client.breaker().closed
            assert not pipeline.ask([b"GET", b"x"], lambda reply: None) and pipeline.ready() is None

    run(several())


def test_a_connection_that_was_lost_is_made_anew(settings: Settings) -> None:
    async def twice() -> None:
        async with connected() as pipeline:
            with redis.Redis.from_url(settings.REDIS_URL) as client:
                client.client_kill_filter(_type="normal", skipme=True)
            async with asyncio.timeout(10):
                while (connecting := pipeline.ready()) is None:
                    await asyncio.sleep(0.01)
            await connecting
            assert await ask(pipeline, "ECHO", "again") == [b"again"]

    run(twice())


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "redis://:wrong@{address}/0", "redis://{address}/9999"])
def test_who_is_not_let_in_asks_nothing(settings: Settings, url: str) -> None:
    address = settings.REDIS_URL.partition("://")[2].rpartition("@")[2].partition("/")[0]
    settings.REDIS_URL = url.format(address=address)
    redis_client.breaker().reset()

    async def once() -> None:
        async with connected() as pipeline:
            assert not redis_client.breaker().closed
            assert not pipeline.ask([b"GET", b"x"], lambda reply: None)

    run(once())


def test_tls_is_left_to_the_threads(settings: Settings) -> None:
    settings.REDIS_URL = "rediss://127.0.0.1:1/0"
    redis_client.breaker().reset()

    async def once() -> None:
        async with connected() as pipeline:
            assert not pipeline.ask([b"GET", b"x"], lambda reply: None)
            assert pipeline.ready() is None and redis_client.breaker().closed

    run(once())


@pytest.mark.parametrize("answer", [b"-NOAUTH Authentication required.\r\n", b""], ids=["refused", "no answer"])
def test_a_connection_that_never_came_about_is_closed(
    settings: Settings, caplog: pytest.LogCaptureFixture, answer: bytes
) -> None:
    settings.REDIS_TIMEOUT_SECONDS = 0.2

    async def closed_by_us() -> None:
        ended = asyncio.Event()

        async def greeted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"0\r\n")
            writer.write(answer)
            try:
                await reader.read()
            finally:
                ended.set()
                writer.close()

        async with served_by(greeted, settings):
            connecting = RedisPipeline().ready()
            assert connecting is not None
            await connecting
            assert not redis_client.breaker().closed
            await asyncio.wait_for(ended.wait(), 5)

    run(closed_by_us())
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []
