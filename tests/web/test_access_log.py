"""The access log: a line for every answer of the server, whoever gives it, without secrets, and never waited for."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from pytest_django import Settings

from config.server import access_log
from config.server.access_log import MOST_BYTES, AccessLog, Answered, line
from config.server.without_secrets import path_without_secrets, query_without_secrets
from recommender.merchandising.rules import in_force
from recommender.spaces import active
from tests.load.web import web_server
from tests.recommender.search.gallery import Shop, make_space, random_units
from tests.waiting import wait_until
from tests.web.caller import Caller
from tests.web.rsgi import Sent, asked, running
from tests.workers import process_environment


def answered(sent: Sent, *, status: int = 200, size: int = 3, headers: dict[str, str] | None = None) -> Answered:
    given = list((headers or {"X-Request-ID": "shop-42"}).items())
    return Answered(sent, sent.method, sent.path, sent.headers, status, given, size, 1_790_000_000.25, 0.001234)


def test_a_line_has_who_asked_for_what_and_what_came_of_it() -> None:
    sent = Sent("/api/v1/products/", "GET", "limit=3", [("User-Agent", "Browser 1.0")])
    assert json.loads(line(answered(sent))) == {
        "time": "2026-09-21T14:13:20.250Z",
        "request_id": "shop-42",
        "method": "GET",
        "status": 200,
        "bytes": 3,
        "ms": 1.23,
        "address": "192.0.2.7",
        "path": "/api/v1/products/",
        "query": "limit=3",
        "user_agent": "Browser 1.0",
    }


@pytest.mark.parametrize("character", ["a", "é", "\x01", "\U0001f600", "\udc80", '"', "\n"])
def test_a_line_is_one_line_and_bounded_whatever_callers_send(character: str) -> None:
    long = character * 20_000
    written = line(answered(Sent("/" + long, "GET", long, [("User-Agent", "x" * 20_000)])))
    assert len(written) <= MOST_BYTES and written.count(b"\n") == 1 and written.endswith(b"}\n")
    read = json.loads(written)
    assert read["path"].endswith("…") and read["query"].endswith("…") and read["user_agent"].endswith("…")


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", ""),
        ("limit=3&attr.colour=red", "limit=3&attr.colour=red"),
        ("attr.design=floral&keyword=a&author=b&q=a%20b", "attr.design=floral&keyword=a&author=b&q=a%20b"),
        ("key=abc&limit=3", "key=***&limit=3"),
        ("api_key=abc&API-KEY=abc&apikey=abc&access_token=abc", "api_key=***&API-KEY=***&apikey=***&access_token=***"),
        ("api%5Fkey=abc&p%61ssword=abc", "api%5Fkey=***&p%61ssword=***"),
        ("X-Amz-Signature=abc&X-Amz-Credential=abc&sig=abc", "X-Amz-Signature=***&X-Amz-Credential=***&sig=***"),
        (
            "csrfmiddlewaretoken=abc&sessionid=abc&code=abc&auth=abc",
            "csrfmiddlewaretoken=***&sessionid=***&code=***&auth=***",
        ),
        ("q=lk_sec_abc", "q=***"),
        ("lk_sec_abc", "***"),
        ("q=lk%5Fpub%5Fabc", "q=***"),
        ("image_url=https://ada:pw@shop.example/a.jpg", "image_url=***"),
        ("image_url=https%3A%2F%2Fada%3Apw%40shop.example%2Fa.jpg", "image_url=***"),
        ("image_url=https%3A%2F%2Fshop.example%2Fa.jpg%3Fw%3D2%26token%3Dabc", "image_url=***"),
        (
            "image_url=https%3A%2F%2Fshop.example%2Fa.jpg%3Fw%3D2",
            "image_url=https%3A%2F%2Fshop.example%2Fa.jpg%3Fw%3D2",
        ),
        ("email=ada@shop.example", "email=ada@shop.example"),
    ],
)
def test_a_query_is_shown_without_secrets(query: str, shown: str) -> None:
    assert query_without_secrets(query) == shown


def test_a_path_is_shown_without_keys() -> None:
    assert path_without_secrets("/api/v1/lk_sec_abc/products/") == "/api/v1/***/products/"
    assert path_without_secrets("/api/v1/search/image/") == "/api/v1/search/image/"


def lines_of(written: list[bytes]) -> list[dict[str, Any]]:
    assert all(len(piece) <= MOST_BYTES and piece.endswith(b"\n") for piece in written)
    return [json.loads(each) for each in b"".join(written).splitlines()]


@pytest.mark.django_db(transaction=True)
def test_answers_from_redis_are_in_it_as_django_s_are(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.ANSWER_CACHE_SECONDS = 60
    monkeypatch.setattr(active, "CACHE_SECONDS", 60.0)
    monkeypatch.setattr(in_force, "CACHE_SECONDS", 60.0)
    shop = Shop(make_space())
    path = f"/api/v1/products/{shop.add(random_units(1)).pk}/similar/"
    written: list[bytes] = []
    reached: list[str] = []

    def application(environ: Any, start_response: Any) -> Any:
        reached.append(environ["PATH_INFO"])
        return WSGIHandler()(environ, start_response)

    with running(application, AccessLog(written.append)) as (loop, server):
        answers = [loop.run(asked(server, Sent(path, query_string="limit=2"))) for _ in range(3)]
        answers.append(loop.run(asked(server, Sent(path, "HEAD"))))
    assert [answer.status for answer in answers] == [200] * 4 and len(reached) == 2
    lines = lines_of(written)
    assert [each["request_id"] for each in lines] == [answer.headers["X-Request-ID"] for answer in answers]
    assert [(each["status"], each["query"]) for each in lines] == [(200, "limit=2")] * 3 + [(200, "")]
    assert [each["bytes"] for each in lines] == [*(len(answer.body) for answer in answers[:3]), 0]
    assert all(0 < each["ms"] < 60_000 for each in lines)


def test_what_the_server_itself_answers_is_in_it(settings: Settings) -> None:
    settings.BODY_SECONDS = 0.2

    def application(environ: Any, start_response: Any) -> Any:
        raise ZeroDivisionError

    written: list[bytes] = []
    too_large = Sent("/api/v1/recommendations/", "POST", pairs=[("Content-Length", "99999999")])
    late = Sent("/api/v1/recommendations/", "POST", chunks=[b"x" * 9], pairs=[("Content-Length", "100000")])
    with running(application, AccessLog(written.append)) as (loop, server):
        statuses = [
            loop.run(asked(server, Sent("/"))).status,
            loop.run(asked(server, too_large)).status,
            loop.run(asked(server, late, hang=True)).status,
        ]
    assert statuses == [500, 413, 408]
    assert [(each["status"], each["path"], each["method"]) for each in lines_of(written)] == [
        (500, "/", "GET"),
        (413, "/api/v1/recommendations/", "POST"),
        (408, "/api/v1/recommendations/", "POST"),
    ]
    assert all(re.fullmatch("[0-9a-f]{32}", each["request_id"]) for each in lines_of(written))


def test_nobody_waits_for_an_output_that_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_log, "MOST_WAITING", 50)
    blocked, written = threading.Event(), []
    stuck = threading.Event()

    def write(data: bytes) -> None:
        stuck.set()
        assert blocked.wait(30)
        written.append(data)

    log = AccessLog(write)
    one = answered(Sent("/"))
    log.put(one)
    assert stuck.wait(30)
    for _ in range(70):
        log.put(one)
    blocked.set()
    log.close()
    lines = lines_of(written)
    assert len(lines) == 52 and lines[-1].keys() == {"time", "dropped"} and lines[-1]["dropped"] == 20


def test_an_output_that_is_gone_ends_the_log_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    def write(data: bytes) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    log = AccessLog(write)
    log.put(answered(Sent("/")))
    wait_until(lambda: bool(caplog.messages), seconds=10, what=lambda: "a message")
    log.put(answered(Sent("/")))
    log.close()
    assert caplog.messages == ["the access log ends, for it cannot be written: [Errno 32] Broken pipe"]


@pytest.fixture(scope="module")
def served(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The shipped server with its access log, and the file of what it writes."""
    log = tmp_path_factory.mktemp("web") / "log"
    environment = process_environment(
        WEB_PROCESSES="2", HTTPS="false", BODY_SECONDS="1", ACCESS_LOG="json", MEDIA_ROOT=str(log.parent)
    )
    with web_server(environment, log) as url:
        yield url, log


