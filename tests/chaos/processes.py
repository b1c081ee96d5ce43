"""The processes of a shop under chaos: each is started again, as a supervisor does, whenever it is found dead."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from tests.marked import END_SECONDS, named

PROJECT = Path(__file__).resolve().parent.parent.parent
STOP_SECONDS = 15.0


class Supervised:
    """One process. Its output goes to `log`; `finished` once it has ended by itself with exit code 0."""

    def __init__(self, name: str, command: list[str], *, environment: dict[str, str], log: Path) -> None:
        self.name = name
        self.starts = 0
        self.finished = False
        self._command = command
        self._environment = environment
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, cwd=PROJECT, env=self._environment, stdout=log, stderr=log, start_new_session=True
            )
        self.starts += 1

    def keep_running(self) -> None:
        """Start it again if it died."""
        if self._process is None or self.finished:
            return
        code = self._process.poll()
        if code == 0:
            self.finished = True
        elif code is not None:
            self.start()

    def kill(self) -> list[str]:
        """`kill -9` of the process alone: its children must end by themselves.

        Returns those that did not in time, in words; they are ended here, so that they spoil nothing that follows.
        """
        if self._process is None or self._process.poll() is not None:
            return []
        children = self.children()
        self._process.kill()
        self._process.wait()
        _, orphans = psutil.wait_procs(children, timeout=END_SECONDS)
        outlived = [f"outlived the killed {self.name}: {named(orphan)}" for orphan in orphans]
        for orphan in orphans:
            orphan.kill()
        return outlived

    def children(self) -> list[psutil.Process]:
        if self._process is None or self._process.poll() is not None:
            return []
        return psutil.Process(self._process.pid).children(recursive=True)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL to the whole group where that does not end it; what it leaves behind is not hidden."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


def python(*arguments: str) -> list[str]:
    return [sys.executable, "-m", *arguments]
