"""Bodies over real sockets against the shipped server: half-sent, broken off, chunked, too large."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator

import pytest

from tests.load.web import web_server
from tests.web.caller import MULTIPART, Caller
from tests.workers import process_environment

BODY_SECONDS = 1.0
PHOTO_SEARCH, RECOMMENDATIONS = "/api/v1/search/image/", "/api/v1/recommendations/"


@pytest.fixture(scope="module")
def web(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of one process and a short deadline for bodies."""
    environment = process_environment(
        WEB_PROCESSES="1",
        HTTPS="false",
        BODY_SECONDS=str(BODY_SECONDS),
        MAX_PHOTO_BYTES="1048576",
        MAX_BODY_BYTES="4194304",
    )
    with web_server(environment, tmp_path_factory.mktemp("web") / "log") as url:
        yield url


@pytest.fixture
def caller(web: str) -> Iterator[Caller]:
    caller = Caller(web)
    with caller.socket:
        yield caller


@pytest.mark.parametrize(
    "path, content_type",
    [(RECOMMENDATIONS, "application/problem+json"), ("/admin/login/", "text/plain; charset=utf-8")],
)
@pytest.mark.parametrize("length", ["Content-Length: 9", "Content-Length: 900000", "Transfer-Encoding: chunked"])
def test_an_incomplete_body_is_408_at_the_deadline(caller: Caller, path: str, content_type: str, length: str) -> None:
    began = time.monotonic()
    caller.send(path, b"5\r\nab", length, "X-Request-ID: mine")
    status, headers, body = caller.answer()
    assert (status, headers["content-type"], headers["x-request-id"]) == (408, content_type, "mine")
    assert BODY_SECONDS <= time.monotonic() - began < BODY_SECONDS + 5
    assert b"the body was not whole in time; send it again" in body
    assert caller.ended()


@pytest.mark.parametrize("length", ["Content-Length: 9", "Content-Length: 900000", "Transfer-Encoding: chunked"])
def test_a_body_that_breaks_off_reaches_no_view(caller: Caller, length: str) -> None:
    caller.send(RECOMMENDATIONS, b"5\r\nab", length, "Content-Type: application/json")
    caller.socket.shutdown(socket.SHUT_WR)
    status, _, body = caller.answer()
    assert (status, json.loads(body)["detail"]) == (400, "the body broke off; send it again")


def test_a_chunked_body_is_read_like_any_other(web: str) -> None:
    body, answers = b'{"a": "bcd"}', []
    for headers, sent in (
        ([f"Content-Length: {len(body)}"], body),
        (["Transfer-Encoding: chunked"], b"4\r\n" + body[:4] + b"\r\n8\r\n" + body[4:] + b"\r\n0\r\n\r\n"),
    ):
        caller = Caller(web)
        with caller.socket:
            caller.send(RECOMMENDATIONS, sent, "Content-Type: application/json", *headers)
            status, _, answer = caller.answer()
            answers.append((status, json.loads(answer)))
    assert answers[0] == answers[1] and answers[0][1]["detail"].startswith("positive: ")


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize(
    "path, content_type, size, parameter",
    [
        (PHOTO_SEARCH, MULTIPART, 2_000_000, "image"),
        (PHOTO_SEARCH, "application/json", 3_000_000, None),
        (RECOMMENDATIONS, "application/json", 3_000_000, None),
        ("/admin/login/", "application/x-www-form-urlencoded", 5_000_000, None),
    ],
)
def test_a_body_that_is_too_large_is_413_to_a_caller_who_sends_it_all(
    caller: Caller, path: str, content_type: str, size: int, parameter: str | None, announced: bool
) -> None:
    body = b"x" * size
    chunked = b"%x\r\n" % size + body + b"\r\n0\r\n\r\n"
    length = f"Content-Length: {size}" if announced else "Transfer-Encoding: chunked"
    caller.send(path, body if announced else chunked, length, f"Content-Type: {content_type}")
    status, headers, answer = caller.answer()
    assert status == 413
    if path.startswith("/api/"):
        problem = json.loads(answer)
        assert headers["content-type"] == "application/problem+json" and problem.get("parameter") == parameter
        assert problem["instance"] == path and "MB; send" in problem["detail"]
    else:
        assert b"the body may have 4 MB" in answer
    assert caller.ended()


def test_what_is_announced_as_too_large_is_not_waited_for(caller: Caller) -> None:
    began = time.monotonic()
    caller.send(PHOTO_SEARCH, b"", "Content-Length: 99999999999999999", f"Content-Type: {MULTIPART}")
    assert caller.answer()[0] == 413 and time.monotonic() - began < BODY_SECONDS


def test_a_connection_goes_on_after_a_body(caller: Caller) -> None:
    for _ in range(2):
        caller.send(RECOMMENDATIONS, b"[]", "Content-Length: 2", "Content-Type: application/json")
        assert caller.answer()[0] == 400
    caller.send("/healthz", method="GET")
    assert caller.answer()[2] == b"ok\n"


def test_a_slow_caller_gets_more_time_with_what_comes(caller: Caller) -> None:
    part = b"x" * 250_000
    began = time.monotonic()
    caller.send(PHOTO_SEARCH, b"", f"Content-Length: {4 * len(part)}", f"Content-Type: {MULTIPART}")
    for _ in range(4):
        time.sleep(0.45)
        caller.socket.sendall(part)
    assert caller.answer()[0] == 400 and time.monotonic() - began > BODY_SECONDS
