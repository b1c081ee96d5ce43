"""The one decision about a request, as the API's views ask for it."""

from __future__ import annotations

import json

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory
from pytest_django import Settings
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.access.admission import Asker, admit
from catalog.api.problem_types import type_of
from catalog.api.problems import Problem
from tests.catalog.access.policies import REFUSALS, Policy

VIEWS = [
    ("GET", "/api/v1/products/"),
    ("HEAD", "/api/v1/products/"),
    ("OPTIONS", "/api/v1/products/"),
    ("GET", "/api/v1/products/1/"),
    ("POST", "/api/v1/products/"),
    ("PATCH", "/api/v1/products/1/"),
    ("POST", "/api/v1/products/batch/"),
    ("PUT", "/api/v1/products/1/images/"),
    ("DELETE", "/api/v1/products/1/images/2/"),
    ("GET", "/api/v1/categories/"),
    ("GET", "/api/v1/products/1/similar/"),
    ("DELETE", "/api/v1/products/1/similar/"),
    ("GET", "/api/v1/products/1/similar/2/why/"),
    ("GET", "/api/v1/products/1/duplicates/"),
    ("POST", "/api/v1/search/image/"),
    ("POST", "/api/v1/recommendations/"),
    ("POST", "/api/v1/similar/batch/"),
    ("GET", "/api/v1/status/"),
    ("GET", "/api/schema/"),
    ("GET", "/api/docs/"),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("method", "path"), VIEWS)
def test_every_view_asks_once(client: Client, policy: Policy, method: str, path: str) -> None:
    assert client.generic(method, path).status_code != 500
    assert [(asker.method, asker.path) for asker in policy.asked] == [(method, path)]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.status)
@pytest.mark.parametrize(("method", "path"), VIEWS)
def test_who_is_refused_gets_the_refusal_of_every_view(
    client: Client, policy: Policy, method: str, path: str, refusal: Problem
) -> None:
    """Without a database: nothing is looked up for who is refused."""
    policy.refusal = refusal
    response = client.generic(method, path)
    assert response.status_code == refusal.status and len(policy.asked) == 1
    assert response["Content-Type"] == "application/problem+json"
    assert refusal.headers.items() <= dict(response.items()).items()
    if method != "HEAD":
        members = {
            "type": type_of(refusal.title),
            "title": refusal.title,
            "status": refusal.status,
            "detail": refusal.detail,
        }
        assert json.loads(response.content) == members | {"instance": path} | refusal.extra


@pytest.mark.parametrize("path", ["/healthz", "/api/v1/nothing/", "/problems/", "/search/", "/media/photos/aa/a.jpg"])
@pytest.mark.django_db
def test_what_is_no_view_of_the_api_does_not_ask(client: Client, policy: Policy, path: str) -> None:
    policy.refusal = REFUSALS[0]
    assert client.get(path).status_code in (200, 404)
    assert policy.asked == []


@pytest.mark.django_db
def test_the_policy_sees_who_asks(client: Client, policy: Policy, settings: Settings) -> None:
    client.cookies[settings.SESSION_COOKIE_NAME] = "of-the-admin"
    client.get("/api/v1/categories/?a=b", headers={"X-Api-Key": "pk_1", "Origin": "null"}, REMOTE_ADDR="192.0.2.9")
    (asker,) = policy.asked
    assert asker == Asker("GET", "/api/v1/categories/", "192.0.2.9", dict[str, str]().get)
    assert (asker.header("x-api-key"), asker.header("origin")) == ("pk_1", "null")
    assert asker.header("authorization") is None and asker.session == "of-the-admin"


def test_without_a_cookie_there_is_no_session() -> None:
    assert Asker("GET", "/", "192.0.2.9", dict[str, str]().get).session == ""


def test_everyone_is_admitted_unless_the_settings_say_otherwise() -> None:
    assert admit(Asker("GET", "/", "192.0.2.9", dict[str, str]().get)).refusal is None


class Unlimited(APIView):
    """A view of a shop that wants it asked as often as anyone likes."""

    throttle_classes = ()

    def get(self, request: Request) -> Response:
        return Response({"user": request.user})


@pytest.mark.parametrize(("refusal", "status"), [(REFUSALS[0], 401), (REFUSALS[1], 403), (REFUSALS[2], 200)])
def test_a_view_may_go_without_one_step(policy: Policy, refusal: Problem, status: int) -> None:
    policy.refusal = refusal
    response = Unlimited.as_view()(RequestFactory().get("/api/v1/unlimited/"))
    assert response.status_code == status and len(policy.asked) == 1
    if status == 200:
        assert isinstance(response, HttpResponse)
        assert response.render().content == b'{"user":null}'
