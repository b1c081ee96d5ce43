"""What a web process knows of a Postgres that does not answer: it is asked whether it lives, and left alone for a second.

A server that was stopped, or whose machine hangs, refuses nothing and answers nothing; neither its own time-outs nor,
on a Unix socket, keep-alives end the wait.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from dataclasses import dataclass

import psycopg

REST_SECONDS = 1.0
LIVES_SECONDS = 1.5
_TRIAL_SECONDS = 5.0  # by then the thread that tries has heard something or given up
# SSLRequest of the protocol: a length, a number. A server answers it with one byte before it looks at who asks.
_SSL_REQUEST = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")

logger = logging.getLogger(__name__)


class ServerSilent(psycopg.OperationalError):
    """Postgres does not answer: this was found out now, or a moment ago."""


@dataclass(frozen=True)
class Address:
    """Where libpq found the server: `host` is a name, a number, or the folder of a Unix socket."""

    host: str
    port: int


class Server:
    """After a silence statements fail at once for a second; then one tries, and the others wait for what it finds.

    `silent` is read by every statement, without a lock.
    """

    def __init__(self) -> None:
        self.silent = False
        self._closed_again = 0.0
        self._trying: int | None = None
        self._lock = threading.Lock()
        self._asking = threading.Lock()
        self._lived, self._lived_at = True, float("-inf")

    def admit(self) -> None:
        """Let this thread try, after a silence. Raises ServerSilent in all others."""
        now, thread = time.monotonic(), threading.get_ident()
        with self._lock:
            if not self.silent or self._trying == thread:
                return
            if now < self._closed_again:
                raise ServerSilent("Postgres did not answer a moment ago")
            self._closed_again, self._trying = now + _TRIAL_SECONDS, thread

    def fell_silent(self) -> None:
        with self._lock:
            if not self.silent:
                logger.error("Postgres does not answer; what needs it is refused until it does")
            self.silent, self._trying, self._closed_again = True, None, time.monotonic() + REST_SECONDS

    def was_heard(self) -> None:
        with self._lock:
            if self.silent:
                logger.warning("Postgres answers again")
            self.silent, self._trying = False, None

    def lives(self, address: Address) -> bool:
        """Whether it answers a second connection within LIVES_SECONDS. One asks at a time, for all that wait for it."""
        began = time.monotonic()
        with self._asking:
            if self._lived_at < began:
                self._lived = _answers(address)
                self._lived_at = time.monotonic()
            return self._lived


def _answers(address: Address) -> bool:
    unix = address.host.startswith(("/", "@"))
    try:
        if unix:
            path = f"{address.host}/.s.PGSQL.{address.port}"
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(LIVES_SECONDS / 2)
            connection.connect("\0" + path[1:] if path.startswith("@") else path)
        else:
            connection = socket.create_connection((address.host, address.port), LIVES_SECONDS / 2)
        with connection:
            connection.settimeout(LIVES_SECONDS / 2)
            connection.sendall(_SSL_REQUEST)
            return bool(connection.recv(1))
    except OSError:
        return False
