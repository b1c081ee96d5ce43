"""The access log: a line of JSON for every answer that the server gives, written by a thread of its own.

Whoever answers, the event loop or a thread of a lane, only puts the answer's figures into a queue. The queue is bounded: where
standard output takes no more, lines are dropped, and the next line that is written says how many.
"""

from __future__ import annotations

import logging
import os
import queue
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

import orjson

from catalog.access.addresses import client_address
from catalog.texts import printable
from config.server.types import Asked, Headers, Proto, Scope, ScopeHeaders, host_and_port
from config.server.without_secrets import path_without_secrets, query_without_secrets

MOST_WAITING = 10_000
# A pipe takes so many bytes as a whole, so that lines of several processes do not run into each other (POSIX: PIPE_BUF).
MOST_BYTES = 4096
# How long lines are collected: to wake the thread for each would cost more than the line.
COLLECT_SECONDS = 0.05
CLOSE_SECONDS = 2.0
_MOST_OF_PATH, _MOST_OF_QUERY, _MOST_OF_USER_AGENT = 512, 512, 200  # characters

logger = logging.getLogger(__name__)


class Answered(NamedTuple):
    """An answer and the request it was given to. `at`: seconds since 1970; `seconds`: until the server had the answer ready."""

    scope: Scope
    method: str
    path: str
    request_headers: ScopeHeaders
    status: int
    headers: Headers
    size: int
    at: float
    seconds: float


class AccessLog:
    """Takes answers from any thread. `write` is called with whole lines, at most MOST_BYTES at a time."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._answers: queue.SimpleQueue[Answered | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._dropped = 0
        self._ended = False
        self._thread = threading.Thread(target=self._serve, name="access log", daemon=True)
        self._thread.start()

    def watched(self, asked: Asked) -> Proto:
        """What the request is to be answered through, so that its answer becomes a line."""
        return _Watched(asked, self.put)

    def put(self, answered: Answered) -> None:
        """Have an answer written; never waits."""
        if self._ended:
            return
        if self._answers.qsize() < MOST_WAITING:
            self._answers.put(answered)
        else:
            with self._lock:
                self._dropped += 1

    def close(self) -> None:
        """Write what waits, for CLOSE_SECONDS at most."""
        self._answers.put(None)
        self._thread.join(CLOSE_SECONDS)

    def _serve(self) -> None:
        while not self._ended:
            lines = [written for answered in self._collected() if (written := _line_or_nothing(answered))]
            if dropped := self._forget_dropped():
                lines.append(_json({"time": _moment(time.time()), "dropped": dropped}))
            try:
                for batch in _batches(lines):
                    self._write(batch)
            except OSError as error:
                logger.error("the access log ends, for it cannot be written: %s", error)
                self._ended = True

    def _collected(self) -> Iterator[Answered]:
        """The answers of the next COLLECT_SECONDS, waited for; the last ones where the log is to be closed."""
        first = self._answers.get()
        if first is not None:
            time.sleep(COLLECT_SECONDS)
        for answered in [first, *(self._answers.get() for _ in range(self._answers.qsize()))]:
            if answered is None:
                self._ended = True
            else:
                yield answered

    def _forget_dropped(self) -> int:
        with self._lock:
            dropped, self._dropped = self._dropped, 0
        return dropped


class _Watched:
    """A request's body and its answer; the first answer is told to `put`."""

    __slots__ = ("_asked", "_began", "_proto", "_put")

    def __init__(self, asked: Asked, put: Callable[[Answered], None]) -> None:
        self._asked: Asked | None = asked
        self._proto, self._put, self._began = asked.proto, put, time.perf_counter()

    async def __call__(self) -> bytes:
        return await self._proto()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._proto.__aiter__()

    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None:
        self._proto.response_bytes(status, headers, body)
        self._tell(status, headers, len(body))

    def response_file(self, status: int, headers: Headers, file: str) -> None:
        self._proto.response_file(status, headers, file)
        length = next((value for name, value in headers if name.lower() == "content-length"), "0")
        self._tell(status, headers, int(length))

    def _tell(self, status: int, headers: Headers, size: int) -> None:
        asked, self._asked = self._asked, None
        if asked is None:  # granian sends the first answer alone
            return
        size = 0 if asked.method == "HEAD" else size
        seconds = time.perf_counter() - self._began
        request = (asked.scope, asked.method, asked.path, asked.headers)
        self._put(Answered(*request, status, headers, size, time.time(), seconds))


def _line_or_nothing(answered: Answered) -> bytes:
    try:
        return line(answered)
    except Exception:  # the log of all other answers goes on
        logger.exception("an answer has no line in the access log")
        return b""


def line(answered: Answered) -> bytes:
    """One answer as JSON, of at most MOST_BYTES with its line end; the texts of callers are cut and hold no secrets."""
    written = _line(answered, 1)
    return written if len(written) <= MOST_BYTES else _line(answered, 4)  # of characters that JSON writes as six


def _line(answered: Answered, part: int) -> bytes:
    """`part`: of the most characters that a text may have."""
    scope, method, path, request, status, headers, size, at, seconds = answered
    return _json(
        {
            "time": _moment(at),
            "request_id": _request_id(headers),
            "method": method[:20],
            "path": _path(path, part),
            "query": _query(scope.query_string, part),
            "status": status,
            "bytes": size,
            "ms": round(seconds * 1000, 2),
            "address": client_address(host_and_port(scope.client)[0], request.get),
            "user_agent": _cut(request.get("user-agent") or "", _MOST_OF_USER_AGENT // part),
        }
    )


def _request_id(headers: Headers) -> str:
    for name, value in reversed(headers):  # it is among the last
        if name == "X-Request-ID":
            return value
    return ""


# Callers ask the same again and again.
@lru_cache(maxsize=1024)
def _query(query: str, part: int) -> str:
    return _cut(query_without_secrets(query), _MOST_OF_QUERY // part)


def _path(path: str, part: int) -> str:
    return _cut(path_without_secrets(path), _MOST_OF_PATH // part)


def _cut(text: str, most: int) -> str:
    text = text if len(text) <= most else f"{text[:most]}…"
    return text if text.isascii() else printable(text)


def _moment(at: float) -> str:
    return f"{_second(int(at))}.{int(at % 1 * 1000):03d}Z"


@lru_cache(maxsize=4)
def _second(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _json(members: dict[str, object]) -> bytes:
    return orjson.dumps(members, option=orjson.OPT_APPEND_NEWLINE)


def _batches(lines: list[bytes]) -> list[bytes]:
    """The lines joined to pieces of at most MOST_BYTES."""
    pieces: list[bytes] = []
    start = size = 0
    for number, each in enumerate(lines):
        if size + len(each) > MOST_BYTES and number > start:
            pieces.append(b"".join(lines[start:number]))
            start, size = number, 0
        size += len(each)
    return [*pieces, b"".join(lines[start:])] if lines else []


def to_standard_output(data: bytes) -> None:
    """Raises OSError."""
    descriptor = sys.__stdout__.fileno() if sys.__stdout__ is not None else 1
    while data:
        data = data[os.write(descriptor, data) :]
