"""Local PostgreSQL and Redis for as long as any process needs them: the first starts them, the last stops them.

Every process that uses them (a borrower) holds a shared lock on one file. The kernel releases it however the process ends,
so `kill -9` leaves no wrong count behind. Where DATABASE_URL or REDIS_URL is set, that server is used instead.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import environ

from config.local.folder import (
    PROJECT,
    LocalUnavailable,
    check_entries,
    in_words,
    local_folder,
    make_folder,
    secret_key,
)
from config.local.postgres import postgres_runs, start_postgres, stop_postgres
from config.local.redis import redis_runs, start_redis, stop_redis

STARTING, BORROWERS = "starting.lock", "borrowers.lock"
_FILES_OF_POSTGRES = ("logs/postgres.log",)
_FILES_OF_REDIS = ("redis/redis.conf", "redis/redis.pid", "redis/log")


@dataclass(frozen=True)
class Borrowed:
    """What a process has borrowed: which of the servers are local, and the folder of their data."""

    folder: Path
    postgres: bool
    redis: bool

    def revive(self) -> list[str]:
        """Start again what died meanwhile, at the same address; returns a sentence for each.

        A server that cannot be started is not an error: the application bears its absence, and the next call tries again.
        """
        said = []
        if self.postgres and not postgres_runs(self.folder / "postgres"):
            said.append(self._started_again("PostgreSQL", lambda: start_postgres(self.folder / "postgres")))
        if self.redis and not redis_runs(self.folder / "redis"):
            said.append(
                self._started_again("Redis", lambda: start_redis(self.folder / "redis", at_the_same_address=True))
            )
        return said

    def _started_again(self, name: str, start: Callable[[], str]) -> str:
        try:
            with in_words(self.folder), _starting(self.folder):
                start()
        except LocalUnavailable as error:
            return f"The local {name} had died and is tried again, for it could not be started: {error}"
        return f"The local {name} had died and was started again"


@contextmanager
def borrowed_services() -> Iterator[Borrowed]:
    """Set the environment variables of a command: servers, secret key and folders of files, local where they are not set.

    Raises LocalUnavailable.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    environ.Env.read_env(os.environ.get("ENV_FILE") or PROJECT / ".env")
    postgres, redis = not os.environ.get("DATABASE_URL"), not os.environ.get("REDIS_URL")
    if not (postgres or redis or not os.environ.get("SECRET_KEY")):
        yield Borrowed(folder=local_folder(), postgres=False, redis=False)
        return
    borrowed = Borrowed(folder=make_folder(), postgres=postgres, redis=redis)
    _check(borrowed)
    if not (postgres or redis):
        with in_words(borrowed.folder):
            _local_environment(borrowed.folder)
        yield borrowed
        return
    with in_words(borrowed.folder):
        descriptor = os.open(borrowed.folder / BORROWERS, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        with in_words(borrowed.folder):
            _start(borrowed, descriptor)
            _local_environment(borrowed.folder)
        yield borrowed
    finally:
        with in_words(borrowed.folder):
            _give_back(borrowed, descriptor)
        os.close(descriptor)


def _check(borrowed: Borrowed) -> None:
    """Before anything is started: raises LocalFolderUnusable if an entry of the folder is of the wrong kind."""
    folders, files = ["logs"], ["secret_key", STARTING, BORROWERS]
    folders += [name for name, own in (("media", "MEDIA_ROOT"), ("static", "STATIC_ROOT")) if not os.environ.get(own)]
    if borrowed.postgres:
        folders.append("postgres")
        files += _FILES_OF_POSTGRES
    if borrowed.redis:
        folders.append("redis")
        files += _FILES_OF_REDIS
    check_entries(borrowed.folder, folders=folders, files=files)


def _start(borrowed: Borrowed, descriptor: int) -> None:
    """Start or find the servers and set their URLs; from here on this process counts as a borrower."""
    with _starting(borrowed.folder):
        alone = _last(descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        if borrowed.postgres:
            os.environ["DATABASE_URL"] = start_postgres(borrowed.folder / "postgres")
        if borrowed.redis:  # other borrowers use its address already
            os.environ["REDIS_URL"] = start_redis(borrowed.folder / "redis", at_the_same_address=not alone)


def _give_back(borrowed: Borrowed, descriptor: int) -> None:
    with _starting(borrowed.folder):
        if _last(descriptor):
            if borrowed.redis:
                stop_redis(borrowed.folder / "redis")
            if borrowed.postgres:
                stop_postgres(borrowed.folder / "postgres")


def _local_environment(folder: Path) -> None:
    """Set what production must set itself: secret key, plain HTTP, folders of files."""
    if not os.environ.get("SECRET_KEY"):
        with _starting(folder):
            os.environ["SECRET_KEY"] = secret_key(folder)
    os.environ.setdefault("HTTPS", "false")
    os.environ.setdefault("MEDIA_ROOT", str(folder / "media"))
    os.environ.setdefault("STATIC_ROOT", str(folder / "static"))
    for name in ("MEDIA_ROOT", "STATIC_ROOT"):
        Path(os.environ[name]).mkdir(parents=True, exist_ok=True)


@contextmanager
def _starting(folder: Path) -> Iterator[None]:
    """One process at a time starts or stops the servers."""
    with open(folder / STARTING, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _last(descriptor: int) -> bool:
    """Whether no other process borrows: only then can this one lock the file for itself alone."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