@pytest.mark.django_db(transaction=True)
def test_the_shipped_server_writes_it_to_standard_output(served: tuple[str, Path]) -> None:
    url, log = served
    sent = [
        ("GET", "/api/v1/products/?limit=2&token=abc", b"", (), 400),
        ("GET", "/api/v1/nothing/", b"", (), 404),
        ("POST", "/api/v1/recommendations/", b"x", ("Content-Length: 99999999",), 413),
        ("POST", "/api/v1/recommendations/", b"{}", ("Content-Length: 9",), 408),
        ("POST", "/api/v1/recommendations/", b"{}", ("Content-Type: text/x; charset=utf-7", "Content-Length: 2"), 415),
    ]
    for number, (method, path, body, headers, _) in enumerate(sent):
        caller = Caller(url)
        with caller.socket:
            caller.send(path, body, f"X-Request-ID: line-{number}", "User-Agent: Caller", *headers, method=method)
            status, given, _body = caller.answer()
            assert given["x-request-id"] == f"line-{number}", (path, status)
    wait_until(lambda: b"line-4" in log.read_bytes(), seconds=10, what=log.read_text)
    lines = [json.loads(each) for each in log.read_text().splitlines() if each.startswith('{"time"')]
    by_id = {each["request_id"]: each for each in lines}
    assert [by_id[f"line-{number}"]["status"] for number in range(5)] == [status for *_, status in sent]
    first = by_id["line-0"]
    assert (first["path"], first["query"]) == ("/api/v1/products/", "limit=2&token=***")
    assert (first["address"], first["user_agent"], first["method"]) == ("127.0.0.1", "Caller", "GET")
    assert "/healthz" in {each["path"] for each in lines}
