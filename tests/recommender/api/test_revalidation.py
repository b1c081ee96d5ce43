"""Answers of searches are asked for again before each use: 304 where nothing changed, by Django and, without it, from Redis."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import Client
from pytest_django import Settings

from catalog.access import origins
from catalog.access.page_origins import PageOrigins, known
from catalog.models import Product
from recommender import redis_client
from recommender.api.answer_middleware import AnswerMiddleware
from tests.catalog.access.askers import publishable
from tests.recommender.api.serving import Served, serving
from tests.recommender.api.test_cached_answers import ROUTE
from tests.recommender.search.gallery import Shop, random_units

API = "/api/v1/"
ORIGINS = ["https://www.example.com", "http://localhost:3000"]
VECTORS = random_units(6, seed=11)


def counted(client: Client, status: int) -> float:
    name = f'lookalike_requests_total{{method="GET",{ROUTE},status="{status}"}} '
    lines = client.get("/metrics").content.decode().splitlines()
    return sum(float(line.removeprefix(name)) for line in lines if line.startswith(name))


def test_hot_answers_are_given_with_origins_and_etags_as_without(path: str, settings: Settings, client: Client) -> None:
    """Of 40 requests of pages of listed origins, of others and of servers, new or with an ETag, one reaches Django."""
    settings.CORS_ORIGINS = ORIGINS
    known.lists("", may_wait=True)
    assert AnswerMiddleware().caller("http", {"origin": ORIGINS[0]}.get) == ("http", ORIGINS[0], None)
    before = {status: counted(client, status) for status in (200, 304)}
    with serving(WSGIHandler()) as served:
        status, first, body = served.get(path)
        assert (status, served.asked) == (200, 1)
        assert first["Cache-Control"] == "private, no-cache" and first["ETag"].startswith('W/"')
        for turn in range(39):
            origin = [*ORIGINS, "https://evil.example", None][turn % 4]
            given = [first["ETag"], None, '"other"', f'"other", {first["ETag"].removeprefix("W/")}', "*"][turn % 5]
            asking = {"Origin": origin, "If_None_Match": given}
            status, headers, content = served.get(path, **{name: value for name, value in asking.items() if value})
            same = given is not None and given != '"other"'
            assert (status, content) == ((304, b"") if same else (200, body))
            assert headers["ETag"] == first["ETag"] and headers["Vary"] == first["Vary"] == "origin"
            assert headers["Cache-Control"] == first["Cache-Control"] and ("Content-Type" in headers) is not same
            assert headers.get("Content-Length") == (None if same else str(len(body)))
            allowed = {name: value for name, value in headers.items() if name.lower().startswith("access-control")}
            assert allowed == (
                {
                    "access-control-allow-origin": origin,
                    "access-control-expose-headers": "X-Request-ID, ETag, RateLimit, RateLimit-Policy, Retry-After",
                }
                if origin in ORIGINS
                else {}
            )
        assert served.asked == 1
    after = {status: counted(client, status) - before[status] for status in (200, 304)}
    assert after == {200: 17, 304: 23}


def test_a_hot_304_is_the_one_that_django_gives(served: Served, path: str) -> None:
    etag = served.get(path)[1]["ETag"]
    hot = served.get(path, If_None_Match=etag, X_Request_ID="one")
    assert hot[0] == 304 and served.asked == 1
    redis_client.client().flushdb()
    assert served.get(path, If_None_Match=etag, X_Request_ID="one") == hot and served.asked == 2


def test_other_middleware_sees_the_304_as_well(path: str, settings: Settings) -> None:
    settings.MIDDLEWARE = ["django.middleware.gzip.GZipMiddleware", *settings.MIDDLEWARE]
    with serving(WSGIHandler()) as served:
        etag = served.get(path, Accept_Encoding="gzip")[1]["ETag"]
        for _ in range(2):
            status, headers, body = served.get(path, Accept_Encoding="gzip", If_None_Match=etag)
            assert (status, headers["ETag"], body, "Content-Type" in headers) == (304, etag, b"", False)
        assert served.asked == 1


def test_what_is_hidden_is_gone_for_who_asks_again(served: Served, path: str) -> None:
    _, headers, body = served.get(path)
    etag = headers["ETag"]
    assert served.get(path, If_None_Match=etag)[0] == 304 and served.asked == 1
    other = Product.objects.get(pk=json.loads(body)["results"][0]["product"]["id"])
    other.published = False
    other.save()
    status, headers, body = served.get(path, If_None_Match=etag)
    assert (status, json.loads(body)["results"], served.asked) == (200, [], 2) and headers["ETag"] != etag


def test_any_number_of_origins_is_answered(path: str, settings: Settings) -> None:
    settings.CORS_ORIGINS = [f"https://shop{number}.example" for number in range(150)]
    known.lists("", may_wait=True)
    with serving(WSGIHandler()) as served:
        for number in [*range(300), 0]:
            _, headers, _ = served.get(path, Origin=f"https://shop{number}.example")
            assert headers.get("access-control-allow-origin") == (
                f"https://shop{number}.example" if number < 150 else None
            )
        assert served.asked == 1


def test_an_origin_is_listed_and_taken_off_at_once(path: str, settings: Settings) -> None:
    with serving(WSGIHandler()) as served:
        for listed in ([], ORIGINS, [], ORIGINS):
            settings.CORS_ORIGINS = listed
            assert ("access-control-allow-origin" in served.get(path, Origin=ORIGINS[0])[1]) is bool(listed)
        assert served.asked == 1


def test_origins_of_keys_are_read_by_django_alone(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first time, for the event loop asks nothing of Postgres; what is known then answers without Django."""
    monkeypatch.setattr(origins, "known", PageOrigins())
    publishable("https://key.example")
    with serving(WSGIHandler()) as served:
        assert served.get(path)[0] == 200 and served.get(path)[0] == 200 and served.asked == 1
        for origin, asked in (("https://key.example", 2), ("https://key.example", 2), ("https://evil.example", 2)):
            headers = served.get(path, Origin=origin)[1]
            assert headers.get("access-control-allow-origin") == (origin if "key" in origin else None)
            assert served.asked == asked


