"""Lanes: requests that take long make others of their own kind wait, in turn and not for ever, and nobody else."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from config.server import lanes
from config.server.application import MOST_WAITING, Server
from tests.event_loop import EventLoop
from tests.web.caller import MULTIPART
from tests.web.rsgi import Answer, Sent, asked, running

SEARCH = "/api/v1/search/image/"
UPLOAD = Sent(SEARCH, "POST", pairs=[("Content-Type", MULTIPART)], chunks=[b"x"])
BY_URL = Sent(SEARCH, "POST", pairs=[("Content-Type", "application/json")], chunks=[b"{}"])
KINDS = {
    "photo": UPLOAD,
    "photo by URL": BY_URL,
    "batch": Sent("/api/v1/similar/batch/", "POST", chunks=[b"{}"]),
    "why": Sent("/api/v1/products/1/similar/2/why/"),
    "duplicates": Sent("/api/v1/products/1/duplicates/"),
    "media": Sent("/media/thumbnails/ab.jpg"),
    "written photos": Sent("/api/v1/products/sku:A/images/", "POST", chunks=[b"x"]),
    "written batches": Sent("/api/v1/products/batch/", "POST", chunks=[b"{}"]),
    "writes": Sent("/api/v1/products/1/", "PATCH", chunks=[b"{}"]),
    "admin": Sent("/admin/catalog/product/"),
    "state": Sent("/readyz"),
    "rest": Sent("/api/v1/products/"),
}


@dataclass
class Slow:
    """A WSGI application whose answers to some lanes' requests wait until `leave` is set; `order`: what came, by query."""

    lanes: set[str]
    leave: threading.Event = field(default_factory=threading.Event)
    order: list[str] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.order.append(environ["QUERY_STRING"])
        if threading.current_thread().name.removeprefix("lane ") in self.lanes:
            assert self.leave.wait(60)
        start_response("200 OK", [])
        return [b"ok"]


@dataclass
class Running:
    loop: EventLoop
    server: Server
    slow: Slow

    def ask(self, *sent: Sent, while_busy: int = 0, busy: Sent = BY_URL) -> list[Answer]:
        """Answers to requests that come while so many of `busy` do not end; these are let go afterwards, and answered 200."""

        async def all_of_them() -> list[Answer]:
            busy_ones = [asyncio.create_task(asked(self.server, busy)) for _ in range(while_busy)]
            await asyncio.sleep(0)
            try:
                return list(await asyncio.wait_for(asyncio.gather(*(asked(self.server, one) for one in sent)), 20))
            finally:
                self.slow.leave.set()
                assert {answer.status for answer in await asyncio.gather(*busy_ones)} <= {200, 503}

        return self.loop.run(all_of_them())


@pytest.fixture
def slow() -> Slow:
    return Slow({"photo by URL"})


@pytest.fixture
def web(slow: Slow) -> Iterator[Running]:
    with running(slow) as (loop, server):
        yield Running(loop, server, slow)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_that_hangs_holds_no_other_kind(kind: str, settings: Settings) -> None:
    slow = Slow({kind})
    others = [sent for name, sent in KINDS.items() if name != kind]
    with running(slow) as (loop, server):
        answers = Running(loop, server, slow).ask(*others, Sent("/healthz"), while_busy=30, busy=KINDS[kind])
    assert [answer.status for answer in answers] == [200] * len(KINDS)
    assert len(slow.order) == 30 + len(KINDS)


def test_waiting_callers_are_served_in_turn(settings: Settings) -> None:
    settings.WEB_THREADS = 1
    slow = Slow({"rest"})
    with running(slow) as (loop, server):
        web = Running(loop, server, slow)
        slow.leave.set()
        answers = web.ask(*(Sent("/", query_string=str(number)) for number in range(50)))
    assert [answer.status for answer in answers] == [200] * 50
    assert slow.order == [str(number) for number in range(50)]


def test_who_waited_too_long_is_asked_to_come_back_and_the_lane_recovers(web: Running, settings: Settings) -> None:
    settings.WAIT_SECONDS = 0.2
    began = time.monotonic()
    (answer,) = web.ask(BY_URL, while_busy=3)
    assert 0.2 <= time.monotonic() - began < 5
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert json.loads(answer.body)["detail"] == "no thread was free within 0.2 s; try again"
    assert len(web.slow.order) == 3
    assert [one.status for one in web.ask(*[BY_URL] * 20)] == [200] * 20


def test_callers_who_went_away_give_their_places_back(web: Running) -> None:
    async def go_away() -> None:
        tasks = [asyncio.create_task(asked(web.server, BY_URL)) for _ in range(10)]
        await asyncio.sleep(0.05)  # some are in threads, some wait; which does not matter
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        web.slow.leave.set()

    web.loop.run(go_away())
    assert [one.status for one in web.ask(*[BY_URL] * 10)] == [200] * 10


def test_too_many_waiting_requests_are_refused_at_once_but_no_probe(web: Running) -> None:
    refused, probe = web.ask(Sent("/api/v1/status/"), Sent("/healthz"), while_busy=MOST_WAITING)
    assert (refused.status, refused.headers["Retry-After"], probe.status) == (503, "1", 200)
    assert [one.status for one in web.ask(Sent("/api/v1/status/"))] == [200]


def test_threads_end_when_nothing_is_asked(web: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def threads() -> int:
        return sum(thread.name == "lane rest" for thread in threading.enumerate())

    monkeypatch.setattr(lanes, "IDLE_SECONDS", 0.05)
    assert [one.status for one in web.ask(*[Sent("/")] * 4)] == [200] * 4 and threads() > 0

    async def until_none() -> None:
        async with asyncio.timeout(10):
            while threads():
                await asyncio.sleep(0.01)

    web.loop.run(until_none())
    assert [one.status for one in web.ask(Sent("/"))] == [200]


def test_without_room_a_body_is_503(web: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    from config.server import bodies

    monkeypatch.setattr(bodies, "HELD_BYTES", 1000)
    large = Sent("/admin/", "POST", chunks=[b"x" * 600, b"x" * 600])
    assert [one.status for one in web.ask(large, Sent("/admin/", "POST", chunks=[b"x" * 900]))] == [503, 200]


def test_bodies_that_are_still_being_sent_fill_no_queue(web: Running, settings: Settings) -> None:
    settings.BODY_SECONDS = 60.0

    async def beside_many() -> int:
        sent = Sent("/admin/", "POST", chunks=[b"x"], pairs=[("Content-Length", "9")])
        hanging = [asyncio.create_task(asked(web.server, sent, hang=True)) for _ in range(MOST_WAITING + 10)]
        await asyncio.sleep(0)
        answer = await asked(web.server, Sent("/api/v1/status/"))
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)
        return answer.status

    assert web.loop.run(beside_many()) == 200


@pytest.mark.django_db
def test_methods_that_do_not_exist_are_counted_as_one(web: Running, client: Client) -> None:
    web.ask(*(Sent("/api/v1/x/", f"X{n}", pairs=[("Content-Length", "9" * 12)]) for n in range(3)))
    lines = client.get("/metrics").content.decode().splitlines()
    assert not [line for line in lines if 'method="X' in line]
    assert [
        line
        for line in lines
        if line.startswith('lookalike_requests_total{method="other",route="none",status="413"} 3')
    ]
