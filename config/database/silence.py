"""Whether Postgres answers this web process: when it does not, statements fail at once for a second instead of waiting.

A server that was stopped, or whose machine hangs, neither answers nor refuses. Its own time-outs do not end the wait, nor do
keep-alives on a Unix socket. So a second connection asks whether it lives.
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
_TRIAL_SECONDS = 5.0  # by then the thread that tries has had an answer or given up
# The protocol's SSLRequest: a length and a code. A server answers it with one byte, before any authentication.
_SSL_REQUEST = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")

logger = logging.getLogger(__name__)


class ServerSilent(psycopg.OperationalError):
    """Postgres does not answer, by this statement or by one a moment ago."""


@dataclass(frozen=True)
class Address:
    """Where libpq found the server: `host` is a name, a number, or the folder of a Unix socket."""

    host: str
    port: int


class Server:
    """The state of one Postgres server. While it is silent, statements fail at once for a second; then one thread tries,
    and the others go on failing until it has an answer.
    """

    def __init__(self) -> None:
        self._breaker = Breaker(rest_seconds=REST_SECONDS, trial_seconds=_TRIAL_SECONDS)
        self._asking = threading.Lock()
        self._lived, self._lived_at = True, float("-inf")

    @property
    def silent(self) -> bool:
        """Whether it did not answer a moment ago. Read before every statement, without a lock."""
        return not self._breaker.closed

    def admit(self) -> None:
        """Let one thread try when the second after a silence is over. Raises ServerSilent in all others, and before."""
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
        """Whether the server answers a second connection within LIVES_SECONDS. One thread asks at a time, for all that wait."""
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
