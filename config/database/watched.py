"""psycopg's connection with bounded waits, for web processes."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import psycopg
from django.conf import settings
from psycopg.abc import PQGen
from psycopg.waiting import READY_R

from config.database.silence import Address, Server, ServerSilent

CONNECT_SECONDS = 2  # libpq takes no less
_INTERVAL = 0.1  # seconds between two looks at the clock during a wait: psycopg's own value
RV = TypeVar("RV")


@dataclass(frozen=True)
class Limits:
    """After `deadline` seconds without an answer the server is asked whether it lives; `statement`: the longest answer."""

    deadline: float
    statement: float


class _Process:
    """The limits of this process; None in builds, workers and commands, which may wait as long as it takes."""

    limits: Limits | None = None
    server = Server()


def bound_waits() -> None:
    """Bound every wait for Postgres of the connections that this process opens from now on."""
    _Process.limits = Limits(settings.DATABASE_DEADLINE_SECONDS, settings.DATABASE_STATEMENT_SECONDS)
    _Process.server = Server()


def bounded(parameters: dict[str, Any]) -> dict[str, Any]:
    """Connection parameters of this process: a short time to connect, and statements that the server itself ends."""
    limits = _Process.limits
    if limits is None:
        return parameters
    options = f"{parameters.get('options', '')} -c statement_timeout={round(limits.statement * 1000)}".strip()
    patience = min(CONNECT_SECONDS, int(parameters.get("connect_timeout", CONNECT_SECONDS)) or CONNECT_SECONDS)
    return parameters | {"options": options, "connect_timeout": patience}


class WatchedConnection(psycopg.Connection[Any]):
    """Waits as psycopg does, in C, but looks at the clock when nothing has arrived for _INTERVAL seconds.

    A connection on which the server fell silent is closed, and ServerSilent is raised. Costs a microsecond a statement.
    """

    @classmethod
    def connect(cls, *args: Any, **kwargs: Any) -> Self:
        server = _Process.server
        if _Process.limits is None:
            return super().connect(*args, **kwargs)
        if server.silent:
            server.admit()
        try:
            connection = super().connect(*args, **kwargs)
        except psycopg.errors.ConnectionTimeout:
            server.fell_silent()
            raise
        except BaseException:
            server.was_heard()
            raise
        if server.silent:
            server.was_heard()
        return connection

    def wait(self, gen: PQGen[RV], interval: float = _INTERVAL, timeout: float | None = None) -> RV:
        limits, server = _Process.limits, _Process.server
        if limits is None:
            return super().wait(gen, interval, timeout)
        if not server.silent:
            return super().wait(self._watched(gen, limits, server, False), interval, timeout)
        server.admit()
        try:
            return super().wait(self._watched(gen, limits, server, True), interval, timeout)
        except psycopg.Error as error:
            if not isinstance(error, ServerSilent):
                server.was_heard()  # a refusal, or an end of the connection, is an answer
            raise

    def _watched(self, gen: PQGen[RV], limits: Limits, server: Server, trial: bool) -> Generator[Any, Any, RV]:
        """Run `gen`, and give it up if the server falls silent. `trial`: it is known to be silent, and this statement tries."""
        began = looked = time.monotonic()
        try:
            state = next(gen)
            while True:
                ready = yield state
                if not ready:
                    now = time.monotonic()
                    if now - began > limits.statement + limits.deadline or (server.silent and not trial):
                        self._give_up(gen)
                    if now - looked > limits.deadline:
                        self._look(gen, server)
                        looked = time.monotonic()
                elif trial and ready & READY_R:
                    server.was_heard()
                    trial = False
                state = gen.send(ready or 0)
        except StopIteration as end:
            answer: RV = end.value
            return answer

    def _look(self, gen: PQGen[Any], server: Server) -> None:
        """Give up unless the server lives: then it is only the statement that takes long."""
        if server.lives(Address(self.info.hostaddr or self.info.host, self.info.port)):
            server.was_heard()
            return
        server.fell_silent()
        self._give_up(gen)

    def _give_up(self, gen: PQGen[Any]) -> None:
        error = ServerSilent("Postgres does not answer: the connection is closed")
        self.pgconn.finish()
        gen.throw(error)  # the generator cleans up, and raises it
        raise error


class Driver:
    """psycopg as Django's backend uses it, with watched connections."""

    connect = WatchedConnection.connect

    def __getattr__(self, name: str) -> Any:
        return getattr(psycopg, name)
