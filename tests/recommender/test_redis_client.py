"""Commands sent past the client's bookkeeping: answered in order, and again after a connection that was closed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from pytest_django import Settings

from recommender import redis_client


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    redis_client.client().delete("one", "two")
    yield
    redis_client.client().delete("one", "two")


def close_connections(settings: Settings) -> None:
    """As an idle time-out or a restart of Redis does."""
    with redis.Redis.from_url(settings.REDIS_URL) as other:
        other.client_kill_filter(_type="normal", skipme=True)


def test_a_command_gives_what_redis_says() -> None:
    client = redis_client.client()
    assert redis_client.command(client, "SET", "one", b"1", "PX", 60_000) == b"OK"
    assert redis_client.command(client, "MGET", "one", "two") == [b"1", None]
    with pytest.raises(redis.ResponseError, match="wrong number of arguments"):
        redis_client.command(client, "GET")
    assert redis_client.command(client, "GET", "one") == b"1"


def test_a_closed_connection_costs_a_command_nothing(settings: Settings) -> None:
    client = redis_client.client()
    redis_client.command(client, "SET", "one", b"1")
    close_connections(settings)
    assert redis_client.command(client, "GET", "one") == b"1"


def test_what_is_told_is_done_and_its_answer_is_nobody_elses() -> None:
    redis_client.tell("SET", "one", b"1")
    redis_client.tell("SET", "two", b"2")
    assert redis_client.ask(lambda client: redis_client.command(client, "GET", "one"), None) == b"1"
    redis_client.tell("SET", "one", b"3")
    assert redis_client.ask(lambda client: client.mget("one", "two"), None) == [b"3", b"2"]


def test_what_redis_refuses_of_it_is_logged_and_nobody_elses_either(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_client._mine, "refused_at", float("-inf"))
    for _ in range(3):
        redis_client.tell("SET", "one")
        assert redis_client.ask(lambda client: redis_client.command(client, "PING"), None) == b"PONG"
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        "Redis refuses what is to be kept, so more is asked of Postgres"
    ]


def test_a_connection_closed_before_its_answer_was_read_is_made_anew(settings: Settings) -> None:
    redis_client.tell("SET", "one", b"1")
    close_connections(settings)
    assert redis_client.ask(lambda client: redis_client.command(client, "PING"), None) == b"PONG"
    close_connections(settings)
    redis_client.tell("SET", "two", b"2")
    assert redis_client.ask(lambda client: redis_client.command(client, "PING"), None) == b"PONG"
