"""Cached answers with keys and buckets on: still given before Django is reached, to the callers that Django would admit, counted once."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from catalog.access import keys
from catalog.access.buckets import ProcessBuckets
from catalog.access.keys import KeyMemory
from catalog.models import ApiKey
from recommender import buckets, redis_client
from recommender.api import cached_answers
from tests.catalog.access.askers import publishable, secret
from tests.event_loop import EventLoop
from tests.recommender.api.serving import Served, serving
from tests.web.rsgi import Sent, asked

LIMITS = ("RateLimit", "RateLimit-Policy")


@pytest.fixture(autouse=True)
def counting_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Buckets of a process that is new."""
    counting = ProcessBuckets()
    for module in (buckets, cached_answers):
        monkeypatch.setattr(module, "in_process", counting)
    redis_client.breaker().succeeded()
    yield
    redis_client.breaker().succeeded()


@pytest.fixture
def limited(settings: Settings) -> None:
    """Keys are asked for, and nothing comes back into buckets while a test runs."""
    settings.API_ACCESS = "keys"
    settings.API_ADDRESS_RATE, settings.API_ADDRESS_BURST = 0.0001, 50
    settings.API_KEY_RATE, settings.API_KEY_BURST = 0.0001, 80


def bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_cached_answers_come_before_django_with_keys_and_buckets_on(served: Served, path: str, limited: None) -> None:
    """The first answer is Django's, which looks the key up and makes the answer; each of the others needs it no more."""
    page, build = publishable("https://shop.example"), secret()
    sent = {"Origin": "https://shop.example", **bearing(page)}
    status, headers, body = served.get(path, **sent)
    assert status == 200 and json.loads(body)["results"]
    assert headers["RateLimit"].startswith('"address";r=49;t=') and ', "key";r=79;t=' in headers["RateLimit"]
    assert served.asked == 1
    for left in range(48, 0, -1):
        status, headers, again = served.get(path, **sent)
        assert (status, again) == (200, body)
        assert headers["RateLimit"].startswith(f'"address";r={left};t=')
    assert served.asked == 1
    assert served.get(path, **bearing(build))[::2] == (200, body) and served.asked == 2  # a key that is looked up
    for left in range(78, 28, -1):
        status, headers, again = served.get(path, **bearing(build))
        assert (status, again) == (200, body) and headers["RateLimit"].startswith(f'"key";r={left};t=')
    assert served.asked == 2


def test_who_asks_too_often_is_refused_before_django_as_django_refuses(
    served: Served, path: str, limited: None, settings: Settings, client: Client
) -> None:
    settings.API_ADDRESS_BURST = 20
    sent = bearing(publishable())
    assert [served.get(path, **sent)[0] for _ in range(23)] == [200] * 20 + [429] * 3
    assert served.asked == 1
    status, headers, body = served.get(path, **sent)
    by_django = client.get(path, headers=sent, REMOTE_ADDR="192.0.2.7")
    assert status == by_django.status_code == 429 and served.asked == 1
    assert json.loads(body) == by_django.json() and by_django.json()["policy"] == "address"
    assert headers["Retry-After"] == by_django["Retry-After"] == "10000"
    assert (
        headers["RateLimit-Policy"] == by_django["RateLimit-Policy"] == '"address";q=20;w=200000, "key";q=80;w=800000'
    )
    assert headers["Content-Type"] == by_django["Content-Type"] == "application/problem+json"
    assert served.get(path, **bearing(secret()))[0] == 200  # counted by its key alone


def test_each_caller_behind_a_trusted_proxy_has_a_bucket(
    served: Served, path: str, limited: None, settings: Settings
) -> None:
    settings.API_ADDRESS_BURST = 20
    settings.TRUSTED_PROXIES = ["192.0.2.0/24"]
    sent = bearing(publishable())
    counted = Counter[tuple[str, int]]()
    for caller in ("203.0.113.1", "203.0.113.2", "1.1.1.1, 203.0.113.2"):
        for _ in range(15):
            counted[caller, served.get(path, X_Forwarded_For=caller, **sent)[0]] += 1
    assert counted == {
        ("203.0.113.1", 200): 15,
        ("203.0.113.2", 200): 15,
        ("1.1.1.1, 203.0.113.2", 200): 5,
        ("1.1.1.1, 203.0.113.2", 429): 10,
    }


def test_many_at_once_are_admitted_exactly_as_often_as_there_are_tokens(
    served: Served, path: str, limited: None
) -> None:
    sent = bearing(secret())
    assert served.get(path, **sent)[0] == 200

    async def storm() -> list[int]:
        return list(await asyncio.gather(*(served.status_of(path, sent) for _ in range(300))))

    assert Counter(served.loop.run(storm())) == {200: 79, 429: 221}
    assert served.asked == 1


