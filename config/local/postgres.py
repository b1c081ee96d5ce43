"""A PostgreSQL with pgvector from a wheel, for a machine that has none; its data lies in the folder of local data."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psutil

from config.local.cluster import PostgresUnavailable, give, prepare, run_program, system_user

START_SECONDS = 120
CONNECT_SECONDS = 10
DATABASE = "lookalike"


@dataclass(frozen=True)
class _Server:
    pid: int
    socket_folder: str
    ready: bool


def start_postgres(folder: Path) -> str:
    """Start the server of `folder` (made when it is new) unless it runs; return the URL of its database `lookalike`.

    Only one process may start or stop the server of a folder at a time. Raises PostgresUnavailable.
    """
    folder = folder.resolve()
    user = system_user()
    server = _running(folder)
    if server is None:
        prepare(folder, user)
        _clear_after_crash(folder)
        log = folder.parent / "logs" / "postgres.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.touch()
        give(log, user)
        run_program("pg_ctl", ["start", "-w", "-s", "-t", str(START_SECONDS), "-l", str(log)], folder, user, log=log)
    server = _wait_until_ready(folder)
    _create_database(server)
    return f"postgresql://postgres:@/{DATABASE}?host={quote(server.socket_folder, safe='/')}"


def stop_postgres(folder: Path) -> None:
    """Stop the server of `folder` if one runs; open connections are closed."""
    folder = folder.resolve()
    if (server := _running(folder)) is not None:
        _resume(server)
        run_program("pg_ctl", ["stop", "-w", "-s", "-m", "fast", "-t", str(START_SECONDS)], folder, system_user())


def postgres_runs(folder: Path) -> bool:
    """Whether the server of `folder` lives, be it slow or stopped."""
    return _running(folder.resolve()) is not None


def _running(folder: Path) -> _Server | None:
    """What postmaster.pid says, if that process is a postgres of this folder: the id may be another program's by now."""
    try:
        lines = (folder / "postmaster.pid").read_text().splitlines()
        process = psutil.Process(int(lines[0]))
        if not process.name().startswith("postgres") or Path(process.cwd()) != folder:
            return None
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
    except (FileNotFoundError, IndexError, ValueError, psutil.Error):
        return None
    ready = len(lines) > 7 and lines[7].strip() == "ready"
    return _Server(pid=process.pid, socket_folder=lines[4] if len(lines) > 4 else "", ready=ready)


def _clear_after_crash(folder: Path) -> None:
    """No postmaster runs here: end processes that outlived it, and remove a lock file whose id another program has now.

    A lock file whose process is gone is left to PostgreSQL, which then looks for shared memory that is still in use.
    """
    orphans = []
    for process in psutil.process_iter(["name"]):
        if (process.info["name"] or "").startswith("postgres"):
            try:
                if Path(process.cwd()) == folder:
                    process.kill()
                    orphans.append(process)
            except (psutil.Error, OSError):
                continue
    psutil.wait_procs(orphans, timeout=10)
    lock = folder / "postmaster.pid"
    if lock.exists():
        first = lock.read_text().partition("\n")[0].strip()
        if not first.isdigit() or psutil.pid_exists(int(first)):
            lock.unlink()


def _wait_until_ready(folder: Path) -> _Server:
    deadline = time.monotonic() + START_SECONDS
    while not ((server := _running(folder)) and server.ready):
        if server is None or time.monotonic() > deadline:
            raise PostgresUnavailable(f"PostgreSQL did not become ready; see {folder.parent / 'logs' / 'postgres.log'}")
        time.sleep(0.05)
    return server


def _resume(server: _Server) -> None:
    """Resume those of its processes that were stopped (SIGSTOP): else they would not act on the signal to end."""
    try:
        postmaster = psutil.Process(server.pid)
        for process in [postmaster, *postmaster.children(recursive=True)]:
            process.resume()
    except psutil.NoSuchProcess:
        return


def _create_database(server: _Server) -> None:
    import psycopg

    try:
        with psycopg.connect(
            host=server.socket_folder,
            user="postgres",
            dbname="postgres",
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
        ) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                connection.execute(f'CREATE DATABASE "{DATABASE}"')
    except psycopg.OperationalError as error:
        raise PostgresUnavailable(
            f"the local PostgreSQL (process {server.pid}) runs but takes no connection ({str(error).strip()}): "
            f"`kill -CONT {server.pid}` lets it go on if it was stopped"
        ) from error
