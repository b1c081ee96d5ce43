"""The id of a request: in its answer, in its log lines, and in those of the Celery tasks that it sends.

It imports nothing but the standard library, for processes that answer no requests.
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_ACCEPTED = re.compile(r"[A-Za-z0-9._-]{1,128}")
_current: ContextVar[str] = ContextVar("request_id", default="")


def identifier(given: str) -> str:
    """The id of a request: the caller's own, if it has 1 to 128 letters, digits, `.`, `_` and `-`; else a random one."""
    return given if _ACCEPTED.fullmatch(given) else secrets.token_hex(16)


def current() -> str:
    """The id of the request that this thread is at work for, "" where it is at work for none."""
    return _current.get()


@contextmanager
def at_work_for(request_id: str) -> Iterator[None]:
    """While the block runs, this thread's log lines carry this id."""
    token = _current.set(request_id)
    try:
        yield
    finally:
        _current.reset(token)


def work_for(request_id: str) -> None:
    """From now on this thread's log lines carry this id; with "" they carry none."""
    _current.set(request_id)


class RequestIdFilter(logging.Filter):
    """Sets `request` of each log record: " [id]" while a request is answered or a task of one runs, else the empty text."""

    def filter(self, record: logging.LogRecord) -> bool:
        current = _current.get()
        record.request = f" [{current}]" if current else ""
        return True
