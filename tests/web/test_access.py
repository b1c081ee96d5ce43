"""The shipped web server with API_ACCESS=keys: its own pages go on, operators see how it is, and all processes count together."""

from __future__ import annotations

import http.client
import json
import threading
from collections import Counter
from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.browser.conftest import static_files
from tests.catalog.access.askers import bearer, publishable, secret
from tests.load.web import web_server
from tests.waiting import wait_until
from tests.workers import process_environment

__all__ = ["static_files"]

pytestmark = [pytest.mark.usefixtures("transactional_db")]
CATEGORIES = "/api/v1/categories/"
CALLERS, EACH, TOKENS = 8, 40, 150


class Shop:
    """The server. `log`: what it has written."""

    def __init__(self, url: str, log: Path) -> None:
        self.address, self.log = urlsplit(url).netloc, log

    def get(self, path: str, **headers: str) -> tuple[int, http.client.HTTPMessage, bytes]:
        """`headers`: with underscores for hyphens."""
        connection = http.client.HTTPConnection(self.address, timeout=30)
        connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        answer = response.status, response.headers, response.read()
        connection.close()
        return answer


@pytest.fixture
def shop(static_files: Path, tmp_path: Path) -> Iterator[Shop]:
    environment = process_environment(
        API_ACCESS="keys", API_ADDRESS_RATE="0.0001", API_ADDRESS_BURST=str(TOKENS), API_KEY_RATE="1000",
        WEB_PROCESSES="2", HTTPS="false", STATIC_ROOT=str(static_files), TRUSTED_PROXIES="127.0.0.2",
    )  # fmt: skip
    with web_server(environment, tmp_path / "log") as url:
        yield Shop(url, tmp_path / "log")


def test_the_shops_own_pages_ask_the_api_by_their_cookie_and_others_by_keys(shop: Shop) -> None:
    assert shop.get(CATEGORIES)[0] == 401
    for page in ("/", "/search/", "/colors/"):
        status, headers, _ = shop.get(page)
        cookie = SimpleCookie(headers["Set-Cookie"])["lookalike_page"]
        assert status == 200
        assert (cookie["samesite"], cookie["httponly"], cookie["path"], cookie["max-age"]) == (
            "Strict",
            True,
            "/api/",
            "86400",
        )
    sent = {"Cookie": f"lookalike_page={cookie.value}"}
    assert [shop.get(path, **sent)[0] for path in (CATEGORIES, "/api/v1/products/")] == [200, 200]
    assert shop.get("/api/docs/")[0] == shop.get("/api/schema/")[0] == 200
    page_key, build = publishable("https://shop.example"), secret()
    assert shop.get(CATEGORIES, Origin="https://shop.example", **bearer(page_key))[0] == 200
    status, headers, body = shop.get(CATEGORIES, Origin="https://evil.example", **bearer(page_key))
    assert (status, headers["Content-Type"]) == (403, "application/problem+json")
    assert json.loads(body)["detail"] == (
        f"the key {page_key[:13]}… is not for pages of https://evil.example; "
        "add the origin to the key in the admin, or use another key"
    )
    assert shop.get(CATEGORIES, **bearer(build))[0] == 200
    log = shop.log.read_text()
    assert page_key not in log and build not in log


def test_operators_and_secret_keys_see_how_the_service_is(shop: Shop) -> None:
    build, page_key = bearer(secret()), bearer(publishable())
    passed_on = {"X_Forwarded_For": "127.0.0.1"}  # by nobody's proxy
    for path in ("/metrics", "/api/v1/status/"):
        assert shop.get(path)[0] == shop.get(path, **passed_on, **build)[0] == 200, path
        status, headers, body = shop.get(path, **passed_on)
        assert (status, headers["WWW-Authenticate"]) == (401, 'Bearer realm="lookalike"'), path
        assert json.loads(body)["title"] == "Key needed"
        assert shop.get(path, **passed_on, **page_key)[0] == 403, path
        assert shop.get(path, **passed_on, **bearer("lk_sec_nobody"))[0] == 401, path
    status, _, body = shop.get("/readyz", **passed_on)
    assert (status, json.loads(body)) == (503, {"ready": False})
    for headers in ({}, {**passed_on, **build}):
        status, _, body = shop.get("/readyz", **headers)
        assert status == 503 and json.loads(body)["missing"] == ["active_space"]
    assert shop.get("/healthz", **passed_on)[0] == 200


def test_two_processes_admit_exactly_as_often_as_there_are_tokens(shop: Shop) -> None:
    sent = bearer(publishable())
    statuses = Counter[int]()

    def ask() -> None:
        for _ in range(EACH):
            statuses[shop.get(CATEGORIES, **sent)[0]] += 1

    callers = [threading.Thread(target=ask) for _ in range(CALLERS)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert statuses == {200: TOKENS, 429: CALLERS * EACH - TOKENS}


def test_use_is_seen(shop: Shop) -> None:
    from catalog.models import ApiKey

    token = secret()
    assert ApiKey.objects.get().last_used_at is None
    assert shop.get(CATEGORIES, **bearer(token))[0] == 200
    wait_until(lambda: ApiKey.objects.get().last_used_at is not None, what="the key's last use")
