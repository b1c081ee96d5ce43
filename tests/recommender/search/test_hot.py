"""Hot answers before Django: the same to the caller as Django's own, for less."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import Client
from pytest_django import Settings

from catalog.models import Product
from config.middleware import identifier
from recommender.api.hot import hot_answers
from recommender.services import redis_client
from tests.recommender.search.gallery import Shop, make_space, random_units

VECTORS = random_units(3, seed=5)
ROUTE = 'route="api/v1/products/<int:product_id>/similar/"'


class Served:
    """The application as granian calls it. `asked`: how many questions came through to Django."""

    def __init__(self) -> None:
        self.asked = 0
        self._django = WSGIHandler()
        self._application = hot_answers(self._counted, identify=identifier)

    def _counted(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.asked += 1
        return self._django(environ, start_response)

    def get(self, path: str, query: str = "", **environ: str) -> tuple[str, dict[str, str], bytes]:
        """Status line, headers and body; no header stands twice."""
        said: list[tuple[str, list[tuple[str, str]]]] = []
        request = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "HTTP_HOST": "localhost",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(),
        } | environ
        body = b"".join(self._application(request, lambda status, headers, *rest: said.append((status, headers))))
        ((status, headers),) = said
        assert len({name.lower() for name, _ in headers}) == len(headers)
        return status, dict(headers), body


@pytest.fixture
def served() -> Served:
    return Served()


@pytest.fixture
def path(transactional_db: None) -> str:
    """The question of a product that one other looks like."""
    shop = Shop(make_space())
    product = shop.add(VECTORS[0])
    shop.add(VECTORS[1])
    return f"/api/v1/products/{product.pk}/similar/"


def test_a_hot_answer_is_the_one_that_django_gave_and_does_not_reach_it(served: Served, path: str) -> None:
    status, headers, body = served.get(path, HTTP_X_REQUEST_ID="first")
    assert status == "200 OK" and json.loads(body)["results"][0]["product"]["sku"]
    for name in ("X-Frame-Options", "X-Content-Type-Options", "Referrer-Policy", "Cache-Control", "Content-Type"):
        assert name in headers
    again = served.get(path, HTTP_X_REQUEST_ID="second")
    assert again == (status, headers | {"X-Request-ID": "second"}, body)
    assert served.asked == 1
    assert served.get(path, "limit=1")[0] == "200 OK" and served.asked == 2  # another question
    assert served.get(path, "limit=1")[0] == "200 OK" and served.asked == 2


def test_an_identifier_that_is_no_word_is_replaced(served: Served, path: str) -> None:
    for given in ("", "two words", "line\nbreak", "x" * 129):
        _, headers, _ = served.get(path, HTTP_X_REQUEST_ID=given)
        assert len(headers["X-Request-ID"]) == 32 and headers["X-Request-ID"].isalnum()
    assert served.asked == 1


def test_a_host_that_may_not_ask_gets_no_hot_answer(served: Served, path: str, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["localhost", "shop.example.com"]
    assert served.get(path)[0] == "200 OK"
    assert served.get(path, HTTP_HOST="evil.example.com")[0] == "400 Bad Request"
    assert served.get(path, HTTP_HOST="shop.example.com")[0] == "200 OK"
    assert served.asked == 3
    assert served.get(path, HTTP_HOST="evil.example.com")[0] == "400 Bad Request"
    assert served.get(path, HTTP_HOST="shop.example.com")[0] == "200 OK"
    assert served.asked == 4


def test_who_asks_without_https_is_redirected_however_hot_the_answer(path: str, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT, settings.SECURE_HSTS_SECONDS = True, 60
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    served = Served()
    for asked in (1, 1):
        status, headers, _ = served.get(path, HTTP_X_FORWARDED_PROTO="https")
        assert status == "200 OK" and headers["Strict-Transport-Security"].startswith("max-age=60")
        assert served.asked == asked
    for proto in ("http", "http,https", ""):
        status, headers, _ = served.get(path, HTTP_X_FORWARDED_PROTO=proto)
        assert status == "301 Moved Permanently" and headers["Location"] == f"https://localhost{path}"


def test_hot_answers_are_counted_as_their_route(served: Served, path: str, client: Client) -> None:
    def counted() -> float:
        lines = client.get("/metrics").content.decode().splitlines()
        name = f'lookalike_requests_total{{method="GET",{ROUTE},status="200"}} '
        return sum(float(line.removeprefix(name)) for line in lines if line.startswith(name))

    before = counted()
    for _ in range(3):
        served.get(path)
    assert served.asked == 1 and counted() - before == 3


def test_what_is_hidden_is_gone_from_hot_answers_when_the_write_returns(served: Served, path: str) -> None:
    body = served.get(path)[2]
    assert served.get(path)[2] == body and served.asked == 1
    other = Product.objects.get(pk=json.loads(body)["results"][0]["product"]["id"])
    other.published = False
    other.save()
    status, _, body = served.get(path)
    assert status == "200 OK" and json.loads(body)["results"] == [] and served.asked == 2


def test_other_requests_and_bad_answers_are_left_to_django(served: Served, path: str) -> None:
    served.get(path)
    assert served.get(path)[0] == "200 OK" and served.asked == 1
    assert served.get(path, "limit=0")[0] == "400 Bad Request"
    assert served.get(path, "limit=0")[0] == "400 Bad Request"
    assert served.get("/api/v1/products/999999/similar/")[0] == "404 Not Found"
    assert served.get(path, REQUEST_METHOD="DELETE")[0] == "405 Method Not Allowed"
    assert served.get(path, REQUEST_METHOD="HEAD")[0] == "200 OK"
    assert served.asked == 6


def test_without_redis_every_answer_is_made(served: Served, path: str, settings: Settings) -> None:
    first = served.get(path)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    redis_client.breaker().reset()
    for _ in range(3):
        assert json.loads(served.get(path)[2])["results"] == json.loads(first[2])["results"]
    assert served.asked == 4


def test_callers_beyond_bound_are_learned_anew(served: Served, path: str, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = [".example.com"]
    for number in range(250):
        assert served.get(path, HTTP_HOST=f"shop{number}.example.com")[0] == "200 OK"
    assert served.get(path, HTTP_HOST="shop249.example.com")[0] == "200 OK"
    assert served.asked == 250
    assert served.get(path, HTTP_HOST="shop0.example.com")[0] == "200 OK"
    assert served.asked == 251  # forgotten when there were too many


@pytest.mark.parametrize("header", ["Vary", "Set-Cookie"])
def test_an_answer_for_one_caller_alone_is_not_repeated_to_others(path: str, header: str) -> None:
    asked = []

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        asked.append(environ["PATH_INFO"])
        start_response("200 OK", [(header, "of the caller")])
        return [b"{}"]

    answers = hot_answers(application, identify=identifier)
    for _ in range(3):
        answers({"REQUEST_METHOD": "GET", "PATH_INFO": path}, lambda status, headers: None)
    assert len(asked) == 3


def test_the_shipped_application_answers_hot(path: str) -> None:
    from config.wsgi import application

    def get(identity: str) -> tuple[list[tuple[str, str]], bytes]:
        said: list[list[tuple[str, str]]] = []
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "SERVER_NAME": "localhost", "SERVER_PORT": "80"}
        environ |= {"HTTP_HOST": "localhost", "wsgi.url_scheme": "http", "HTTP_X_REQUEST_ID": identity}
        body = b"".join(
            application(environ | {"wsgi.input": io.BytesIO()}, lambda _, headers, *rest: said.append(headers))
        )
        return said[0], body

    _, first = get("first")
    Product.objects.all().update(title="changed behind everyone's back")
    headers, again = get("again")
    assert again == first and dict(headers)["X-Request-ID"] == "again"
