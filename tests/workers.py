"""Real Celery worker processes for tests, against the test database, the tests' Redis and the test's photos."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psutil
import pytest
from django.conf import settings
from django.db import connection

from tests.waiting import wait_until

PROJECT = Path(__file__).resolve().parent.parent
READY_SECONDS = 30.0
STOP_SECONDS = 30.0


def process_environment(**extra: str) -> dict[str, str]:
    """The environment of a process that shall see what the running test sees."""
    database = urlsplit(os.environ["DATABASE_URL"])
    name = "/" + str(connection.settings_dict["NAME"])
    return {
        **os.environ,
        "DATABASE_URL": urlunsplit(database._replace(path=name)),
        "REDIS_URL": settings.REDIS_URL,
        "MEDIA_ROOT": str(settings.MEDIA_ROOT),
        **extra,
    }


class CeleryWorker:
    """One `celery -A config worker`. Started with `start()`; `stop()` asks (SIGTERM), `kill()` does not (SIGKILL).

    `environment`: the whole environment of the process, see `process_environment`. `processes`: pool children.
    `application`: the module given to `-A`.
    """

    def __init__(
        self,
        *,
        environment: dict[str, str],
        log: Path,
        processes: int = 1,
        name: str = "test",
        application: str = "config",
    ) -> None:
        self.log = log
        self._environment = environment
        self._command = [sys.executable, "-m", "celery", "-A", application, "worker", "--pool", "prefork"]
        self._command += ["--concurrency", str(processes), "--loglevel", "INFO", "--hostname", f"{name}@%h"]
        self._command += ["--without-gossip", "--without-mingle"]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, "the worker was not started"
        return self._process.pid

    def start(self) -> None:
        """Start and wait until the worker consumes."""
        self._process = None
        position = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, cwd=PROJECT, env=self._environment, stdout=log, stderr=log, start_new_session=True
            )
        self.wait_for_line(" ready.", position=position, seconds=READY_SECONDS)

    def wait_for_line(self, text: str, *, position: int = 0, seconds: float = 30.0) -> None:
        """Wait until its log has the text at or behind that byte; the worker must live until then."""
        wait_until(
            lambda: text.encode() in self.log.read_bytes()[position:],
            seconds=seconds,
            what=lambda: f"{text!r} in the worker's log:\n{self.log.read_text()}",
            process=self._process,
        )

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def children(self) -> list[psutil.Process]:
        """The processes of the pool."""
        return psutil.Process(self.pid).children(recursive=True) if self.running() else []

    def wait_for_children(self, count: int, timeout: float = 10.0) -> None:
        """Wait until the pool has `count` processes."""
        wait_until(
            lambda: len(self.children()) == count,
            seconds=timeout,
            what=lambda: f"{count} children (there are {len(self.children())}):\n{self.log.read_text()}",
        )

    def stop(self, timeout: float = STOP_SECONDS) -> int:
        """SIGTERM: the task in hand is finished, nothing more is claimed. Returns the exit code."""
        assert self._process is not None
        if self.running():
            self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            pytest.fail(f"the worker did not stop in {timeout:.0f} s:\n{self.log.read_text()}")
        return code

    def kill(self) -> None:
        """`kill -9` of the worker and its pool, as when its machine goes."""
        if self._process is None:
            return
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()

    def kill_child(self) -> int:
        """`kill -9` of one process of the pool, as the kernel does when memory runs out. Returns its pid."""
        child = self.children()[0]
        child.kill()
        psutil.wait_procs([child], timeout=10)
        return int(child.pid)
