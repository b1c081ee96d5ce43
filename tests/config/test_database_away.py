"""Postgres killed, stopped or restarted under the shipped server: every page and API call says so in time, and all is well after."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.load.web import PROJECT, web_server
from tests.servers import OwnServers

LONGEST = 5.0
STATUS = "/api/v1/status/"
THUMBNAIL = f"/media/thumbnails/{'0' * 64}.jpg"
# {0} and {1} are products; a body makes it a POST.
NEED_POSTGRES = [
    ("/api/v1/products/{0}/similar/?limit=3", None),
    ("/api/v1/products/{0}/similar/?attr.colour=red", None),
    ("/api/v1/products/{0}/similar/{1}/why/", None),
    ("/api/v1/products/{0}/duplicates/", None),
    ("/api/v1/recommendations/", '{{"positive": [{0}]}}'),
    ("/api/v1/similar/batch/", '{{"products": [{0}, {1}]}}'),
    (STATUS, None),
    ("/api/v1/products/", None),
    ("/api/v1/products/{0}/", None),
    ("/api/v1/categories/", None),
    ("/", None),
    ("/products/{0}/", None),
    ("/search/", None),
    ("/admin/", None),
    ("/admin/catalog/product/{0}/change/", None),
    ("/readyz", None),
    (THUMBNAIL, None),
]
NEED_NO_POSTGRES = ["/healthz", "/api/schema/", "/problems/", "/metrics"]


@dataclass(frozen=True)
class Answer:
    path: str
    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float


@dataclass
class Running:
    """The server's URL, its private Postgres and Redis, two products, and a cookie of a superuser."""

    url: str
    servers: OwnServers
    products: Sequence[str]
    cookie: str

    def ask(self, path: str, body: str | None = None) -> Answer:
        began = time.monotonic()
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        headers = {"Cookie": self.cookie} | ({"Content-Type": "application/json"} if body else {})
        try:
            connection.request("POST" if body else "GET", path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        return Answer(
            path,
            answer.status,
            {name.lower(): value for name, value in answer.getheaders()},
            content,
            time.monotonic() - began,
        )

    def ask_all(self) -> list[Answer]:
        """What needs Postgres, all at once."""
        asked = [(path.format(*self.products), body and body.format(*self.products)) for path, body in NEED_POSTGRES]
        with ThreadPoolExecutor(len(asked)) as pool:
            return list(pool.map(lambda one: self.ask(*one), asked))

    def well(self) -> list[str]:
        """What needs Postgres and does not answer as it does while Postgres runs: path and status."""
        good = {"/api/v1/products/{0}/similar/{1}/why/": (404, 409, 422, 503), THUMBNAIL: (404,)}
        answers = zip(NEED_POSTGRES, self.ask_all(), strict=True)
        return [f"{one.path} {one.status}" for (asked, _), one in answers if one.status not in good.get(asked, (200,))]

    def end_connections(self) -> None:
        """Every connection of the web server is closed by Postgres."""
        with psycopg.connect(self.servers.database_url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )

    def wait_until_well(self) -> float:
        began = time.monotonic()
        while bad := self.well():
            if time.monotonic() - began > LONGEST:
                pytest.fail(f"still not well: {bad}")
        return time.monotonic() - began


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    logs = tmp_path_factory.mktemp("web")
    with OwnServers() as servers:
        environment = {
            **os.environ,
            "DATABASE_URL": servers.database_url, "REDIS_URL": servers.redis_url, "MEDIA_ROOT": str(logs / "media"), "STATIC_ROOT": str(logs / "static"),
            "HTTPS": "false", "WEB_PROCESSES": "1", "WEB_THREADS": "4", "ANSWER_CACHE_SECONDS": "0",
        }  # fmt: skip
        made = subprocess.run(
            [sys.executable, "-m", "tests.config.shop"], cwd=PROJECT, env=environment, capture_output=True, text=True
        )
        assert made.returncode == 0, made.stderr
        with web_server(environment, logs / "web.log") as url:
            *products, session = made.stdout.split()
            found = Running(url, servers, products, f"sessionid={session}")
            found.wait_until_well()
            yield found


def check_refusals(answers: list[Answer]) -> None:
    """Each is 503 within LONGEST, with Retry-After; readable, and without a word of where the server lies.

    The counts of `status/` alone may be of a moment ago.
    """
    answers = [one for one in answers if (one.path, one.status) != (STATUS, 200)]
    assert [(one.path, one.status) for one in answers if one.status != 503] == []
    assert max(one.seconds for one in answers) < LONGEST, {one.path: one.seconds for one in answers}
    for one in answers:
        assert int(one.headers["retry-after"]) > 0, one.path
        assert b".s.PGSQL" not in one.body and b"lookalike-test" not in one.body, one.body
        if one.path.startswith("/api/"):
            assert one.headers["content-type"] == "application/problem+json"
            assert json.loads(one.body)["status"] == 503
        elif one.path == "/readyz":
            ready = json.loads(one.body)
            assert "postgres" in ready["missing"] and ready["checks"]["postgres"] == "does not answer"
        else:
            assert b"Back in a moment" in one.body


def without_postgres(running: Running) -> list[tuple[str, int]]:
    """Path and status of what needs no Postgres."""
    return [(path, running.ask(path).status) for path in NEED_NO_POSTGRES]


ALL_WELL = [(path, 200) for path in NEED_NO_POSTGRES]


@pytest.mark.parametrize("whole", [True, False], ids=["all of it", "the postmaster alone"])
def test_a_stopped_postgres_is_503_in_time_and_all_is_well_after(running: Running, whole: bool) -> None:
    """Without its postmaster open connections answer, so they are ended before: nobody gets a new one."""
    running.wait_until_well()
    if not whole:
        running.end_connections()
    with running.servers.stopped_postgres(whole=whole):
        first, again = running.ask_all(), running.ask_all()
        assert running.ask("/healthz").seconds < 1
        assert without_postgres(running) == ALL_WELL
    check_refusals(first)
    check_refusals(again)
    running.wait_until_well()


def test_a_killed_postgres_is_503_at_once_and_all_is_well_after_a_restart(running: Running) -> None:
    running.servers.kill_postgres()
    try:
        killed = running.ask_all()
        deadline = time.monotonic() + 30
        while (counted := running.ask(STATUS)).status == 200 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert without_postgres(running) == ALL_WELL
    finally:
        running.servers.start()
    check_refusals([*killed, counted])
    assert counted.status == 503
    running.wait_until_well()


def test_idle_connections_are_as_good_after_a_stop_or_replaced_after_a_restart(running: Running) -> None:
    """Nothing was asked meanwhile: the first request after is answered."""
    running.wait_until_well()
    with running.servers.stopped_postgres():
        assert running.ask("/healthz").status == 200
    assert running.well() == []
    running.servers.stop()
    running.servers.start()
    assert running.well() == []