def test_a_key_that_is_wrong_is_refused_alike_with_and_without_django(served: Served, path: str, limited: None) -> None:
    good, foreign = publishable("https://shop.example"), {"Origin": "https://evil.example"}
    assert served.get(path, **bearing(good))[0] == 200
    wrong: list[tuple[dict[str, str], int]] = [
        ({}, 401),
        (bearing(f"lk_pub_{uuid4().hex}"), 401),
        ({**bearing(good), **foreign}, 403),
        ({"Authorization": "Basic c2hvcDpzZWNyZXQ="}, 401),
    ]
    for headers, expected in wrong:
        first, again = served.get(path, **headers), served.get(path, **headers)
        assert first[0] == again[0] == expected and first[2] == again[2]
        assert first[1].get("WWW-Authenticate") == again[1].get("WWW-Authenticate")
        assert ("WWW-Authenticate" in first[1]) == (expected == 401)
    assert served.asked == 2  # the answer, and the key that had to be looked up


def test_a_revoked_key_gets_cached_answers_for_thirty_seconds_at_most(
    served: Served, path: str, limited: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clock:
        now = 1000.0

        def __call__(self) -> float:
            return self.now

    clock = Clock()
    monkeypatch.setattr("catalog.access.policy.memory", KeyMemory(clock))
    sent = bearing(secret())
    assert served.get(path, **sent)[0] == 200
    ApiKey.objects.update(revoked_at=timezone.now())
    clock.now += keys.KEPT_SECONDS - 1
    assert served.get(path, **sent)[0] == 200 and served.asked == 1
    clock.now += 1
    assert [served.get(path, **sent)[0] for _ in range(2)] == [401, 401] and served.asked == 2


def test_while_redis_is_away_the_process_counts(served: Served, path: str, limited: None, settings: Settings) -> None:
    sent = bearing(publishable())
    assert served.get(path, **sent)[0] == 200
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    settings.API_ADDRESS_BURST = 20
    redis_client.breaker().succeeded()
    answers = [served.get(path, **sent) for _ in range(22)]
    assert [status for status, _, _ in answers] == [200] * 20 + [429] * 2
    assert [headers["RateLimit"].partition(";t=")[0] for _, headers, _ in answers[18:]] == [
        '"address";r=1', '"address";r=0', '"address";r=0', '"address";r=0',
    ]  # fmt: skip


def test_an_open_api_without_buckets_says_nothing_of_limits(served: Served, path: str) -> None:
    for _ in range(2):
        assert set(LIMITS).isdisjoint(served.get(path)[1])
    assert served.asked == 1


def test_an_open_api_with_buckets_counts_who_sends_no_key(served: Served, path: str, settings: Settings) -> None:
    settings.API_ADDRESS_RATE, settings.API_ADDRESS_BURST = 0.0001, 20
    assert [served.get(path)[0] for _ in range(21)] == [200] * 20 + [429]
    assert served.asked == 1
    preflight = {"Access-Control-Request-Method": "GET", "Origin": "https://shop.example"}
    assert set(LIMITS).isdisjoint(served.get(path, method="OPTIONS", **preflight)[1])


def left(headers: Any) -> int:
    return int(headers["RateLimit"].partition(";r=")[2].partition(";")[0])


def test_what_a_body_asks_for_is_charged_once_it_is_read(path: str, settings: Settings, client: Client) -> None:
    settings.API_ADDRESS_RATE, settings.API_ADDRESS_BURST = 0.0001, 60
    number = int(path.split("/")[4])

    def post(endpoint: str, query: str = "", **body: Any) -> Any:
        return client.post(f"/api/v1/{endpoint}/{query}", json.dumps(body), content_type="application/json")

    assert left(post("recommendations", positive=[number])) == 59
    assert left(post("recommendations", positive=[number], exact=True)) == 49
    assert left(post("recommendations", "?exact=true", positive=[number])) == 39
    assert left(post("similar/batch", products=[number, 91, 92, 93, 94, 95])) == 37
    assert left(post("similar/batch", products=[number, *range(2000, 2099)])) == 17
    assert left(post("similar/batch", products=[number, *range(2000, 2099)])) == 16  # it is kept, and costs no search
    refused = post("similar/batch", products=[number, *range(3000, 3099)])
    assert (refused.status_code, refused["Retry-After"], left(refused)) == (429, "40000", 15)
    assert left(client.get(f"{path}?exact=true")) == 5
    assert client.get(f"{path}{number}/why/").status_code == 429


def test_the_shipped_application_asks_for_keys(path: str, limited: None) -> None:
    from config.rsgi import application

    token = publishable()
    with EventLoop() as loop:
        try:
            sent = [Sent(path, pairs=list(headers.items())) for headers in ({}, bearing(token), bearing(token))]
            answers = [loop.run(asked(application, one)) for one in sent]
        finally:
            loop.call(application.__rsgi_del__)
    assert [answer.status for answer in answers] == [401, 200, 200]
    assert answers[1].body == answers[2].body


def test_compression_and_keys_go_together(path: str, limited: None, settings: Settings) -> None:
    settings.MIDDLEWARE = ["django.middleware.gzip.GZipMiddleware", *settings.MIDDLEWARE]
    sent = bearing(publishable())
    with serving(WSGIHandler()) as served:
        answers = [served.get(path, Accept_Encoding="gzip", **sent) for _ in range(3)]
        assert [status for status, _, _ in answers] == [200] * 3 and served.asked == 1
        assert [left(headers) for _, headers, _ in answers] == [49, 48, 47]
        assert served.get(path)[0] == 401 and served.asked == 1
