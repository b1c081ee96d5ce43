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
from dataclasses import dataclass
from pathlib import Path

import environ

from config.local.postgres import postgres_runs, start_postgres, stop_postgres
from config.local.redis import redis_runs, start_redis, stop_redis

PROJECT = Path(__file__).resolve().parent.parent.parent


class LocalFolderUnusable(RuntimeError):
    """The folder of local data cannot be written by this user."""


@dataclass(frozen=True)
class Borrowed:
    """What a borrower holds: which of the servers are local, and where they live."""

    folder: Path
    postgres: bool
    redis: bool

    def revive(self) -> list[str]:
        """Start again what died meanwhile, at the same address; returns the names of what was started."""
        started = []
        if self.postgres and not postgres_runs(self.folder / "postgres"):
            with _starting(self.folder):
                start_postgres(self.folder / "postgres")
            started.append("PostgreSQL")
        if self.redis and not redis_runs(self.folder / "redis"):
            with _starting(self.folder):
                start_redis(self.folder / "redis")
            started.append("Redis")
        return started


def local_folder() -> Path:
    """Where local data lives: `.local` in the project, or LOCAL_DIR."""
    return Path(os.environ.get("LOCAL_DIR") or PROJECT / ".local").resolve()


@contextmanager
def borrowed_services() -> Iterator[Borrowed]:
    """Set the environment of a command: servers, secret key and media folder, local where nothing else is said."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    environ.Env.read_env(os.environ.get("ENV_FILE") or PROJECT / ".env")
    folder = local_folder()
    borrowed = Borrowed(
        folder=folder,
        postgres=not os.environ.get("DATABASE_URL"),
        redis=not os.environ.get("REDIS_URL"),
    )
    if not (borrowed.postgres or borrowed.redis):
        if not os.environ.get("SECRET_KEY"):
            _make(folder)
            _local_environment(folder)
        yield borrowed
        return
    _make(folder)
    descriptor = os.open(folder / "borrowers.lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        with _starting(folder):
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            if borrowed.postgres:
                os.environ["DATABASE_URL"] = start_postgres(folder / "postgres")
            if borrowed.redis:
                os.environ["REDIS_URL"] = start_redis(folder / "redis")
        _local_environment(folder)
        yield borrowed
    finally:
        with _starting(folder):
            if _last(descriptor):
                if borrowed.redis:
                    stop_redis(folder / "redis")
                if borrowed.postgres:
                    stop_postgres(folder / "postgres")
        os.close(descriptor)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        mine = os.geteuid() in (0, folder.stat().st_uid) and os.access(folder, os.W_OK | os.X_OK)
    except PermissionError:
        mine = False
    if not mine:
        raise LocalFolderUnusable(
            f"{folder} belongs to another user or cannot be written: run as that user, or set LOCAL_DIR to a folder of yours"
        )


def _local_environment(folder: Path) -> None:
    """What production must say itself and a local machine need not."""
    if not os.environ.get("SECRET_KEY"):
        key = folder / "secret_key"
        with _starting(folder):
            if not (key.exists() and key.read_text()):
                key.touch(mode=0o600)
                key.write_text(secrets.token_urlsafe(48))
        os.environ["SECRET_KEY"] = key.read_text()
    os.environ.setdefault("HTTPS", "false")
    os.environ.setdefault("MEDIA_ROOT", str(folder / "media"))
    os.environ.setdefault("STATIC_ROOT", str(folder / "static"))
    for name in ("MEDIA_ROOT", "STATIC_ROOT"):
        Path(os.environ[name]).mkdir(parents=True, exist_ok=True)


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
