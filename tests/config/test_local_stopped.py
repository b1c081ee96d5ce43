"""A local server that was stopped (SIGSTOP) or is slow lives: it is waited for, never doubled, and ended at the end."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import redis

from config.local.cluster import PostgresUnavailable
from config.local.postgres import postgres_runs, start_postgres, stop_postgres
from config.local.redis import RedisUnavailable, redis_process, redis_runs, start_redis, stop_redis
from tests.config.test_local_services import Borrower
from tests.servers import OwnServers


@pytest.fixture(scope="module")
def servers() -> Iterator[OwnServers]:
    with OwnServers() as own:
        yield own


@pytest.fixture
def folder(server_folder: Path) -> Iterator[Path]:
    """Of a Redis, ended at the end."""
    yield server_folder
    stop_redis(server_folder)


def in_a_thread(pool: ThreadPoolExecutor, start: Callable[[], str]) -> Future[str]:
    """Begun already when this returns."""
    begun = threading.Event()

    def run() -> str:
        begun.set()
        return start()

    future = pool.submit(run)
    assert begun.wait(10)
    return future


def redis_servers_in(folder: Path) -> list[int]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.name().startswith("redis-server") and process.cwd() == str(folder):
                found.append(process.pid)
    return found


def test_a_stopped_redis_is_waited_for_and_not_started_twice(servers: OwnServers) -> None:
    folder, process = servers.folder / "redis", servers.redis_server()
    process.suspend()
    try:
        assert redis_runs(folder)
        with ThreadPoolExecutor(1) as pool:
            url = in_a_thread(pool, lambda: start_redis(folder))
            assert redis_servers_in(folder) == [process.pid] and not url.done()
            process.resume()
            assert url.result(20) == servers.redis_url
    finally:
        process.resume()
    assert redis_servers_in(folder) == [process.pid]


def test_a_stopped_postgres_is_waited_for_and_not_started_twice(servers: OwnServers) -> None:
    folder, postmaster = servers.folder / "postgres", servers.postmaster()
    postmaster.suspend()
    try:
        assert postgres_runs(folder)
        with ThreadPoolExecutor(1) as pool:
            url = in_a_thread(pool, lambda: start_postgres(folder))
            assert not url.done()
            postmaster.resume()
            assert url.result(20) == servers.database_url
    finally:
        postmaster.resume()
    assert servers.postmaster().pid == postmaster.pid


def test_who_waited_too_long_is_told_which_process_it_is(servers: OwnServers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.local.redis.START_SECONDS", 0.2)
    monkeypatch.setattr("config.local.postgres.CONNECT_SECONDS", 2)  # the least that libpq knows
    process, postmaster = servers.redis_server(), servers.postmaster()
    process.suspend()
    postmaster.suspend()
    try:
        with pytest.raises(RedisUnavailable, match=rf"process {process.pid}\) runs but does not answer.*kill -CONT"):
            start_redis(servers.folder / "redis")
        with pytest.raises(
            PostgresUnavailable, match=rf"process {postmaster.pid}\) runs but takes no conn.*kill -CONT"
        ):
            start_postgres(servers.folder / "postgres")
    finally:
        process.resume()
        postmaster.resume()
    servers.start()
    assert (servers.redis_server().pid, servers.postmaster().pid) == (process.pid, postmaster.pid)


@pytest.mark.parametrize("how", ["stopped", "busy"])
def test_a_redis_that_does_not_listen_is_ended_at_the_end(folder: Path, how: str) -> None:
    url = start_redis(folder)
    process = redis_process(folder)
    assert process is not None
    if how == "stopped":
        process.suspend()
    else:
        with pytest.raises(redis.TimeoutError), redis.Redis.from_url(url, socket_timeout=0.1, retry=None) as client:
            client.execute_command("DEBUG SLEEP", 600)
    stop_redis(folder)
    assert redis_servers_in(folder) == []


def test_a_stopped_postgres_is_ended_at_the_end(servers: OwnServers) -> None:
    postmaster = servers.postmaster()
    for process in [postmaster, *postmaster.children()]:
        process.suspend()
    stop_postgres(servers.folder / "postgres")
    assert not postgres_runs(servers.folder / "postgres")
    servers.start()


def test_a_note_of_its_process_that_is_old_lost_or_damaged_misleads_nobody(folder: Path) -> None:
    url = start_redis(folder)
    process = redis_process(folder)
    assert process is not None
    for content in (str(os.getpid()), "", "no number", str(2**31)):
        (folder / "redis.pid").write_text(content)
        assert redis_process(folder) == process
        assert start_redis(folder) == url
    (folder / "redis.pid").unlink()
    assert redis_process(folder) == process
    process.kill()
    psutil.wait_procs([process], timeout=10)
    (folder / "redis.pid").write_text(str(os.getpid()))
    assert not redis_runs(folder)
    assert start_redis(folder) == url


@pytest.mark.parametrize("content", ["", "port ", "port 1\nrequirepass"])
def test_a_configuration_cut_short_is_made_anew_unless_its_redis_runs(
    folder: Path, content: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = start_redis(folder)
    process = redis_process(folder)
    assert process is not None
    whole = (folder / "redis.conf").read_text()
    (folder / "redis.conf").write_text(content)
    with monkeypatch.context() as patched:
        patched.setattr("config.local.redis.START_SECONDS", 0.2)
        with pytest.raises(
            RedisUnavailable, match=rf"process {process.pid}\) runs but does not answer as .*redis.conf"
        ):
            start_redis(folder)
    assert process.is_running()
    (folder / "redis.conf").write_text(whole)
    assert start_redis(folder) == first
    stop_redis(folder)
    (folder / "redis.conf").write_text(content)
    with pytest.raises(RedisUnavailable, match=r"redis\.conf does not say any more at which port"):
        start_redis(folder, at_the_same_address=True)
    second = start_redis(folder)
    with redis.Redis.from_url(second) as client:
        assert client.ping()


def test_a_port_that_another_program_took_is_waited_for_by_who_knows_the_address(folder: Path) -> None:
    url = start_redis(folder)
    port = redis.Redis.from_url(url).connection_pool.connection_kwargs["port"]
    stop_redis(folder)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        with pytest.raises(RedisUnavailable, match=f"port {port} has been taken by another program"):
            start_redis(folder, at_the_same_address=True)
        assert not redis_runs(folder)
    assert start_redis(folder, at_the_same_address=True) == url


def test_a_second_borrower_does_not_move_the_redis_of_the_first(server_folder: Path) -> None:
    first = Borrower(server_folder)
    first.wait_until_borrowed()
    try:
        process = redis_process(server_folder / "redis")
        assert process is not None
        (port,) = [each.laddr.port for each in process.net_connections() if each.status == psutil.CONN_LISTEN]
        process.kill()
        psutil.wait_procs([process], timeout=10)
        with socket.socket() as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            other.bind(("127.0.0.1", port))
            other.listen()
            error = Borrower(server_folder).give_back().decode()
            assert f"port {port} has been taken by another program" in error
        assert not redis_runs(server_folder / "redis")
        assert postgres_runs(server_folder / "postgres")
    finally:
        first.give_back()
    assert not postgres_runs(server_folder / "postgres")
