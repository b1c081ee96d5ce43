"""A Postgres and a Redis of a test's own, which it may kill and start again."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

import psutil

from config.local.postgres import start_postgres, stop_postgres
from config.local.redis import redis_process, start_redis, stop_redis


class OwnServers:
    """Private servers in `folder`, or in a temporary one: a context manager, or `start()` and `stop()`.

    After `kill_postgres()` or `kill_redis()`, `start()` brings back what is down, at the same URLs. `postgres`: False for
    tests of the Redis alone, since a new cluster takes seconds to make.
    """

    def __init__(self, folder: Path | None = None, *, postgres: bool = True) -> None:
        self._postgres = postgres
        self._own = TemporaryDirectory(prefix="lookalike-test-") if folder is None else None
        self.folder = folder or Path(self._own.name if self._own else "")
        self.database_url = ""
        self.redis_url = ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if self._own is not None:
            self._own.cleanup()

    def start(self) -> None:
        if self._postgres:
            self.database_url = start_postgres(self.folder / "postgres")
        self.redis_url = start_redis(self.folder / "redis", at_the_same_address=bool(self.redis_url))

    def stop(self) -> None:
        stop_redis(self.folder / "redis")
        if self._postgres:
            stop_postgres(self.folder / "postgres")

    def postmaster(self) -> psutil.Process:
        return psutil.Process(int((self.folder / "postgres" / "postmaster.pid").read_text().splitlines()[0]))

    def redis_server(self) -> psutil.Process:
        process = redis_process(self.folder / "redis")
        assert process is not None, "the Redis does not run"
        return process

    def kill_postgres(self) -> None:
        """`kill -9` of the postmaster."""
        postmaster = self.postmaster()
        postmaster.kill()
        psutil.wait_procs([postmaster], timeout=10)

    def kill_backend(self) -> int:
        """`kill -9` of one client backend: Postgres then restarts all of them. Returns its pid."""
        for child in self.postmaster().children():
            if "postgres: postgres" in " ".join(child.cmdline()):
                child.send_signal(signal.SIGKILL)
                return int(child.pid)
        raise LookupError("no client is connected to this Postgres")

    @contextmanager
    def stopped_postgres(self, *, whole: bool = True) -> Iterator[None]:
        """SIGSTOP of the postmaster and all its children, or of the postmaster alone; SIGCONT at the end, whatever happens.

        The postmaster stops first, so that nobody is born meanwhile.
        """
        stopped = [self.postmaster()]
        try:
            stopped[0].suspend()
            if whole:
                for child in stopped[0].children(recursive=True):
                    stopped.append(child)
                    child.suspend()
            yield
        finally:
            for process in reversed(stopped):
                with suppress(psutil.NoSuchProcess):
                    process.resume()

    def kill_redis(self) -> None:
        """`kill -9` of redis-server: everything in it is lost."""
        server = self.redis_server()
        server.kill()
        psutil.wait_procs([server], timeout=10)
