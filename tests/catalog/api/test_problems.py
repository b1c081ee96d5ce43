"""Problem details (RFC 9457) from every kind of view and error."""

from __future__ import annotations

import json

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpResponse
from django.test import RequestFactory
from rest_framework import exceptions

from catalog.api import problems
from catalog.api.problems import Problem, bad_parameter, handle_exception

REQUEST = RequestFactory().get("/api/v1/x/")


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        (Problem(503, detail="busy"), 503, "busy"),
        (bad_parameter("limit", "too many"), 400, "limit: too many"),
        (Http404("gone"), 404, "gone"),
        (PermissionDenied(), 403, "not allowed"),
        (RequestDataTooBig(), 413, "the request is too large"),
        (exceptions.ParseError("not JSON"), 400, "not JSON"),
        (exceptions.UnsupportedMediaType("text/x"), 415, 'Unsupported media type "text/x" in request.'),
        (exceptions.ValidationError({"limit": ["too many"]}), 400, "limit: too many"),
        (exceptions.ValidationError(["no"]), 400, "no"),
    ],
)
def test_errors_of_views_become_problems(error: Exception, status: int, detail: str) -> None:
    response = handle_exception(error, {"request": REQUEST})
    assert isinstance(response, HttpResponse)
    problem = json.loads(response.content)
    assert (response.status_code, response["Content-Type"]) == (status, "application/problem+json")
    assert (problem["status"], problem["detail"], problem["instance"]) == (status, detail, "/api/v1/x/")


def test_other_errors_are_left_to_the_server() -> None:
    assert handle_exception(ZeroDivisionError(), {"request": REQUEST}) is None


def test_headers_and_members_ride_along() -> None:
    error = Problem(503, "Busy", "try later", headers={"Retry-After": "2"}, queue=7)
    response = handle_exception(error, {"request": REQUEST})
    assert isinstance(response, HttpResponse)
    assert response["Retry-After"] == "2"
    assert json.loads(response.content) == {
        "type": "/problems/busy/",
        "title": "Busy",
        "status": 503,
        "detail": "try later",
        "instance": "/api/v1/x/",
        "queue": 7,
    }


def test_a_throttled_caller_is_told_when_to_come_back() -> None:
    response = handle_exception(exceptions.Throttled(wait=3), {"request": REQUEST})
    assert isinstance(response, HttpResponse)
    assert (response.status_code, response["Retry-After"]) == (429, "3")


def test_handlers_speak_problems_under_the_api_and_pages_elsewhere() -> None:
    page = RequestFactory().get("/somewhere/")
    for handler, status in (
        (lambda request: problems.bad_request(request, ValueError()), 400),
        (lambda request: problems.permission_denied(request, PermissionDenied()), 403),
        (lambda request: problems.not_found(request, Http404()), 404),
        (problems.server_error, 500),
    ):
        assert handler(REQUEST).status_code == handler(page).status_code == status
        assert handler(REQUEST)["Content-Type"] == "application/problem+json"
        assert handler(page)["Content-Type"].startswith("text/html")
