"""A setting that cannot work ends the web server and a worker as it ends a command: at once, with what is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import free_port
from tests.workers import PROJECT

WEB = ("-m", "config.web", "--port")
WORKER = ("-m", "celery", "-A", "config", "worker", "--hostname", "unusable@%h", "--concurrency")


@pytest.mark.parametrize("command", [WEB, WORKER], ids=["web", "worker"])
@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("VECTOR_ENGINE", "milwus", "VECTOR_ENGINE is 'milwus'; set it to one of: "),
        ("ENCODER_RUNTIME", "abacus", "ENCODER_RUNTIME is 'abacus'; set it to one of: "),
    ],
)
def test_a_setting_that_cannot_work_ends_who_begins_with_it(
    tmp_path: Path, command: tuple[str, ...], setting: str, value: str, said: str
) -> None:
    number = str(free_port()) if command == WEB else "1"
    environment = {**os.environ, setting: value, "TMPDIR": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, *command, number], cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 1
    assert said in ended.stderr and "Traceback" not in ended.stderr
