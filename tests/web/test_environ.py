"""The WSGI environment of a request: what Django reads in it is what Django's own test client would have given it."""

from __future__ import annotations

import asyncio
import string
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote, unquote

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from config.server.types import Asked
from tests.web.rsgi import Answer, Sent, asked, running

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
WORDS = st.text(string.ascii_letters + string.digits + "-", min_size=1, max_size=12)
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)


def environ_of(sent: Sent) -> dict[str, Any]:
    """The environment that an application is called with."""
    seen: list[dict[str, Any]] = []
    answer_to(sent, lambda environ: seen.append(environ | {"body": environ["wsgi.input"].read()}))
    return seen[0]


def answer_to(sent: Sent, look: Callable[[dict[str, Any]], object]) -> Answer:
    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        look(environ)
        start_response("200 OK", [])
        return [b"ok"]

    with running(application) as (loop, server):
        return loop.run(asked(server, sent))


@given(path=TEXT, query=TEXT)
def test_paths_and_queries_are_those_of_djangos_client(path: str, query: str) -> None:
    path = "/" + path.lstrip("/")
    ours = WSGIRequest(environ_of(Sent(path, query_string=quote(query, safe="&=%+"))))
    theirs = RequestFactory().generic("GET", quote(path), QUERY_STRING=quote(query, safe="&=%+"))
    for name in ("path", "path_info"):
        assert getattr(ours, name) == getattr(theirs, name)
    assert ours.META["QUERY_STRING"] == theirs.META["QUERY_STRING"] and ours.GET == theirs.GET
    assert ours.get_full_path() == theirs.get_full_path()


def test_a_query_that_is_not_quoted_is_read_as_utf_8() -> None:
    assert WSGIRequest(environ_of(Sent("/ä", query_string="q=ä"))).GET["q"] == "ä"


@given(headers=st.dictionaries(WORDS, VALUES, max_size=5))
def test_headers_are_those_of_djangos_client(headers: dict[str, str]) -> None:
    alike = {name.lower(): value for name, value in headers.items() if name.lower() not in ("host", "content-length")}
    ours = WSGIRequest(environ_of(Sent("/", pairs=list(alike.items())))).headers
    theirs = RequestFactory().generic("GET", "/", headers=alike).headers
    for name, value in alike.items():
        assert ours[name] == value
        assert name in ("content-type", "cookie") or theirs[name] == value


def test_what_cannot_be_one_header_is_not_another() -> None:
    pairs = [("X-A", "1"), ("X-A", "2"), ("Cookie", "a=1"), ("Cookie", "b=2"), ("X_A", "3"), ("X-Name", "\xe4")]
    sent = Sent("/", pairs=pairs)
    environ = environ_of(sent)
    assert (environ["HTTP_X_A"], environ["HTTP_COOKIE"], environ["HTTP_X_NAME"]) == ("1,2", "a=1; b=2", "")
    assert WSGIRequest(environ).COOKIES == {"a": "1", "b": "2"}
    before_django = Asked(sent, Answer(sent))
    names = ("x-a", "cookie", "x-name", "x-none")
    assert [before_django.header(name) for name in names] == ["1,2", "a=1; b=2", "", None]


def test_the_rest_of_the_environment() -> None:
    sent = Sent("/", "POST", pairs=[("Content-Type", "text/x")], chunks=[b"abc"], server="[::1]:8000", client="[::2]:9")
    environ = environ_of(sent)
    expected = {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "SERVER_NAME": "::1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "::2",
        "CONTENT_TYPE": "text/x",
        "CONTENT_LENGTH": "3",
        "wsgi.url_scheme": "http",
        "body": b"abc",
    }
    assert {name: environ[name] for name in expected} == expected
    assert "HTTP_CONTENT_LENGTH" not in environ and "CONTENT_LENGTH" not in environ_of(Sent("/"))
    assert environ_of(Sent("/", http_version="1"))["SERVER_PROTOCOL"] == "HTTP/1.0"


@pytest.mark.parametrize("length", [0, 5, 70_000, 3_000_000])
@pytest.mark.parametrize("header", ["Content-Length", "Transfer-Encoding"])
def test_bodies_arrive_whole_whatever_their_size(length: int, header: str) -> None:
    body = bytes(number % 251 for number in range(length))
    chunks = [body[start : start + 50_000] for start in range(0, length, 50_000)]
    value = str(length) if header == "Content-Length" else "chunked"
    environ = environ_of(Sent("/admin/", "POST", pairs=[(header, value)], chunks=chunks))
    assert environ["body"] == body and environ["CONTENT_LENGTH"] == str(length)


def test_what_an_application_raises_is_logged_and_500(caplog: pytest.LogCaptureFixture) -> None:
    def fail(environ: dict[str, Any]) -> None:
        raise LookupError("the reason")

    answer = answer_to(Sent("/x"), fail)
    assert (answer.status, answer.body) == (500, b"Internal Server Error\n")
    assert "GET /x was not answered" in caplog.text and "the reason" in caplog.text


def test_an_answer_is_closed_in_the_thread_that_made_it() -> None:
    import threading

    threads: list[str] = []

    class Closing(list[bytes]):
        def close(self) -> None:
            threads.append(threading.current_thread().name)

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        threads.append(threading.current_thread().name)
        start_response("200 OK", [])
        return Closing([b"a", b"b"])

    with running(application) as (loop, server):
        assert loop.run(asked(server, Sent(unquote("/x")))).body == b"ab"
    assert threads == ["lane rest"] * 2


def test_the_loop_goes_on_while_an_answer_is_made() -> None:
    async def both(server: Any) -> list[int]:
        answers = await asyncio.gather(*(asked(server, Sent("/x")) for _ in range(3)))
        return [answer.status for answer in answers]

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("204 No Content", [])
        return []

    with running(application) as (loop, server):
        assert loop.run(both(server)) == [204] * 3
