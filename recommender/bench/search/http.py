"""A load on an HTTP server over keep-alive connections, as cheap as Python can make it: one process, no parsing but lengths."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from catalog.access.issuing import create_key

READY_SECONDS = 120.0


@dataclass
class Load:
    """Whole requests to send, and the seconds of each answer in the order they came."""

    requests: Iterator[bytes]
    until: float
    seconds: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


class _Client(asyncio.Protocol):
    """One connection: sends a request as soon as the answer to the one before is whole."""

    def __init__(self, load: Load, done: asyncio.Future[None]) -> None:
        self._load, self._done, self._buffer = load, done, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        start = self._buffer.lower().find(b"content-length:", 0, head + 2) + 15
        if start < 15:
            self._done.set_exception(RuntimeError("an answer without a length: the load cannot tell where it ends"))
            self._transport.close()
            return
        length = int(self._buffer[start : self._buffer.index(b"\r", start)])
        if len(self._buffer) < head + 4 + length:
            return
        self._load.seconds.append(time.perf_counter() - self._began)
        if not self._buffer.startswith(b"HTTP/1.1 200"):
            self._load.failed.append(self._buffer[:300].decode(errors="replace"))
        self._buffer = b""
        self._send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(error or ConnectionError("the server closed the connection"))

    def _send(self) -> None:
        request = next(self._load.requests, None)
        if request is None or time.perf_counter() > self._load.until:
            self._done.set_result(None)
            self._transport.close()
            return
        self._began = time.perf_counter()
        self._transport.write(request)


def keys_and_buckets() -> tuple[dict[str, str], dict[str, str]]:
    """The settings of a server that asks for keys and counts by key and by address, and the headers of a page that has a key.

    The buckets hold more than any load takes: what is measured is what counting costs.
    """
    origin = "https://shop.example"
    token = create_key(name="bench", kind="publishable", origins=[origin]).token
    rates = {f"API_{of}_{name}": "1000000" for of in ("ADDRESS", "KEY") for name in ("RATE", "BURST")}
    return {"API_ACCESS": "keys", **rates}, {"Authorization": f"Bearer {token}", "Origin": origin}


def load(
    port: int,
    paths: Iterator[str],
    *,
    connections: int,
    seconds: float = 3600.0,
    headers: Mapping[str, str] | None = None,
) -> tuple[list[float], float]:
    """`load_requests` of GET. `headers`: of each request, beside its host."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    requests = (f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n".encode() for path in paths)
    return load_requests(port, requests, connections=connections, seconds=seconds)


def load_requests(
    port: int, requests: Iterator[bytes], *, connections: int, seconds: float = 3600.0
) -> tuple[list[float], float]:
    """Seconds of each answer, and answers a second; raises RuntimeError if one was not 200."""
    asked = Load(requests, time.perf_counter() + seconds)

    async def run() -> None:
        loop = asyncio.get_running_loop()
        over = [loop.create_future() for _ in range(connections)]
        for future in over:
            await loop.create_connection(lambda future=future: _Client(asked, future), "127.0.0.1", port)  # type: ignore[misc]
        await asyncio.gather(*over)

    began = time.perf_counter()
    asyncio.run(run())
    elapsed = time.perf_counter() - began
    if asked.failed:
        raise RuntimeError(f"{len(asked.failed)} answers were not 200, such as: {asked.failed[0]}")
    return asked.seconds, len(asked.seconds) / elapsed


@contextmanager
def served(command: Sequence[str], port: int, ready: str, environment: dict[str, str], folder: str) -> Iterator[int]:
    """The id of a server process that answers `ready` with 200; it and all that it started are ended at the end."""
    process = subprocess.Popen(command, env=environment, cwd=folder, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        deadline = time.monotonic() + READY_SECONDS
        while not _answers(f"http://127.0.0.1:{port}{ready}"):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{' '.join(command[:4])} … does not answer on port {port}")
            time.sleep(0.1)
        yield process.pid
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(30)
        with suppress(ProcessLookupError):  # the usual case: nothing is left of its session
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
