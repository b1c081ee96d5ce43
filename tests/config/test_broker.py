"""A broker that is away costs an upload little, and a worker finds it again by itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import OwnServers
from tests.workers import CeleryWorker, process_environment

PROJECT = Path(__file__).resolve().parent.parent.parent
pytestmark = [pytest.mark.worker, pytest.mark.django_db(transaction=True)]

# Publishes once to warm up, then waits for a sign and publishes again; says how long that took and how it ended.
PUBLISH = """
import sys, time
import django
django.setup()
from config.celery import app
def publish():
    began = time.monotonic()
    try:
        app.send_task("recommender.tasks.sweep")
        ended = "sent"
    except app.connection().recoverable_connection_errors + (Exception,) as error:
        ended = type(error).__name__
    print(f"{ended} {time.monotonic() - began:.3f}", flush=True)
publish()
sys.stdin.readline()
publish()
"""


@pytest.fixture
def servers() -> Iterator[OwnServers]:
    with OwnServers(postgres=False) as own:
        yield own


def _publisher(servers: OwnServers) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PUBLISH],
        cwd=PROJECT,
        env=process_environment(REDIS_URL=servers.redis_url),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("how", ["killed", "frozen"])
def test_publishing_to_a_broker_that_is_away_fails_soon(servers: OwnServers, how: str) -> None:
    publisher = _publisher(servers)
    assert publisher.stdout is not None
    assert publisher.stdout.readline().startswith("sent ")
    server = servers.redis_server()
    if how == "killed":
        servers.kill_redis()
    else:
        server.suspend()
    try:
        output, errors = publisher.communicate("go\n", timeout=30)
    finally:
        if how == "frozen":
            server.resume()
    ended, seconds = output.split()
    assert ended != "sent" and float(seconds) < 2.5, errors


def test_a_worker_comes_back_when_redis_does(servers: OwnServers, tmp_path: Path) -> None:
    worker = CeleryWorker(environment=process_environment(REDIS_URL=servers.redis_url), log=tmp_path / "worker.log")
    worker.start()
    try:
        servers.kill_redis()
        worker.wait_for_line("Connection to broker lost")
        lost = worker.log.stat().st_size
        servers.start()
        worker.wait_for_line("Connected to redis", position=lost)
        connected = worker.log.stat().st_size
        publisher = _publisher(servers)
        publisher.communicate("go\n", timeout=30)
        worker.wait_for_line("Task recommender.tasks.sweep", position=connected)
        assert worker.stop() == 0
    finally:
        worker.kill()
