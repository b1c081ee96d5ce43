"""Redis from threads and from an event loop: nobody waits long for one that is away, and what it refuses is no absence."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
import redis
from pytest_django import Settings

from recommender import redis_client
from recommender.bucket_script import Lookup
from recommender.redis_client import LoopReader
from tests.event_loop import run

Server = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
KEYS = ("one", "two", "three")


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    redis_client.breaker().succeeded()
    redis_client.client().delete(*KEYS)
    yield
    redis_client.breaker().succeeded()


@pytest.fixture
def silent_redis(settings: Settings) -> Iterator[None]:
    """Connections are taken, and nothing is ever answered."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        settings.REDIS_URL = f"redis://127.0.0.1:{listening.getsockname()[1]}/0"
        settings.REDIS_TIMEOUT_SECONDS = 0.2
        yield


@asynccontextmanager
async def reader() -> AsyncIterator[LoopReader]:
    made = LoopReader()
    try:
        yield made
    finally:
        await made.close()


async def values_of(asked: LoopReader, *keys: str) -> list[bytes | None] | None:
    """The values of keys, None for all where Redis is away."""
    found = await asked.look_up(Lookup(keys=keys))
    return None if found is None else found[1]


@asynccontextmanager
async def served_by(server: Server, settings: Settings) -> AsyncIterator[None]:
    """A server of a test's own as the Redis of this process."""
    listening = await asyncio.start_server(server, "127.0.0.1", 0)
    settings.REDIS_URL = f"redis://127.0.0.1:{listening.sockets[0].getsockname()[1]}/0"
    try:
        yield
    finally:
        listening.close()


def close_connections(settings: Settings) -> None:
    """As an idle time-out or a restart of Redis does; other workers of the tests keep theirs."""
    with redis.Redis.from_url(settings.REDIS_URL) as other:
        database = other.get_connection_kwargs()["db"]
        for client in other.client_list(_type="normal"):
            if int(client["db"]) == database:
                other.client_kill_filter(_id=client["id"], skipme=True)


def address(settings: Settings) -> str:
    return str(settings.REDIS_URL).partition("://")[2].rpartition("@")[2].partition("/")[0]


def test_a_closed_connection_costs_a_command_nothing(settings: Settings) -> None:
    assert redis_client.ask(lambda client: client.set("one", b"1", px=60_000), None) is True
    close_connections(settings)
    assert redis_client.ask(lambda client: client.mget("one", "two"), None) == [b"1", None]


def test_who_hangs_is_waited_for_once(silent_redis: None) -> None:
    began = time.monotonic()
    assert [redis_client.ask(lambda client: client.get("one"), "away") for _ in range(20)] == ["away"] * 20
    assert 0.2 <= time.monotonic() - began < 0.4
    assert not redis_client.breaker().closed


def test_what_redis_refuses_is_logged_once_and_is_no_absence(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.REDIS_URL += "?client_name=refused"  # the log names a refusal once a minute for each server
    redis_client.ask(lambda client: client.set("one", b"text"), None)
    assert [redis_client.ask(lambda client: client.incr("one"), -1) for _ in range(3)] == [-1] * 3
    assert redis_client.breaker().closed
    assert redis_client.ask(lambda client: client.get("one"), None) == b"text"
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        "Redis refuses a command, so more is asked of Postgres"
    ]


