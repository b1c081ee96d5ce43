"""What every answer carries, and what callers see when something is wrong."""

from __future__ import annotations

import logging

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from pytest_django import Settings

from config.middleware import POLICY, content_security_policy, request_id
from config.request_ids import RequestIdFilter

pytestmark = pytest.mark.django_db


def test_a_request_id_is_echoed(client: Client) -> None:
    assert client.get("/api/v1/products/", headers={"X-Request-ID": "shop-42.a_b"})["X-Request-ID"] == "shop-42.a_b"


@pytest.mark.parametrize("given", ["", "two words", "x" * 129, "line\nbreak", "<b>"])
def test_one_that_could_do_harm_is_replaced(client: Client, given: str) -> None:
    made = client.get("/api/v1/products/", headers={"X-Request-ID": given})["X-Request-ID"]
    assert len(made) == 32 and made.isalnum()


def test_log_lines_carry_the_request_id() -> None:
    seen: list[str] = []

    def view(request: HttpRequest) -> HttpResponse:
        record = logging.LogRecord("shop", logging.INFO, __file__, 1, "sold", None, None)
        RequestIdFilter().filter(record)
        seen.append(record.request)  # type: ignore[attr-defined]
        return HttpResponse()

    request_id(view)(RequestFactory().get("/", headers={"X-Request-ID": "shop-42"}))
    outside = logging.LogRecord("shop", logging.INFO, __file__, 1, "sold", None, None)
    RequestIdFilter().filter(outside)
    assert (seen, outside.request) == ([" [shop-42]"], "")  # type: ignore[attr-defined]


def test_pages_carry_a_content_policy_and_data_does_not(client: Client) -> None:
    assert client.get("/")["Content-Security-Policy"] == POLICY
    assert client.get("/admin/login/")["Content-Security-Policy"] == POLICY
    assert "unsafe" not in POLICY
    explorer = client.get("/api/docs/")["Content-Security-Policy"]
    assert explorer == POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
    assert "Content-Security-Policy" not in client.get("/api/v1/products/")


def test_a_view_may_set_its_own_policy() -> None:
    own = content_security_policy(
        lambda request: HttpResponse(headers={"Content-Security-Policy": "default-src 'none'"})
    )
    assert own(RequestFactory().get("/"))["Content-Security-Policy"] == "default-src 'none'"


@pytest.mark.parametrize("path", ["/api/nothing/", "/api/v1/nothing/", "/api/v1/products/999999999/"])
def test_unknown_places_of_the_api_are_problems(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["status"], problem["title"], problem["instance"]) == (404, "Not Found", path)


def test_unknown_places_elsewhere_are_pages(client: Client) -> None:
    answer = client.get("/nothing/")
    assert answer.status_code == 404
    assert answer["Content-Type"].startswith("text/html")
    assert b"This page is not here, or not any more" in answer.content


@pytest.mark.parametrize(("path", "kind"), [("/api/v1/products/", "application/problem+json"), ("/", "text/html")])
def test_a_failure_tells_no_more_than_its_request_id(
    client: Client, monkeypatch: pytest.MonkeyPatch, path: str, kind: str
) -> None:
    def fail(*args: object, **kwargs: object) -> HttpResponse:
        raise ZeroDivisionError("secret of the house")

    from django.urls import resolve

    monkeypatch.setattr("django.urls.resolvers.URLPattern.resolve", _failing(resolve(path).route, fail))
    client.raise_request_exception = False
    answer = client.get(path, headers={"X-Request-ID": "shop-42"})
    assert answer.status_code == 500
    assert answer["Content-Type"].startswith(kind)
    assert b"secret of the house" not in answer.content
    if kind.endswith("json"):
        assert "shop-42" in answer.json()["detail"]


def _failing(route: str, view: object) -> object:
    from django.urls.resolvers import ResolverMatch, URLPattern

    original = URLPattern.resolve

    def resolve(self: URLPattern, path: str) -> ResolverMatch | None:
        match = original(self, path)
        return ResolverMatch(view, (), {}, route=route) if match else None  # type: ignore[arg-type]

    return resolve


def test_an_unknown_host_is_refused(client: Client) -> None:
    answer = client.get("/api/v1/products/", headers={"Host": "evil.example.com"})
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/healthz", "/api/schema/", "/api/docs/", "/admin/login/", "/"])
def test_every_page_is_open(client: Client, path: str) -> None:
    assert client.get(path).status_code == 200


def test_the_documentation_says_which_methods_it_answers(client: Client) -> None:
    answer = client.options("/api/docs/")
    assert (answer.status_code, answer["Content-Type"], answer["Allow"]) == (
        405,
        "application/problem+json",
        "GET, HEAD",
    )


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_probes_are_answered_whatever_name_and_scheme_they_use(client: Client, settings: Settings, path: str) -> None:
    settings.ALLOWED_HOSTS, settings.SECURE_SSL_REDIRECT = ["shop.example.com"], True
    answer = client.get(path, headers={"Host": "10.0.0.7:8000"})
    assert answer.status_code in ((200, 503) if path == "/readyz" else (200,))
    assert client.get("/api/v1/status/", headers={"Host": "10.0.0.7:8000"}).status_code == 400
