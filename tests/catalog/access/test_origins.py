"""Pages of listed origins may call the API from a browser; others, and other addresses, know nothing of it."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import Settings

from catalog.access import origins
from catalog.access.page_origins import PageOrigins
from tests.catalog.access.askers import publishable
from tests.catalog.factories import make_image
from tests.web.rsgi import Sent, asked, running

pytestmark = pytest.mark.django_db

SHOP, OTHER = "https://www.example.com", "https://other.example"
PRODUCTS = "/api/v1/products/"
EXPOSED = "X-Request-ID, ETag, RateLimit, RateLimit-Policy, Retry-After"


@pytest.fixture(autouse=True)
def listed(settings: Settings) -> None:
    settings.CORS_ORIGINS = [SHOP, "http://localhost:3000"]


def of_cors(headers: object) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items() if name.lower().startswith("access-control-")}  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", [PRODUCTS, "/api/v1/recommendations/", "/api/v1/categories/", "/api/schema/"])
def test_a_preflight_is_answered_once_a_day(client: Client, path: str) -> None:
    asking = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization, content-type"}
    answer = client.options(path, headers=asking | {"Origin": SHOP})
    assert (answer.status_code, answer.content) == (200, b"")
    assert of_cors(answer) == {
        "access-control-allow-origin": SHOP,
        "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
        "access-control-allow-headers": "Authorization, X-Api-Key, Content-Type, If-None-Match, If-Match, X-Request-ID",
        "access-control-max-age": "86400",
        "access-control-expose-headers": EXPOSED,
    }
    assert answer["Vary"].lower() == "origin"
    assert of_cors(client.options(path, headers=asking | {"Origin": OTHER})) == {}


def test_answers_and_errors_can_be_read_by_listed_origins_alone(client: Client) -> None:
    for path, status in ((PRODUCTS, 200), (f"{PRODUCTS}999999/", 404), (f"{PRODUCTS}?page=0", 400)):
        for origin in (SHOP, "http://localhost:3000"):
            answer = client.get(path, headers={"Origin": origin})
            assert answer.status_code == status and answer["Vary"].lower() == "origin"
            assert of_cors(answer) == {
                "access-control-allow-origin": origin,
                "access-control-expose-headers": EXPOSED,
            }
        for origin in (
            OTHER,
            "null",
            "https://www.example.com.evil.example",
            "http://www.example.com",
            f"{SHOP}:8443",
            "",
            "[",
        ):
            answer = client.get(path, headers={"Origin": origin})
            assert answer.status_code == status and of_cors(answer) == {} and answer["Vary"].lower() == "origin"


def test_what_is_unchanged_can_be_read_too(client: Client) -> None:
    etag = client.get(PRODUCTS)["ETag"]
    answer = client.get(PRODUCTS, headers={"Origin": SHOP, "If-None-Match": etag})
    assert (answer.status_code, answer["Access-Control-Allow-Origin"], answer["ETag"]) == (304, SHOP, etag)


def test_pages_and_the_admin_are_for_no_other_origin(client: Client) -> None:
    for path in ("/", "/admin/login/", "/healthz"):
        assert of_cors(client.get(path, headers={"Origin": SHOP})) == {}
        preflight = client.options(path, headers={"Origin": SHOP, "Access-Control-Request-Method": "POST"})
        assert of_cors(preflight) == {}


def test_pictures_are_for_any_origin_and_the_same_for_all(client: Client) -> None:
    image = make_image()
    for path in (f"/media/photos/{image.digest}.png", f"/media/thumbnails/{image.digest}.jpg"):
        for origin in (SHOP, OTHER):
            answer = client.get(path, headers={"Origin": origin})
            assert of_cors(answer) == {"access-control-allow-origin": "*"} and "Vary" not in answer


def test_without_listed_origins_there_are_none(client: Client, settings: Settings) -> None:
    settings.CORS_ORIGINS = []
    assert of_cors(client.get(PRODUCTS, headers={"Origin": SHOP})) == {}


def test_the_origins_of_a_publishable_key_are_listed_by_it(
    client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CORS_ORIGINS = []
    monkeypatch.setattr(origins, "known", PageOrigins())
    publishable(OTHER)
    assert origins.cross_origin_headers(PRODUCTS, OTHER) == [("Vary", "origin")]  # nothing was read yet
    answer = client.options(PRODUCTS, headers={"Origin": OTHER, "Access-Control-Request-Method": "GET"})
    assert answer["Access-Control-Allow-Origin"] == OTHER
    assert client.get(PRODUCTS, headers={"Origin": OTHER})["Access-Control-Allow-Origin"] == OTHER
    assert of_cors(client.get(PRODUCTS, headers={"Origin": SHOP})) == {}
    assert origins.cross_origin_headers(PRODUCTS, OTHER)[1] == ("Access-Control-Allow-Origin", OTHER)


def test_errors_that_are_given_without_django_can_be_read_as_well(settings: Settings) -> None:
    def never(*_: object) -> list[bytes]:
        raise AssertionError("Django was reached")

    with running(never) as (loop, server):
        for path, origin, expected in (
            (PRODUCTS, SHOP, {"access-control-allow-origin": SHOP, "access-control-expose-headers": EXPOSED}),
            (PRODUCTS, OTHER, {}),
            ("/search/", SHOP, {}),
        ):
            pairs = [("Origin", origin), ("Content-Length", "999999999999")]
            answer = loop.run(asked(server, Sent(path, "POST", pairs=pairs)))
            assert (answer.status, answer.headers["Cache-Control"]) == (413, "no-store")
            assert of_cors(answer.headers) == expected
            assert answer.headers.get("Vary", "").lower() == ("origin" if path == PRODUCTS else "")