def test_many_callers_on_a_loop_get_their_own_values_however_large(settings: Settings) -> None:
    settings.REDIS_TIMEOUT_SECONDS = 30.0  # 60 MB are no matter of milliseconds
    sizes = [0, 1, 10, 70_000, 3_000_000, 2]
    redis_client.client().mset({f"size:{size}": b"\r\n" * (size // 2) + b"x" * (size % 2) for size in sizes})

    async def all_at_once() -> list[list[bytes | None] | None]:
        async with reader() as values:
            return await asyncio.gather(*(values_of(values, f"size:{size}", "none") for size in sizes * 20))

    found = run(all_at_once())
    redis_client.client().delete(*(f"size:{size}" for size in sizes))
    assert [(len((values or [])[0] or b""), (values or [])[1:]) for values in found] == [
        (n, [None]) for n in sizes * 20
    ]


def test_what_is_asked_while_a_reply_is_awaited_goes_as_one_command(settings: Settings) -> None:
    redis_client.client().mset({"one": b"1", "two": b"2"})
    before = redis_client.client().info("commandstats")["cmdstat_mget"]["calls"]

    async def several() -> list[list[bytes | None] | None]:
        async with reader() as values:
            return await asyncio.gather(*(values_of(values, key) for key in KEYS * 10))

    assert run(several()) == [[b"1"], [b"2"], [None]] * 10
    assert redis_client.client().info("commandstats")["cmdstat_mget"]["calls"] == before + 1


def test_a_caller_that_gives_up_takes_no_value_from_the_others() -> None:
    redis_client.client().mset({"one": b"1", "two": b"2"})

    async def several() -> list[bytes | None] | None:
        async with reader() as values:
            given_up = asyncio.create_task(values_of(values, "one"))
            await asyncio.sleep(0)
            kept = asyncio.create_task(values_of(values, "two"))
            await asyncio.sleep(0)
            given_up.cancel()
            return await kept

    assert run(several()) == [b"2"]


def test_a_redis_that_hangs_costs_a_loop_one_time_out(silent_redis: None, caplog: pytest.LogCaptureFixture) -> None:
    async def several() -> None:
        async with reader() as values:
            began = time.monotonic()
            assert await asyncio.gather(*(values_of(values, "one") for _ in range(5))) == [None] * 5
            assert 0.2 <= time.monotonic() - began < 0.4
            assert await values_of(values, "one") is None
            assert time.monotonic() - began < 0.4 and not redis_client.breaker().closed

    run(several())
    assert [record.getMessage() for record in caplog.records] == [
        "Redis is away, answers come from Postgres alone: no answer within 0.2 s"
    ]


def test_an_address_that_cannot_be_read_leaves_nobody_waiting(settings: Settings) -> None:
    settings.REDIS_URL = "rodeo://127.0.0.1/0"

    async def several() -> None:
        async with reader() as values, asyncio.timeout(5):
            found = await asyncio.gather(*(values_of(values, "one") for _ in range(3)), return_exceptions=True)
            assert [type(one) for one in found] == [ValueError] * 3

    run(several())


def test_a_redis_that_hangs_after_it_let_us_in_costs_a_loop_one_time_out(settings: Settings) -> None:
    settings.REDIS_TIMEOUT_SECONDS = 0.2

    async def hang(received: asyncio.StreamReader, sent: asyncio.StreamWriter) -> None:
        sent.write(b"+OK\r\n" * 3)  # more than a client asks before its first command
        await received.read()
        sent.close()

    async def several() -> None:
        async with served_by(hang, settings), reader() as values:
            began = time.monotonic()
            assert await asyncio.gather(*(values_of(values, "one") for _ in range(5))) == [None] * 5
            assert time.monotonic() - began < 0.4 and not redis_client.breaker().closed

    run(several())


def test_a_connection_that_was_lost_is_made_anew_on_a_loop(settings: Settings) -> None:
    redis_client.client().set("one", b"1")

    async def twice() -> None:
        async with reader() as values:
            assert await values_of(values, "one") == [b"1"]
            close_connections(settings)
            assert await values_of(values, "one") == [b"1"]
            assert redis_client.breaker().closed

    run(twice())


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "redis://:wrong@{address}/0", "redis://{address}/9999"])
def test_who_is_not_let_in_does_without(settings: Settings, url: str) -> None:
    settings.REDIS_URL = url.format(address=address(settings))

    async def once() -> list[bytes | None] | None:
        async with reader() as values:
            return await values_of(values, "one")

    assert run(once()) is None and not redis_client.breaker().closed
    redis_client.breaker().succeeded()
    assert redis_client.ask(lambda client: client.get("one"), "away") == "away" and not redis_client.breaker().closed


@pytest.mark.parametrize("answer", [b"-NOAUTH Authentication required.\r\n", b""], ids=["refused", "no answer"])
def test_a_connection_that_never_came_about_is_closed(
    settings: Settings, caplog: pytest.LogCaptureFixture, answer: bytes
) -> None:
    settings.REDIS_TIMEOUT_SECONDS = 0.2

    async def closed_by_us() -> None:
        ended = asyncio.Event()

        async def greeted(received: asyncio.StreamReader, sent: asyncio.StreamWriter) -> None:
            await received.readuntil(b"\r\n")
            sent.write(answer)
            try:
                await received.read()
            finally:
                ended.set()
                sent.close()

        async with served_by(greeted, settings), reader() as values:
            assert await values_of(values, "one") is None
            assert not redis_client.breaker().closed
            await asyncio.wait_for(ended.wait(), 5)

    run(closed_by_us())
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []
