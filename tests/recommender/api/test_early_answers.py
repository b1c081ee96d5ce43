"""An answer before Django is reached has what Django's has: headers, refusals, and whatever middleware adds for a caller."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.cache import patch_vary_headers
from pytest_django import Settings

from catalog.api.problems import Problem
from recommender import redis_client
from tests.catalog.access.policies import REFUSALS, Policy
from tests.recommender.api.serving import Served, serving

Answer = tuple[int, dict[str, str], bytes]
GetResponse = Callable[[HttpRequest], HttpResponse]
HERE = "tests.recommender.api.test_early_answers"
HTTPS: dict[str, Any] = {
    "SECURE_SSL_REDIRECT": True,
    "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https"),
    "SECURE_HSTS_SECONDS": 60,
}


@dataclass
class Case:
    """Settings, and callers by their headers with the status each gets."""

    settings: dict[str, Any]
    callers: list[tuple[int, dict[str, str]]] = field(default_factory=list)


CASES = {
    "as shipped, without HTTPS": Case({}, [(200, {}), (400, {"Host": "evil.example.com"}), (400, {"Host": "a b"})]),
    "HTTPS by a proxy": Case(
        HTTPS,
        [
            (200, {"X-Forwarded-Proto": "https"}),
            (200, {"X-Forwarded-Proto": "https,http"}),
            (301, {"X-Forwarded-Proto": "http"}),
            (301, {"X-Forwarded-Proto": ""}),
            (301, {}),
            (400, {"X-Forwarded-Proto": "https", "Host": "evil.example.com"}),
        ],
    ),
    "HSTS as long as it gets": Case(
        HTTPS | {"SECURE_HSTS_INCLUDE_SUBDOMAINS": True, "SECURE_HSTS_PRELOAD": True},
        [(200, {"X-Forwarded-Proto": "https"})],
    ),
    "HTTPS without a redirect": Case(
        HTTPS | {"SECURE_SSL_REDIRECT": False}, [(200, {"X-Forwarded-Proto": "https"}), (200, {})]
    ),
    "a proxy with a header of its own": Case(
        HTTPS | {"SECURE_PROXY_SSL_HEADER": ("HTTP_X_SCHEME", "tls")},
        [(200, {"X-Scheme": "tls"}), (301, {"X-Scheme": "https"}), (301, {"X-Forwarded-Proto": "https"})],
    ),
    "hosts below a domain": Case(
        {"ALLOWED_HOSTS": [".example.com"]},
        [
            (200, {"Host": "a.example.com:8443"}),
            (200, {"Host": "example.com"}),
            (400, {}),
            (400, {"Host": "example.org"}),
        ],
    ),
    "any host": Case({"ALLOWED_HOSTS": ["*"]}, [(200, {"Host": "[2001:db8::1]:80"}), (200, {"Host": "example.org"})]),
    "the host that a proxy names": Case(
        {"USE_X_FORWARDED_HOST": True, "ALLOWED_HOSTS": ["shop.example.com"]},
        [(200, {"X-Forwarded-Host": "shop.example.com"}), (400, {"X-Forwarded-Host": "localhost"}), (400, {})],
    ),
    "no headers of security": Case(
        {
            "SECURE_REFERRER_POLICY": None,
            "SECURE_CROSS_ORIGIN_OPENER_POLICY": None,
            "SECURE_CONTENT_TYPE_NOSNIFF": False,
            "X_FRAME_OPTIONS": "SAMEORIGIN",
        },
        [(200, {})],
    ),
    "callers who are not wanted": Case(
        {"DISALLOWED_USER_AGENTS": [re.compile("Scraper")]},
        [(200, {"User-Agent": "Browser"}), (403, {"User-Agent": "Scraper 2"}), (200, {})],
    ),
    "an address without HTTPS": Case(HTTPS | {"SECURE_REDIRECT_EXEMPT": ["/similar/$"]}, [(200, {})]),
    "a name with www": Case(
        {"PREPEND_WWW": True, "ALLOWED_HOSTS": [".example.com"]},
        [(200, {"Host": "www.example.com"}), (301, {"Host": "example.com"})],
    ),
}


def answer(served: Served, path: str, headers: dict[str, str]) -> Answer:
    """An answer without what is of each one alone."""
    status, given, body = served.get(path, **{name.replace("-", "_"): value for name, value in headers.items()})
    assert len(given.pop("X-Request-ID")) == 32
    return status, given, body


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_headers_are_those_of_django(path: str, settings: Settings, case: Case) -> None:
    for key, value in case.settings.items():
        setattr(settings, key, value)
    with serving(WSGIHandler()) as served:
        for status, headers in case.callers:
            if status == 200:
                assert_alike(served, path, headers)
            else:
                before = served.asked
                assert answer(served, path, headers)[0] == status and served.asked == before + 1


def assert_alike(served: Served, path: str, headers: dict[str, str]) -> None:
    """Django's answer, made anew, and the two that are given after it without Django."""
    redis_client.client().flushdb()
    before = served.asked
    by_django = answer(served, path, headers)
    assert by_django[0] == 200 and served.asked == before + 1
    assert [answer(served, path, headers) for _ in range(2)] == [by_django] * 2 and served.asked == before + 1


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.status)
@pytest.mark.parametrize("compressed", [False, True])
def test_who_is_refused_is_refused_alike_and_asked_about_once(
    path: str, settings: Settings, policy: Policy, refusal: Problem, compressed: bool
) -> None:
    if compressed:
        settings.MIDDLEWARE = ["django.middleware.gzip.GZipMiddleware", *settings.MIDDLEWARE]
    with serving(WSGIHandler()) as served:
        policy.refusal = refusal
        by_django = answer(served, path, {})
        policy.refusal = None
        admitted = answer(served, path, {})
        assert served.asked == 2 and answer(served, path, {}) == admitted
        policy.refusal = refusal
        assert answer(served, path, {}) == by_django and by_django[0] == refusal.status
        assert refusal.headers.items() <= by_django[1].items()
        assert served.asked == 2 and len(policy.asked) == 4
        policy.refusal = None
        assert answer(served, path, {}) == admitted and served.asked == 2


