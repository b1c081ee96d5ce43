"""Every process that a run starts bears its mark, an inherited environment variable: what outlives the run is found by it."""

from __future__ import annotations

import secrets
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from tests.waiting import is_alive

NAME = "LOOKALIKE_TEST_RUN"
# What ends by itself, because its parent or its pipe did, has done so by then.
END_SECONDS = 5.0
# They write over their environment.
SERVERS = ("postgres", "redis-server")


class Mark:
    """Lay `environment` on the environment of whatever is started; a process that starts others hands it on.

    `folder`: PostgreSQL and Redis are known by running below it. At the end of a `with` all that is left is killed.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.environment = {NAME: secrets.token_hex(16)}
        self._folder = folder.resolve() if folder else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def living(self) -> list[psutil.Process]:
        """The processes that bear the mark, but for those that only wait to be reaped."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def left(self, seconds: float = END_SECONDS) -> list[str]:
        """What is still there after at most so many seconds: process id, parent and command line of each."""
        deadline = time.monotonic() + seconds
        while (living := self.living()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return [named(process) for process in living]

    def kill(self) -> None:
        """`kill -9` of all of them."""
        living = self.living()
        for process in living:
            process.kill()
        psutil.wait_procs(living, timeout=10)

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            if not is_alive(process):
                return False
            if process.environ().get(NAME) == self.environment[NAME]:
                return True
            if self._folder is None or not process.name().startswith(SERVERS):
                return False
            return Path(process.cwd()).is_relative_to(self._folder)
        except (psutil.Error, OSError):
            return False


def named(process: psutil.Process) -> str:
    """A process in words."""
    try:
        return f"process {process.pid}, child of {process.ppid()}: {' '.join(process.cmdline())[:200]}"
    except psutil.Error:
        return f"process {process.pid}, which has just ended"
