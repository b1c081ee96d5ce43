"""A web server that is killed leaves nobody behind who answers in its stead."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.load.web import PROJECT
from tests.waiting import free_port, is_alive, wait_until
from tests.web.caller import MULTIPART
from tests.workers import process_environment

PROCESSES = 2


class WebServer:
    """The shipped server on a port. What it allows a photo is in its answers, and so tells which server answers."""

    def __init__(self, port: int, log: Path, megabytes: int) -> None:
        self.port = port
        environment = process_environment(
            WEB_PROCESSES=str(PROCESSES), HTTPS="false", MAX_PHOTO_BYTES=str(megabytes * 1024**2)
        )
        command = [sys.executable, "-m", "config.web", "--port", str(port)]
        with log.open("ab") as file:
            started = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=file, stderr=file)
        self.started = started
        self.parent = psutil.Process(started.pid)

    def until_whole(self) -> list[psutil.Process]:
        """Its processes, once all of them answer."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            workers = self.parent.children(recursive=True)
            listening = [one for one in workers if len(one.threads()) > 2]
            if len(listening) == PROCESSES and self.megabytes() is not None:
                return workers
            time.sleep(0.05)
        raise AssertionError("the server did not start")

    def megabytes(self) -> str | None:
        """The version of the process that answers; None when nobody does."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.putrequest("POST", "/api/v1/search/image/", skip_host=True)
            for name, value in (("Host", "localhost"), ("Content-Type", MULTIPART), ("Content-Length", "9" * 15)):
                connection.putheader(name, value)
            connection.endheaders()
            detail: str = json.loads(connection.getresponse().read())["detail"]
        except OSError:
            return None
        finally:
            connection.close()
        return detail.removeprefix("a photo may have ").partition(" MB")[0]


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.mark.usefixtures("transactional_db")
def test_after_the_parent_was_killed_only_the_next_server_answers(port: int, tmp_path: Path) -> None:
    first = WebServer(port, tmp_path / "log", 3)
    workers = first.until_whole()
    try:
        assert first.megabytes() == "3"
        first.parent.kill()
        first.started.wait(10)
        wait_until(lambda: not any(map(is_alive, workers)), seconds=5, what="the end of the dead server's processes")
    finally:
        for one in workers:
            if is_alive(one):
                one.kill()
    second = WebServer(port, tmp_path / "log", 7)
    try:
        second.until_whole()
        assert {second.megabytes() for _ in range(200)} == {"7"}
    finally:
        _ends_in_order(second, signal.SIGTERM, tmp_path / "log")


@pytest.mark.usefixtures("transactional_db")
def test_who_is_interrupted_ends_in_order_as_who_is_asked_to(port: int, tmp_path: Path) -> None:
    server = WebServer(port, tmp_path / "log", 3)
    server.until_whole()
    _ends_in_order(server, signal.SIGINT, tmp_path / "log")


def _ends_in_order(server: WebServer, sign: signal.Signals, log: Path) -> None:
    workers = server.parent.children(recursive=True)
    server.started.send_signal(sign)
    assert server.started.wait(20) == 0
    assert [one for one in workers if is_alive(one)] == []
    assert "Traceback" not in log.read_text()