def test_the_policy_sees_the_same_caller_either_way(path: str, policy: Policy, settings: Settings) -> None:
    headers = {
        "Cookie": f"{settings.SESSION_COOKIE_NAME}=key-1; other=2",
        "Authorization": "Bearer sk_1",
        "Origin": "https://shop.example.com",
        "X-Forwarded-For": "198.51.100.1, 198.51.100.2",
    }
    with serving(WSGIHandler()) as served:
        for _ in range(2):
            answer(served, path, headers)
        assert served.asked == 1
    one, other = policy.asked
    assert one == other and (one.method, one.path, one.address) == ("GET", path, "192.0.2.7")
    names = ["cookie", "authorization", "origin", "x-forwarded-for", "referer", "host", "content-type"]
    assert [one.header(name) for name in names] == [other.header(name) for name in names]
    assert one.header("x-forwarded-for") == "198.51.100.1, 198.51.100.2" and one.header("referer") is None
    assert one.session == other.session == "key-1"


def cors(get_response: GetResponse) -> GetResponse:
    """What django-cors-headers adds to an answer."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        patch_vary_headers(response, ["origin"])
        if request.headers.get("Origin") == "https://shop.example.com":
            response["Access-Control-Allow-Origin"] = "https://shop.example.com"
        return response

    return middleware


def greeting(get_response: GetResponse) -> GetResponse:
    """A cookie for each caller alone."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.set_cookie("greeting", request.headers.get("X-Name", "nobody"))
        return response

    return middleware


def reading(get_response: GetResponse) -> GetResponse:
    """Asks Postgres once the answer is there, which is not allowed where the event loop would wait for it."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return response

    return middleware


def streaming(get_response: GetResponse) -> GetResponse:
    return lambda request: StreamingHttpResponse([get_response(request).content], content_type="application/json")  # type: ignore[return-value]


class Guard:
    """Looks at the view, which an answer from Redis does not have."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: object, args: object, kwargs: object) -> HttpResponse | None:
        return HttpResponse(status=418) if "X-Name" not in request.headers else None


def with_middleware(settings: Settings, *names: str) -> None:
    settings.MIDDLEWARE = [*(name if "." in name else f"{HERE}.{name}" for name in names), *settings.MIDDLEWARE]


def test_cors_and_compression_leave_answers_to_redis(path: str, settings: Settings) -> None:
    """Both make the answer depend on the caller, and say so in Vary."""
    with_middleware(settings, "django.middleware.gzip.GZipMiddleware", "cors")
    mine, foreign = "https://shop.example.com", "https://evil.example.com"
    with serving(WSGIHandler()) as served:
        plain = answer(served, path, {})
        assert plain[1]["Vary"] == "origin, Accept-Encoding" and served.asked == 1
        for origin in (mine, foreign, mine, ""):
            for encoding in ("gzip", "br", "gzip"):
                status, headers, body = answer(served, path, {"Origin": origin, "Accept-Encoding": encoding})
                assert status == 200 and headers["Vary"] == plain[1]["Vary"]
                assert headers.get("Access-Control-Allow-Origin") == (mine if origin == mine else None)
                assert headers.get("Content-Encoding") == ("gzip" if encoding == "gzip" else None)
                assert (gzip.decompress(body) if encoding == "gzip" else body) == plain[2]
                assert headers["Content-Length"] == str(len(body))
        assert answer(served, path, {}) == plain
        assert served.asked == 1
        assert_alike(served, path, {"Origin": mine})


def test_each_caller_has_the_cookie_that_is_theirs(path: str, settings: Settings) -> None:
    with_middleware(settings, "greeting")
    with serving(WSGIHandler()) as served:
        for name in ("one", "two", "one"):
            assert answer(served, path, {"X-Name": name})[1]["Set-Cookie"].strip() == f"greeting={name}; Path=/"
        assert served.asked == 1


@pytest.mark.parametrize("name", ["reading", "streaming"])
def test_what_middleware_cannot_do_without_django_is_left_to_it(
    path: str, settings: Settings, policy: Policy, name: str
) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{HERE}.{name}"]
    with serving(WSGIHandler()) as served, pytest.MonkeyPatch.context() as patch:
        patch.delenv("DJANGO_ALLOW_ASYNC_UNSAFE", raising=False)  # which the browser's tests set
        bodies = [answer(served, path, {})[::2] for _ in range(3)]
        assert bodies == [(200, bodies[0][1])] * 3
        assert served.asked == len(policy.asked) == 3


def test_middleware_that_guards_views_guards_what_is_kept(path: str, settings: Settings) -> None:
    with_middleware(settings, "Guard")
    with serving(WSGIHandler()) as served:
        statuses = [answer(served, path, headers)[0] for headers in ({"X-Name": "a"}, {}, {"X-Name": "a"})]
        assert statuses == [200, 418, 200] and served.asked == 3


def test_what_is_left_out_is_middleware_that_there_is(settings: Settings) -> None:
    assert settings.CACHED_ANSWERS_LEAVE_OUT <= set(settings.MIDDLEWARE)
