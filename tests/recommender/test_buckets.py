"""Token buckets in Redis: exact among many callers, by a clock that the test moves, and the same as those of a process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from catalog.access.buckets import Bucket, Charge, Counted, ProcessBuckets, bucket
from recommender import buckets, redis_client
from recommender.bucket_script import Found, Lookup
from recommender.buckets import count, count_by
from recommender.redis_client import LoopReader
from tests.event_loop import run
from tests.waiting import wait_until


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(buckets, "in_process", ProcessBuckets())
    redis_client.breaker().succeeded()
    yield
    redis_client.breaker().succeeded()


def slow(whose: str = "a", burst: int = 100) -> Bucket:
    """One of which no token comes back while a test runs."""
    return bucket("address", whose, rate=0.0001, burst=burst)


def test_many_callers_get_exactly_what_there_is(settings: Settings) -> None:
    """Each of a connection of its own, as processes have."""
    one = (Charge(slow(burst=300), 1),)

    def calls(_: int) -> int:
        with redis.Redis.from_url(settings.REDIS_URL) as client:
            answers = [count_by(client, one) for _ in range(100)]
        return sum(answer is not None and answer.admitted for answer in answers)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(calls, range(8))) == 300


def test_threads_and_event_loops_count_in_the_same_buckets() -> None:
    charges = (Charge(slow("a", 100), 1), Charge(slow("b", 60), 1))

    async def calls(number: int) -> int:
        reader = LoopReader()
        try:
            answers = await asyncio.gather(*(reader.look_up(Lookup(charges)) for _ in range(number)))
        finally:
            await reader.close()
        return sum(answer is not None and answer[0] is not None and answer[0].admitted for answer in answers)

    assert sum(count(charges).admitted for _ in range(25)) == 25
    assert run(calls(500)) == 35
    assert not count(charges).admitted and count(charges[:1]).admitted


@pytest.mark.parametrize(("rate", "burst"), [(1.0, 20), (3.0, 25), (6.0, 20), (7.0, 100), (0.1, 20), (14_000.0, 500)])
def test_tokens_come_back_by_the_clock(rate: float, burst: int) -> None:
    client, one, now = redis_client.client(), (Charge(bucket("key", "1", rate=rate, burst=burst), 1),), 1.8e9

    def admitted(calls: int, now: float) -> int:
        answers = [count_by(client, one, now=now) for _ in range(calls)]
        return sum(answer is not None and answer.admitted for answer in answers)

    assert admitted(burst + 5, now) == burst
    assert admitted(7, now + 5.001 / rate) == 5
    assert admitted(2 * burst, now + 30 * burst / rate) == burst


def test_redis_has_a_clock_and_forgets_full_buckets() -> None:
    quick = bucket("address", "a", rate=50.0, burst=20)
    assert count((Charge(quick, 20),)).admitted and not count((Charge(quick, 20),)).admitted
    left = redis_client.client().pttl(quick.place)
    assert 1000 < left <= 1400
    wait_until(lambda: not redis_client.client().exists(quick.place), seconds=5, what="the end of a full bucket")
    assert count((Charge(quick, 20),)).admitted


STEPS = st.lists(
    st.tuples(
        st.integers(0, 3_000_000), st.lists(st.tuples(st.integers(0, 2), st.integers(1, 25)), min_size=1, max_size=3)
    ),
    min_size=1,
    max_size=30,
)


@given(STEPS)
def test_property_a_process_counts_as_redis_does(steps: list[tuple[int, list[tuple[int, int]]]]) -> None:
    client = redis_client.client()
    client.flushdb()
    now = 1_800_000_000_000_000
    counting = ProcessBuckets(lambda: now / 1e6)
    kinds = [
        bucket("address", str(n), rate=rate, burst=burst)
        for n, (rate, burst) in enumerate([(1.0, 20), (7.0, 30), (2.5, 50)])
    ]
    for later, taken in steps:
        now += later
        charges = tuple(Charge(kinds[which], tokens) for which, tokens in dict(taken).items())
        assert count_by(client, charges, now=now / 1e6) == counting.count(charges)


def test_values_come_with_the_count_and_not_without_tokens() -> None:
    redis_client.client().mset({"one": b"1", "two": b"2"})
    bounded, free = Lookup((Charge(slow(burst=20), 10),), ("one", "none", "two")), Lookup(keys=("two",))

    async def calls() -> list[Found | None]:
        reader = LoopReader()
        try:
            return await asyncio.gather(*(reader.look_up(one) for one in (bounded, free, bounded, bounded, free)))
        finally:
            await reader.close()

    unit = 10_000_000_000
    values: list[bytes | None] = [b"1", None, b"2"]
    assert run(calls()) == [
        (Counted(True, (10 * unit,)), values),
        (None, [b"2"]),
        (Counted(True, (20 * unit,)), values),
        (Counted(False, (20 * unit,)), [None, None, None]),
        (None, [b"2"]),
    ]


def test_what_is_counted_while_a_reply_is_awaited_goes_as_one_command() -> None:
    client = redis_client.client()
    count((Charge(slow("other"), 1),))  # Redis knows the script now
    before = client.info("commandstats")["cmdstat_evalsha"]["calls"]

    async def calls() -> list[Found | None]:
        reader = LoopReader()
        try:
            return await asyncio.gather(*(reader.look_up(Lookup((Charge(slow(), 1),), ("one",))) for _ in range(50)))
        finally:
            await reader.close()

    answers = run(calls())
    assert [answer is not None and answer[0] is not None and answer[0].admitted for answer in answers] == [True] * 50
    assert client.info("commandstats")["cmdstat_evalsha"]["calls"] == before + 1


def test_a_redis_that_forgot_the_script_is_told_it_again() -> None:
    client, one = redis_client.client(), (Charge(slow(burst=20), 8),)
    client.script_flush()
    assert count(one).admitted
    client.script_flush()

    async def call() -> Found | None:
        reader = LoopReader()
        try:
            return await reader.look_up(Lookup(one))
        finally:
            await reader.close()

    answer = run(call())
    assert answer is not None and answer[0] is not None and answer[0].admitted
    assert not count(one).admitted


def test_while_redis_is_away_a_process_counts_by_itself(settings: Settings) -> None:
    one = (Charge(slow(burst=40), 1),)
    assert count(one).admitted
    away, there = "redis://127.0.0.1:1/0", settings.REDIS_URL
    settings.REDIS_URL = away
    redis_client.breaker().succeeded()
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(lambda _: count(one).admitted, range(100))) == 40
    settings.REDIS_URL = there
    assert sum(count(one).admitted for _ in range(100)) == 39


@pytest.mark.parametrize("wrong", ["a list", "no number"])
def test_what_redis_refuses_to_count_a_process_counts(wrong: str) -> None:
    """And values are read all the same."""
    client, one = redis_client.client(), (Charge(slow(burst=30), 1),)
    client.set("one", b"1")
    if wrong == "a list":
        client.rpush(one[0].bucket.place, "x")
    else:
        client.set(one[0].bucket.place, "x")

    async def call() -> Found | None:
        reader = LoopReader()
        try:
            return await reader.look_up(Lookup(one, ("one",)))
        finally:
            await reader.close()

    answer = run(call())
    if wrong == "a list":
        assert answer == (None, [b"1"])
        assert sum(count(one).admitted for _ in range(50)) == 30
    else:
        assert answer is not None and answer[1] == [b"1"]
        assert sum(count(one).admitted for _ in range(50)) == 29
    assert redis_client.breaker().closed
