"""Local PostgreSQL and Redis, borrowed by whoever needs them and stopped by the last who leaves.

Every borrower holds a shared lock on one file; the kernel lets go of it however the borrower dies, so a `kill -9` leaves
no stale count behind. `DATABASE_URL` and `REDIS_URL`, when set, are used instead.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import environ

from config.local.postgres import start_postgres, stop_postgres
from config.local.redis import start_redis, stop_redis

PROJECT = Path(__file__).resolve().parent.parent.parent


def local_folder() -> Path:
    """Where local data lives: `.local` in the project, or LOCAL_DIR."""
    return Path(os.environ.get("LOCAL_DIR") or PROJECT / ".local").resolve()


@contextmanager
def borrowed_services() -> Iterator[None]:
    """Set the environment of a command: servers, secret key and media folder, local where nothing else is said."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    environ.Env.read_env(PROJECT / ".env")
    wants_postgres, wants_redis = "DATABASE_URL" not in os.environ, "REDIS_URL" not in os.environ
    if not (wants_postgres or wants_redis):
        if "SECRET_KEY" not in os.environ:
            _local_environment(local_folder())
        yield
        return
    folder = local_folder()
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / "borrowers.lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        with _starting(folder):
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            if wants_postgres:
                os.environ["DATABASE_URL"] = start_postgres(folder / "postgres")
            if wants_redis:
                os.environ["REDIS_URL"] = start_redis(folder / "redis")
        _local_environment(folder)
        yield
    finally:
        with _starting(folder):
            if _last(descriptor):
                if wants_redis:
                    stop_redis(folder / "redis")
                if wants_postgres:
                    stop_postgres(folder / "postgres")
        os.close(descriptor)


def _local_environment(folder: Path) -> None:
    """What production must say itself and a local machine need not."""
    if "SECRET_KEY" in os.environ:
        return
    folder.mkdir(parents=True, exist_ok=True)
    key = folder / "secret_key"
    if not key.exists():
        key.touch(mode=0o600)
        key.write_text(secrets.token_urlsafe(48))
    os.environ["SECRET_KEY"] = key.read_text()
    os.environ.setdefault("HTTPS", "false")
    os.environ.setdefault("MEDIA_ROOT", str(folder / "media"))
    os.environ.setdefault("STATIC_ROOT", str(folder / "static"))


@contextmanager
def _starting(folder: Path) -> Iterator[None]:
    """One process at a time starts or stops the servers."""
    with open(folder / "starting.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _last(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
