"""Waits of a web process: a statement that takes its time goes on while the server lives, up to a bound."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection

from config.database.silence import Address, Server, ServerSilent
from tests.workers import PROJECT, process_environment


def test_a_slow_statement_goes_on_while_the_server_lives_and_ends_at_the_bound(db: None) -> None:
    environment = process_environment(DATABASE_DEADLINE_SECONDS="0.2", DATABASE_STATEMENT_SECONDS="1.5")
    command = [sys.executable, "-m", "tests.config.waits"]
    run = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert (found["unbound"], found["bound"], found["slow"]) == ("0", "1500ms", "slept")
    assert found["too slow"] == "canceling statement due to statement timeout"
    assert found["seconds"] < 5 and found["same session"]


def test_a_server_that_lives_is_heard_and_one_that_is_gone_or_silent_is_not(db: None) -> None:
    connection.ensure_connection()
    info = connection.connection.info
    assert Server().lives(Address(info.host, info.port))
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        assert not Server().lives(Address("127.0.0.1", port))  # nobody listens
        silent.listen()
        assert not Server().lives(Address("127.0.0.1", port))  # connected, and nobody answers


def test_after_a_silence_one_thread_tries_and_the_others_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    server = Server()
    server.admit()
    server.fell_silent()
    assert server.silent and refused(server)
    now += 1.1
    server.admit()
    server.admit()  # this thread goes on trying
    with another_thread(server) as others:
        assert others == [True]
    server.was_heard()
    with another_thread(server) as others:
        assert others == [False]
    assert not server.silent


def test_a_trial_of_which_nothing_is_heard_does_not_keep_the_others_out(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    server = Server()
    server.fell_silent()
    now += 1.1
    server.admit()
    now += 5.1
    with another_thread(server) as others:
        assert others == [False]


def refused(server: Server) -> bool:
    try:
        server.admit()
    except ServerSilent:
        return True
    return False


@contextmanager
def another_thread(server: Server) -> Iterator[list[bool]]:
    """Whether it is refused there."""
    found: list[bool] = []
    thread = threading.Thread(target=lambda: found.append(refused(server)))
    thread.start()
    thread.join()
    yield found
