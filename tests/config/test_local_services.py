"""The local PostgreSQL and Redis: shared, stopped by the last, and back after any kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from config.local.cluster import PostgresUnavailable, tuned_settings
from config.local.postgres import postgres_runs, start_postgres, stop_postgres
from config.local.redis import redis_runs, start_redis, stop_redis
from tests.servers import OwnServers
from tests.waiting import wait_until

PROJECT = Path(__file__).resolve().parent.parent.parent
BORROW = """
import sys
from config.local.services import borrowed_services
with borrowed_services():
    print("borrowed", flush=True)
    sys.stdin.read(1)
"""


@pytest.fixture(scope="module")
def servers() -> Iterator[OwnServers]:
    with OwnServers() as own:
        yield own


def _query(url: str, sql: str) -> str:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(sql).fetchone()
    assert row is not None
    return str(row[0])


def test_postgres_has_pgvector_and_our_settings(servers: OwnServers) -> None:
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
    version = _query(servers.database_url, "SELECT extversion FROM pg_extension WHERE extname = 'vector'")
    assert tuple(map(int, version.split("."))) >= (0, 8, 4)
    assert _query(servers.database_url, "SHOW jit") == "off"
    assert _query(servers.database_url, "SHOW listen_addresses") == ""
    megabytes = _query(
        servers.database_url, "SELECT setting::int * 8 / 1024 FROM pg_settings WHERE name = 'shared_buffers'"
    )
    assert f"{megabytes}MB" == tuned_settings()["shared_buffers"]


def test_starting_what_runs_gives_the_same_servers(servers: OwnServers) -> None:
    before = servers.postmaster().pid, servers.redis_server().pid, servers.database_url, servers.redis_url
    servers.start()
    assert (servers.postmaster().pid, servers.redis_server().pid, servers.database_url, servers.redis_url) == before


def test_a_killed_postmaster_is_started_again_with_its_data(servers: OwnServers) -> None:
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept AS SELECT 42 AS answer")
    url = servers.database_url
    idle = psycopg.connect(url)  # its backend outlives the postmaster for a moment
    servers.kill_postgres()
    assert not postgres_runs(servers.folder / "postgres")
    servers.start()
    idle.close()
    assert servers.database_url == url
    assert _query(url, "SELECT answer FROM kept") == "42"


def test_a_killed_redis_comes_back_empty_at_the_same_address(servers: OwnServers) -> None:
    url = servers.redis_url
    with redis.Redis.from_url(url) as client:
        client.set("key", "value")
    servers.kill_redis()
    assert not redis_runs(servers.folder / "redis")
    servers.start()
    assert servers.redis_url == url
    with redis.Redis.from_url(url) as client:
        assert client.get("key") is None


def test_a_killed_backend_leaves_the_data(servers: OwnServers) -> None:
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS also_kept AS SELECT 7 AS answer")
        servers.kill_backend()

    def answers() -> bool:
        try:
            return _query(servers.database_url, "SELECT answer FROM also_kept") == "7"
        except psycopg.OperationalError:
            return False

    wait_until(answers, seconds=20)


def test_a_process_id_given_to_another_program_is_no_server(servers: OwnServers) -> None:
    """After a reboot the id in a stale lock file may be anybody's; PostgreSQL alone would refuse to start."""
    servers.kill_postgres()
    lock = servers.folder / "postgres" / "postmaster.pid"
    lines = lock.read_text().splitlines()
    lock.write_text("\n".join([str(os.getpid()), *lines[1:]]))
    assert not postgres_runs(servers.folder / "postgres")
    servers.start()
    assert _query(servers.database_url, "SELECT 1") == "1"


@pytest.mark.parametrize("content", ["", "not a number\n"])
def test_a_lock_file_cut_short_is_no_server(servers: OwnServers, content: str) -> None:
    servers.kill_postgres()
    (servers.folder / "postgres" / "postmaster.pid").write_text(content)
    servers.start()
    assert _query(servers.database_url, "SELECT 1") == "1"


