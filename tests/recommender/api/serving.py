"""The server as granian calls it, with a count of the requests that reach Django."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from config.server.application import Server
from config.server.types import Application
from tests.event_loop import EventLoop
from tests.web.rsgi import Sent, asked, running


class Served:
    """The server as granian calls it. `asked`: how many requests came through to Django."""

    def __init__(self, loop: EventLoop, server: Server, asked: list[str]) -> None:
        self.loop, self._server, self._asked = loop, server, asked

    @property
    def asked(self) -> int:
        return len(self._asked)

    def get(self, path: str, query: str = "", method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body. `headers`: with underscores for hyphens."""
        pairs = [(name.replace("_", "-"), value) for name, value in headers.items()]
        answer = self.loop.run(asked(self._server, Sent(path, method, query, pairs)))
        return answer.status, answer.headers, answer.body

    async def ask_until(self, path: str, until: float) -> list[int]:
        """The status of one answer after the other."""
        answers = []
        while time.monotonic() < until:
            answers.append((await asked(self._server, Sent(path))).status)
            await asyncio.sleep(0.01)
        return answers

    async def status_of(self, path: str, headers: dict[str, str]) -> int:
        """The status of an answer, for many to be asked for at once."""
        return (await asked(self._server, Sent(path, pairs=list(headers.items())))).status

    def get_with(self, path: str, headers: list[tuple[str, str]]) -> int:
        """The status of an answer to headers as they stand."""
        return self.loop.run(asked(self._server, Sent(path, pairs=headers))).status


@contextmanager
def serving(application: Application) -> Iterator[Served]:
    """The server around a WSGI application, by the settings of this moment."""
    came: list[str] = []

    def counted(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        came.append(environ["PATH_INFO"])
        return application(environ, start_response)

    with running(counted) as (loop, server):
        yield Served(loop, server, came)
