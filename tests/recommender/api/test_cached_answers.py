"""Answers from Redis before Django is reached: the same to the caller as Django's own, for less."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import Client
from pytest_django import Settings

from catalog.models import Product
from recommender import redis_client
from tests.catalog.writes.keys import Caller
from tests.event_loop import EventLoop
from tests.recommender.api.serving import Served, serving
from tests.web.rsgi import Sent, asked

ROUTE = 'route="api/v1/products/<product:product>/similar/"'


def test_a_kept_answer_is_the_one_that_django_gave_and_does_not_reach_it(served: Served, path: str) -> None:
    status, headers, body = served.get(path, X_Request_ID="first")
    assert status == 200 and json.loads(body)["results"][0]["product"]["sku"]
    for name in ("X-Frame-Options", "X-Content-Type-Options", "Referrer-Policy", "Cache-Control", "Content-Type"):
        assert name in headers
    again = served.get(path, X_Request_ID="second")
    assert again == (status, headers | {"X-Request-ID": "second"}, body)
    assert served.asked == 1
    assert served.get(path, "limit=1")[0] == 200 and served.asked == 2  # another search
    assert served.get(path, "limit=1")[0] == 200 and served.asked == 2


def test_an_identifier_that_is_no_word_is_replaced(served: Served, path: str) -> None:
    for given in ("", "two words", "line\nbreak", "x" * 129):
        _, headers, _ = served.get(path, X_Request_ID=given)
        assert len(headers["X-Request-ID"]) == 32 and headers["X-Request-ID"].isalnum()
    assert served.asked == 1


def test_a_host_that_may_not_ask_gets_no_answer_from_redis(served: Served, path: str, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["localhost", "shop.example.com"]
    assert served.get(path)[0] == 200
    assert served.get(path, Host="evil.example.com")[0] == 400
    assert served.get(path, Host="shop.example.com")[0] == 200
    assert served.asked == 2
    assert served.get(path, Host="evil.example.com")[0] == 400
    assert served.get(path, Host="shop.example.com")[0] == 200
    assert served.asked == 3


def test_who_asks_without_https_is_redirected_whatever_is_kept(path: str, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT, settings.SECURE_HSTS_SECONDS = True, 60
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    with serving(WSGIHandler()) as served:
        for count in (1, 1):
            status, headers, _ = served.get(path, X_Forwarded_Proto="https")
            assert status == 200 and headers["Strict-Transport-Security"].startswith("max-age=60")
            assert served.asked == count
        for proto in ("http", "http,https", ""):
            status, headers, _ = served.get(path, X_Forwarded_Proto=proto)
            assert status == 301 and headers["Location"] == f"https://localhost{path}"


def test_kept_answers_are_counted_as_their_route(served: Served, path: str, client: Client) -> None:
    def counted() -> float:
        lines = client.get("/metrics").content.decode().splitlines()
        name = f'lookalike_requests_total{{method="GET",{ROUTE},status="200"}} '
        return sum(float(line.removeprefix(name)) for line in lines if line.startswith(name))

    before = counted()
    for _ in range(3):
        served.get(path)
    assert served.asked == 1 and counted() - before == 3


def test_what_is_hidden_is_gone_from_kept_answers_when_the_write_returns(served: Served, path: str) -> None:
    body = served.get(path)[2]
    assert served.get(path)[2] == body and served.asked == 1
    other = Product.objects.get(pk=json.loads(body)["results"][0]["product"]["id"])
    other.published = False
    other.save()
    status, _, body = served.get(path)
    assert status == 200 and json.loads(body)["results"] == [] and served.asked == 2


@pytest.mark.parametrize(
    ("method", "rest", "body"),
    [("PATCH", "", {"published": False}), ("DELETE", "", None), ("PUT", "images/", {"images": []})],
)
def test_what_is_hidden_by_the_api_is_gone_as_well(
    served: Served, path: str, settings: Settings, method: str, rest: str, body: Any
) -> None:
    other = json.loads(served.get(path)[2])["results"][0]["product"]["id"]
    settings.API_ADMISSION = "tests.catalog.writes.keys.decide"
    assert Caller().call(method, f"{other}/{rest}", body).status_code in (200, 204)
    status, _, answer = served.get(path)
    assert status == 200 and json.loads(answer)["results"] == [] and served.asked == 2


def test_other_requests_and_bad_answers_are_left_to_django(served: Served, path: str) -> None:
    served.get(path)
    assert served.get(path)[0] == 200 and served.asked == 1
    assert served.get(path, "limit=0")[0] == 400
    assert served.get(path, "limit=0")[0] == 400
    assert served.get("/api/v1/products/999999/similar/")[0] == 404
    assert served.get(path, method="DELETE")[0] == 405
    assert served.get(path, method="HEAD")[0] == 200
    assert served.asked == 6


def test_without_redis_every_answer_is_made(served: Served, path: str, settings: Settings) -> None:
    first = served.get(path)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    redis_client.breaker().succeeded()
    for _ in range(3):
        assert json.loads(served.get(path)[2])["results"] == json.loads(first[2])["results"]
    assert served.asked == 4


def test_a_redis_that_hangs_stops_the_event_loop_once(served: Served, path: str, settings: Settings) -> None:
    """Afterwards it is asked again once a second, by a thread, which the loop does not wait for."""
    served.get(path)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.REDIS_URL, settings.REDIS_TIMEOUT_SECONDS = f"redis://127.0.0.1:{silent.getsockname()[1]}/0", 0.4
        redis_client.breaker().succeeded()
        stops: list[float] = []

        async def ask() -> None:
            until = time.monotonic() + 4 * redis_client.REST_SECONDS
            asking = asyncio.create_task(served.ask_until(path, until))
            while not asking.done():
                before = time.monotonic()
                await asyncio.sleep(0.001)
                stops.append(time.monotonic() - before)
            assert set(await asking) == {200}

        served.loop.run(ask())
    assert len([stop for stop in stops if stop > 0.3]) <= 1, sorted(stops)[-5:]


def test_any_number_of_host_names_is_answered(served: Served, path: str, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = [".example.com"]
    for number in [*range(120), 0]:
        assert served.get(path, Host=f"shop{number}.example.com")[0] == 200
    assert served.asked == 1
    assert served.get(path, Host="shop0.example.org")[0] == 400 and served.asked == 2


@pytest.mark.parametrize("headers", [[("Host", "localhost"), ("Host", "evil.example.com")], [("Host", "evil\xe9")]])
def test_a_host_that_is_none_gets_no_answer_from_redis(
    served: Served, path: str, headers: list[tuple[str, str]]
) -> None:
    for _ in range(2):
        served.get(path)
    assert served.asked == 1
    assert served.get_with(path, headers) == 400 and served.asked == 2


def test_what_looks_like_the_proxys_header_is_not_believed(path: str, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    with serving(WSGIHandler()) as served:
        assert served.get(path, X_Forwarded_Proto="https")[0] == 200
        assert served.get_with(path, [("X_Forwarded_Proto", "https")]) == 301


def test_the_shipped_application_answers_from_redis(path: str) -> None:
    from config.rsgi import application

    with EventLoop() as loop:
        try:
            first = loop.run(asked(application, Sent(path)))
            Product.objects.all().update(title="changed behind everyone's back")
            again = loop.run(asked(application, Sent(path, pairs=[("X-Request-ID", "again")])))
        finally:
            loop.call(application.__rsgi_del__)
    assert again.body == first.body and again.headers["X-Request-ID"] == "again"