def test_another_redis_on_our_port_is_not_taken_for_ours(servers: OwnServers, server_folder: Path) -> None:
    """The note of a Redis that is gone may name a port that another Redis has now."""
    ours = server_folder / "redis"
    ours.mkdir()
    (ours / "redis.conf").write_text((servers.folder / "redis" / "redis.conf").read_text())
    assert not redis_runs(ours)
    url = start_redis(ours)
    try:
        assert url != servers.redis_url
        stop_redis(ours)
        with redis.Redis.from_url(servers.redis_url) as client:
            assert client.ping()
    finally:
        stop_redis(ours)


def test_redis_wants_its_password(servers: OwnServers) -> None:
    port = redis.Redis.from_url(servers.redis_url).connection_pool.connection_kwargs["port"]
    with redis.Redis(port=port, retry=None) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()


def test_a_long_path_with_odd_signs_works(server_folder: Path) -> None:
    """A Unix socket's path is bounded: the socket then lies elsewhere."""
    folder = server_folder / ("ein sehr länger Pfad, with 'quotes' and % " * 3) / "postgres"
    url = start_postgres(folder)
    try:
        assert _query(url, "SELECT 1") == "1"
        assert Path(_query(url, "SHOW data_directory")) == folder
    finally:
        stop_postgres(folder)
    assert not postgres_runs(folder)


def test_a_folder_of_something_else_is_refused(server_folder: Path) -> None:
    folder = server_folder / "postgres"
    folder.mkdir()
    (folder / "thesis.txt").write_text("dear to somebody")
    with pytest.raises(PostgresUnavailable, match="holds files but no PostgreSQL cluster"):
        start_postgres(folder)
    assert (folder / "thesis.txt").read_text() == "dear to somebody"


class Borrower:
    """A process that holds the local services until it is told, or killed."""

    def __init__(self, folder: Path) -> None:
        environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
        self.process = subprocess.Popen(
            [sys.executable, "-c", BORROW],
            cwd=PROJECT,
            env=environment | {"LOCAL_DIR": str(folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def wait_until_borrowed(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"borrowed\n"

    def give_back(self) -> bytes:
        """Returns what it wrote to standard error."""
        return self.process.communicate(b"x", timeout=60)[1]

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def test_the_last_borrower_stops_the_servers(server_folder: Path) -> None:
    first, second = Borrower(server_folder), Borrower(server_folder)  # both at once, on a folder that is new
    first.wait_until_borrowed()
    second.wait_until_borrowed()
    assert first.give_back() == b""
    assert postgres_runs(server_folder / "postgres") and redis_runs(server_folder / "redis")
    assert second.give_back() == b""
    assert not postgres_runs(server_folder / "postgres") and not redis_runs(server_folder / "redis")


def test_a_killed_borrower_is_not_counted(server_folder: Path) -> None:
    killed, last = Borrower(server_folder), Borrower(server_folder)
    killed.wait_until_borrowed()
    last.wait_until_borrowed()
    killed.kill()
    assert last.give_back() == b""
    assert not postgres_runs(server_folder / "postgres") and not redis_runs(server_folder / "redis")


def test_servers_left_by_a_killed_borrower_are_taken_over(server_folder: Path) -> None:
    killed = Borrower(server_folder)
    killed.wait_until_borrowed()
    postmaster = (server_folder / "postgres" / "postmaster.pid").read_text().splitlines()[0]
    killed.kill()
    assert postgres_runs(server_folder / "postgres")
    heir = Borrower(server_folder)
    heir.wait_until_borrowed()
    assert (server_folder / "postgres" / "postmaster.pid").read_text().splitlines()[0] == postmaster
    assert heir.give_back() == b""
    assert not postgres_runs(server_folder / "postgres")


def test_servers_that_the_environment_names_are_used(server_folder: Path, servers: OwnServers) -> None:
    code = "import os; from config.local.services import borrowed_services as b\nwith b(): print(os.environ['DATABASE_URL'])"
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env=os.environ
        | {"LOCAL_DIR": str(server_folder), "DATABASE_URL": servers.database_url, "REDIS_URL": servers.redis_url},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (result.stdout.strip(), result.stderr) == (servers.database_url, "")
    assert not (server_folder / "postgres").exists() and not (server_folder / "redis").exists()
