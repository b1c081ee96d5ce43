"""`make demo` for real: killed in the middle, started again, served, stopped; on drawn pictures and servers of its own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from django.core.management import call_command

from tests.waiting import free_port, is_alive, wait_until

PROJECT = Path(__file__).resolve().parent.parent.parent
PRODUCTS, PHOTOS = 24, 32
pytestmark = [pytest.mark.worker, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("catalogue")
    call_command("draw_catalogue", folder, products=PRODUCTS, side=224, verbosity=0)
    assert len(list((folder / "images").iterdir())) == PHOTOS
    return folder / "products.csv"


class _Demo:
    """One `python -m config.demo` on its own servers."""

    def __init__(self, folder: Path, catalogue: Path, output: Path, *, once: bool, access: str = "open") -> None:
        self.port = free_port()
        self._output = output
        environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
        environment |= {"LOCAL_DIR": str(folder), "CATALOG": str(catalogue), "PORT": str(self.port)}
        environment |= {"API_ACCESS": access}
        environment |= {"ENCODER": "efficientnet-lite0", "WEB_PROCESSES": "1"}  # the quickest to compile and to start
        for name in ("MEDIA_ROOT", "STATIC_ROOT", "SECRET_KEY"):
            environment.pop(name, None)
        with output.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "config.demo"],
                cwd=PROJECT,
                env=environment | {"ONCE": "1" if once else ""},
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return self._output.read_text()

    def wait_for(self, text: str, seconds: float = 120.0) -> None:
        """Until that text stands in its output."""
        self.wait_until(lambda: text in self.output, text, seconds)

    def wait_until(self, condition: Callable[[], object], what: str, seconds: float = 20.0) -> None:
        """The same for a condition; the demo must live until it holds. `what` names it."""
        wait_until(condition, seconds=seconds, what=lambda: f"{what!r}, of:\n{self.output}", process=self.process)

    def children(self) -> dict[str, psutil.Process]:
        """The long-running ones by name."""
        found = {}
        for child in psutil.Process(self.process.pid).children():
            line = " ".join(child.cmdline())
            for name, sign in (("worker", "config worker"), ("beat", "config beat"), ("web", "granian")):
                if sign in line:
                    found[name] = child
        return found

    def get(self, path: str) -> int:
        """The status of the answer; 0 when nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0


