"""The shipped web server, started and stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.waiting import free_port, wait_until

PROJECT = Path(__file__).resolve().parent.parent.parent
READY_SECONDS = 60.0


@contextmanager
def web_server(environment: dict[str, str], log: Path) -> Iterator[str]:
    """Its URL, once it answers."""
    port = free_port()
    command = [sys.executable, "-m", "config.web", "--port", str(port)]
    with log.open("ab") as file:
        process = subprocess.Popen(
            command, cwd=PROJECT, env=environment, stdout=file, stderr=file, start_new_session=True
        )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(
            lambda: _answers(url),
            seconds=READY_SECONDS,
            what=lambda: f"an answer of the web server:\n{log.read_text()}",
            process=process,
        )
        yield url
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False
