"""An RSGI request and its answer in memory: what granian gives config.server, without a socket."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from config.server.access_log import AccessLog
from config.server.application import Server
from config.server.types import Application, Headers
from tests.event_loop import EventLoop


class SentHeaders:
    """Headers as granian shows them: names in lower case, values that are not ASCII left out of all but the names."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._pairs = [(name.lower(), value) for name, value in pairs]
        self._seen = [(name, value) for name, value in self._pairs if value.isascii()]

    def keys(self) -> list[str]:
        return list(dict(self._pairs))

    def items(self) -> list[tuple[str, str]]:
        return self._seen

    def get(self, key: str, default: Any = None) -> Any:
        return next((value for name, value in self._seen if name == key), default)

    def get_all(self, key: str) -> list[str]:
        return [value for name, value in self._seen if name == key]

    def __contains__(self, key: str) -> bool:
        return key in dict(self._pairs)


@dataclass
class Sent:
    """A request. `chunks`: its body as it comes; without a Content-Length among the headers it has the body's length."""

    path: str
    method: str = "GET"
    query_string: str = ""
    pairs: Headers = field(default_factory=list)
    chunks: list[bytes] = field(default_factory=list)
    http_version: str = "1.1"
    server: str = "127.0.0.1:8000"
    client: str = "192.0.2.7:4711"
    scheme: str = "http"

    @property
    def headers(self) -> SentHeaders:
        given = dict(self.pairs)
        pairs = [] if any(name.lower() == "host" for name in given) else [("Host", "localhost")]
        if self.chunks and not given.keys() & {"Content-Length", "Transfer-Encoding"}:
            pairs.append(("Content-Length", str(sum(map(len, self.chunks)))))
        return SentHeaders([*pairs, *self.pairs])


class Answer:
    """The body of a request to read, and the first answer that was given, from whichever thread."""

    def __init__(self, sent: Sent, hang: bool = False) -> None:
        self._chunks, self._hang = [*sent.chunks], hang
        self.given = threading.Event()
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.file: str | None = None

    async def __call__(self) -> bytes:
        if self._hang:
            await asyncio.Event().wait()
        return b"".join(self._chunks)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk
        if self._hang:
            await asyncio.Event().wait()
        yield b""

    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None:
        self._give(status, headers, body)

    def response_file(self, status: int, headers: Headers, file: str) -> None:
        self.file = file
        self._give(status, headers, Path(file).read_bytes())

    def _give(self, status: int, headers: Headers, body: bytes) -> None:
        if not self.given.is_set():
            names = [name.lower() for name, _ in headers if name != "Set-Cookie"]
            assert len(set(names)) == len(names)
            self.status, self.headers, self.body = status, dict(headers), body
            self.given.set()


@contextmanager
def running(application: Application, access_log: AccessLog | None = None) -> Iterator[tuple[EventLoop, Server]]:
    """A server and the event loop in which it answers; its threads have ended afterwards, and their connections."""
    with EventLoop() as loop:
        server = Server(application, access_log=access_log)
        before = set(threading.enumerate())
        try:
            yield loop, server
        finally:
            loop.call(server.__rsgi_del__)
            for thread in set(threading.enumerate()) - before:
                if thread.name.startswith("lane "):
                    thread.join(10)


async def asked(server: Server, sent: Sent, *, hang: bool = False) -> Answer:
    """The answer to one request. `hang`: the body never ends."""
    answer = Answer(sent, hang)
    await server(sent, answer)
    return answer
