"""A setting that cannot work ends the web server, a worker and the demo as it ends a command: at once, with what is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import free_port
from tests.workers import PROJECT

WEB = ("-m", "config.web", "--port")
DEMO = ("-m", "config.demo", "--once", "--port")
WORKER = ("-m", "celery", "-A", "config", "worker", "--hostname", "unusable@%h", "--concurrency")


NO_ENGINE = ("VECTOR_ENGINE", "milwus", "VECTOR_ENGINE is 'milwus'; set it to one of: ")
NO_RUNTIME = ("ENCODER_RUNTIME", "abacus", "ENCODER_RUNTIME is 'abacus'; set it to one of: ")
NO_PORT = ("REDIS_URL", "redis://127.0.0.1:port/0", "REDIS_URL cannot be read (Port could not be cast to integer value")


# All ask the same function. Celery itself reads REDIS_URL before it tells a worker to begin.
@pytest.mark.parametrize(
    ("command", "setting", "value", "said"),
    [
        (WEB, *NO_RUNTIME),
        (WEB, *NO_PORT),
        (WEB, "API_ACCESS", "closed", "API_ACCESS is 'closed'; set it to open or keys"),
        (WORKER, *NO_ENGINE),
        (DEMO, *NO_ENGINE),
    ],
)
def test_a_setting_that_cannot_work_ends_who_begins_with_it(
    tmp_path: Path, command: tuple[str, ...], setting: str, value: str, said: str
) -> None:
    number = str(free_port()) if command != WORKER else "1"
    environment = {**os.environ, setting: value, "TMPDIR": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, *command, number], cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 1
    assert said in ended.stderr and "Traceback" not in ended.stderr
