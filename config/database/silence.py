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

from catalog.breaker import Breaker

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
    """After a silence statements fail at once for a second; then one thread tries, and the others wait for what it finds."""

    def __init__(self) -> None:
        self._breaker = Breaker(rest_seconds=REST_SECONDS, trial_seconds=_TRIAL_SECONDS)
        self._asking = threading.Lock()
        self._lived, self._lived_at = True, float("-inf")

    @property
    def silent(self) -> bool:
        """Whether it did not answer a moment ago. Read before every statement, without a lock."""
        return not self._breaker.closed

    def admit(self) -> None:
        """Let this thread try, after a silence. Raises ServerSilent in all others."""
        if not self._breaker.admits():
            raise ServerSilent("Postgres did not answer a moment ago")

    def fell_silent(self) -> None:
        """It did not answer this thread."""
        if self._breaker.failed():
            logger.error("Postgres does not answer; what needs it is refused until it does")

    def was_heard(self) -> None:
        """It answered this thread."""
        if self._breaker.succeeded():
            logger.warning("Postgres answers again")

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