def test_an_entry_of_another_form_is_no_answer(served: Served, path: str) -> None:
    """As a server of another version keeps it, that shares Redis while a new version is brought out."""
    body = served.get(path)[2]
    client = redis_client.client()
    (key,) = [key for key in client.keys("answer:*")]
    entry = client.get(key)
    assert isinstance(entry, bytes)
    form, space, digest = key.decode().removeprefix("answer:").split(":")
    client.delete(key)
    client.set(f"answer:{space}:{digest}", entry[:24] + body)
    assert form == "2" and served.get(path)[0] == 200 and served.asked == 2


@pytest.mark.django_db
@pytest.mark.parametrize("what", ["similar", "duplicates", "colors"])
def test_the_answer_to_a_get_has_an_etag_and_to_head_the_same(client: Client, shop: Shop, what: str) -> None:
    path = f"{API}products/{shop.add(VECTORS[0]).pk}/{what}/"
    shop.add(VECTORS[1])
    first = client.get(path)
    assert (first.status_code, first["Cache-Control"]) == (200, "private, no-cache")
    again = client.get(path, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert client.head(path)["ETag"] == first["ETag"]
    assert client.head(path, headers={"If-None-Match": first["ETag"]}).status_code == 304


def test_the_answer_to_a_post_is_given_whatever_the_caller_has(client: Client, shop: Shop) -> None:
    product = shop.add(VECTORS[0])
    shop.add(VECTORS[1])
    bodies: dict[str, dict[str, Any]] = {
        "recommendations/": {"positive": [product.pk]},
        "similar/batch/": {"products": [product.pk]},
    }
    for path, body in bodies.items():
        for given in ({}, {"If-None-Match": "*"}):
            answer = client.post(API + path, orjson.dumps(body), content_type="application/json", headers=given)
            assert (answer.status_code, answer["Cache-Control"]) == (200, "private, no-cache")
            assert "ETag" not in answer and answer.json()["results"]


def test_the_state_is_not_kept_and_has_no_etag(client: Client, shop: Shop) -> None:
    answer = client.get(f"{API}status/", headers={"If-None-Match": "*"})
    assert (answer.status_code, answer["Cache-Control"], "ETag" in answer) == (200, "no-store", False)
