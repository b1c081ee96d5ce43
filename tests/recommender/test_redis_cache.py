"""What is dear to make is kept in Redis, read back only where it is what was kept, and made again where it is lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from pytest_django import Settings

from recommender.redis_cache import RedisCache

NUMBERS: RedisCache[int] = RedisCache(
    prefix="of-a-test:",
    seconds=90,
    to_bytes=lambda number: str(number).encode(),
    from_bytes=lambda kept: int(kept) if kept.isdigit() else None,
)


@pytest.fixture(autouse=True)
def server(settings: Settings) -> Iterator[redis.Redis]:
    """The Redis of the tests, whatever address a test sets; empty of what these tests keep."""
    names = [f"of-a-test:{key}" for key in "abc"]
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.delete(*names)
        yield client
        client.delete(*names)


class Making:
    """Counts how often a value is made."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> int:
        self.times += 1
        return 40 + self.times


def test_a_value_is_made_once_and_kept_for_its_time(server: redis.Redis) -> None:
    make = Making()
    assert [NUMBERS.get_or_make("a", make) for _ in range(3)] == [41, 41, 41]
    assert make.times == 1
    assert server.get("of-a-test:a") == b"41"
    assert 80 < server.ttl("of-a-test:a") <= 90


def test_what_is_no_such_value_is_as_good_as_lost(server: redis.Redis) -> None:
    server.set("of-a-test:a", b"forty")
    server.set("of-a-test:b", b"2")
    assert NUMBERS.get("a") is None
    assert NUMBERS.get_many(["a", "b", "b", "c"]) == {"b": 2}
    assert NUMBERS.get_or_make("a", Making()) == 41
    assert NUMBERS.get("a") == 41


def test_nothing_is_asked_of_redis_for_no_keys(settings: Settings) -> None:
    settings.REDIS_URL = "not even an address"
    assert NUMBERS.get_many([]) == {}


def test_without_redis_values_are_made_each_time(settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    make = Making()
    assert [NUMBERS.get_or_make("a", make) for _ in range(2)] == [41, 42]
    assert NUMBERS.get_many(["a", "b"]) == {}


def test_what_making_raises_is_raised_and_nothing_is_kept() -> None:
    def fail() -> int:
        raise LookupError("no such thing")

    with pytest.raises(LookupError):
        NUMBERS.get_or_make("a", fail)
    assert NUMBERS.get("a") is None
