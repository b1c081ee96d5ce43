"""Each `type` of a problem is a page, and every problem that the code raises has one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings
from rest_framework import exceptions

from catalog.api.problem_types import TYPES, name_of, type_of
from catalog.api.problems import Problem, handle_exception
from tests.catalog.api.test_problems import REQUEST

PROJECT = Path(__file__).resolve().parents[3]
# Django REST framework raises these by itself.
OF_THE_FRAMEWORK = (
    exceptions.ParseError,
    exceptions.NotAuthenticated,
    exceptions.AuthenticationFailed,
    exceptions.PermissionDenied,
    exceptions.NotFound,
    exceptions.NotAcceptable,
    exceptions.Throttled,
)


def raised() -> Iterator[tuple[str, list[int], str]]:
    """Where, with which statuses as far as they are constants, and with which title ("" for the status's) the code makes a Problem."""
    for app in ("catalog", "recommender", "config"):
        for path in sorted((PROJECT / app).rglob("*.py")):
            text = path.read_text()
            if "api.problems import" not in text and path.name != "problems.py":
                continue
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Problem":
                    title = node.args[1] if len(node.args) > 1 else None
                    assert title is None or (isinstance(title, ast.Constant) and isinstance(title.value, str)), path
                    numbers = [
                        one.value
                        for one in ast.walk(node.args[0])
                        if isinstance(one, ast.Constant) and isinstance(one.value, int)
                    ]
                    yield f"{path.relative_to(PROJECT)}:{node.lineno}", numbers, "" if title is None else title.value


def test_every_problem_that_the_code_raises_has_a_page() -> None:
    found = list(raised())
    assert len(found) > 30  # or the walk has lost its way
    without = [
        (where, status, title)
        for where, statuses, title in found
        for status in statuses
        if name_of(title or HTTPStatus(status).phrase) not in TYPES
        or status not in TYPES[name_of(title or HTTPStatus(status).phrase)].statuses
    ]
    assert without == []


def test_what_the_framework_raises_has_a_page() -> None:
    for kind in OF_THE_FRAMEWORK:
        response = handle_exception(kind(), {"request": REQUEST})
        assert response is not None and type_of(HTTPStatus(response.status_code).phrase).startswith("/problems/"), kind


@pytest.mark.parametrize("name", TYPES)
def test_the_url_of_a_type_is_a_page_that_says_what_to_do(client: Client, name: str) -> None:
    """Without a database: the page is read when something fails."""
    one = TYPES[name]
    page = client.get(type_of(one.title))
    assert page.status_code == 200 and page["Content-Type"].startswith("text/html")
    assert page["Cache-Control"] == "public, max-age=3600"
    assert one.title in page.content.decode() and "What to do" in page.content.decode()
    assert one.name in client.get("/problems/").content.decode()


def test_what_stands_between_backticks_is_shown_as_code(client: Client) -> None:
    page = client.get("/problems/not-found/").content.decode()
    assert "<code>/api/docs/</code>: paths end with a slash" in page and "`" not in page


def test_the_type_is_absolute_where_the_shop_has_a_public_url(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://looks.example"
    assert type_of("Bad parameter") == "https://looks.example/problems/bad-parameter/"


def test_a_problem_that_nobody_described_says_no_more_than_its_status(client: Client) -> None:
    assert type_of(Problem(418).title) == "about:blank"
    assert client.get("/problems/no-such-problem/").status_code == 404