def _living(folder: Path) -> list[str]:
    """Command lines of all processes that work on this folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if not is_alive(process):
                continue
            if process.environ().get("LOCAL_DIR") == str(folder) or str(folder) in " ".join(process.cmdline()):
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found


def _server(folder: Path, name: str) -> psutil.Process:
    """The main process of a local server."""
    if name == "PostgreSQL":
        return psutil.Process(int((folder / "postgres" / "postmaster.pid").read_text().splitlines()[0]))
    (process,) = _redis_servers(folder)
    return process


def _redis_servers(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.name() == "redis-server" and process.cwd() == str(folder / "redis"):
                found.append(process)
    return found


@pytest.fixture
def _nothing_left(server_folder: Path) -> Iterator[None]:
    yield
    for process in psutil.process_iter():
        try:
            if process.environ().get("LOCAL_DIR") == str(server_folder) or str(server_folder) in " ".join(
                process.cmdline()
            ):
                process.kill()
        except psutil.Error:
            continue


def test_killed_started_again_served_and_stopped(
    server_folder: Path, catalogue: Path, tmp_path: Path, _nothing_left: None
) -> None:
    # Killed with -9 once its processes are up: they go with it, the data stays.
    first = _Demo(server_folder, catalogue, tmp_path / "first", once=False)
    first.wait_for("Importing")
    assert "Compiling the encoder" in first.output
    assert re.search(r"Admin account made: admin, password \S{16}", first.output)
    children = first.children()
    assert set(children) == {"worker", "beat", "web"}
    first.process.kill()
    first.process.wait()
    wait_until(
        lambda: not [line for line in _living(server_folder) if "celery" in line or "granian" in line],
        seconds=30,
        what=lambda: f"the end of what the demo had started: {_living(server_folder)}",
    )

    # Again, once: what was done is not done again, what was not is; exit 0. It shows its answers where the API wants keys, too.
    second = _Demo(server_folder, catalogue, tmp_path / "second", once=True, access="keys")
    assert second.process.wait(120) == 0, second.output
    assert "Compiling" not in second.output and "Admin account" not in second.output
    assert f"{PHOTOS} done, 0 to do, 0 failed" in second.output
    table = second.output.partition("Similar items, with score")[2].split("Storefront")[0].splitlines()
    rows = [line for line in table if "(drawn)" in line]
    assert len(rows) == 3 and all(len(re.findall(r"\(drawn\) -?[01]\.\d{3}", row)) >= 1 for row in rows)
    for path in ("/", "/admin/", "/api/docs/"):
        assert f"http://127.0.0.1:{second.port}{path}\n" in second.output
    assert _living(server_folder) == []

    # A third time: nothing is left to do; a killed web server comes back; Ctrl-C stops everything.
    third = _Demo(server_folder, catalogue, tmp_path / "third", once=False)
    third.wait_for("Serving until Ctrl-C")
    assert f"0 products created, 0 updated, {PRODUCTS} unchanged; 0 photos added" in third.output
    assert f"0 queued, {PHOTOS} done, 0 to do, 0 failed" in third.output
    assert [third.get(path) for path in ("/", "/admin/login/", "/api/docs/", "/api/v1/status/")] == [200] * 4
    web = third.children()["web"]
    os.killpg(web.pid, signal.SIGKILL)
    third.wait_for("web ended (killed by SIGKILL), again in 1 s")
    third.wait_until(lambda: third.children().get("web", web).pid != web.pid, "another web server")
    for name in ("Redis", "PostgreSQL"):
        _server(server_folder, name).kill()
        third.wait_for(f"The local {name} had died and was started again")
    third.wait_until(lambda: third.get("/api/v1/status/") == 200, "200")
    _stopped_servers_are_left_alone(third, server_folder)
    third.process.send_signal(signal.SIGINT)
    assert third.process.wait(60) == 0
    assert third.output.endswith("Stopped\n")
    assert _living(server_folder) == []


def _stopped_servers_are_left_alone(demo: _Demo, folder: Path) -> None:
    """The demo looks after its servers every two seconds: stopped for longer they are neither doubled nor moved."""
    before = demo.output
    servers = [_server(folder, name) for name in ("Redis", "PostgreSQL")]
    for server in servers:
        server.suspend()
    try:
        over = time.monotonic() + 5
        while time.monotonic() < over:
            assert demo.get("/healthz") == 200
            assert len(_redis_servers(folder)) == 1
            time.sleep(0.1)
    finally:
        for server in servers:
            server.resume()
    demo.wait_until(lambda: demo.get("/api/v1/status/") == 200, "200")
    assert [_server(folder, name) for name in ("Redis", "PostgreSQL")] == servers
    assert demo.output == before


def _fails(**environment: str) -> tuple[int, str]:
    result = subprocess.run(
        [sys.executable, "-m", "config.demo"],
        cwd=PROJECT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return result.returncode, result.stderr


def test_a_busy_port_is_an_error_that_names_another() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, error = _fails(PORT=str(port))
    assert code == 1
    assert f"port {port} cannot be used (address already in use)" in error and f"PORT={port + 1}" in error


@pytest.mark.parametrize(
    ("environment", "what"),
    [
        ({"DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing"}, "the PostgreSQL of DATABASE_URL cannot be reached"),
        ({"REDIS_URL": "redis://127.0.0.1:1/0"}, "the Redis of REDIS_URL cannot be used"),
    ],
)
def test_a_server_that_cannot_be_used_is_an_error_that_names_it(environment: dict[str, str], what: str) -> None:
    code, error = _fails(PORT="1025", **environment)
    assert code == 1
    assert error.startswith(f"make demo: {what}") and "Traceback" not in error


def test_a_catalogue_that_is_not_there_is_an_error_that_names_it() -> None:
    assert _fails(CATALOG="no/such.csv") == (2, "make demo: CATALOG=no/such.csv: there is no such file or folder\n")
