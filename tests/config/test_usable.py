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


COMMAND = ("manage.py", "spaces", "list")

NO_ENGINE = ("VECTOR_ENGINE", "milwus", "VECTOR_ENGINE is 'milwus'; set it to one of: ")
NO_RUNTIME = ("ENCODER_RUNTIME", "abacus", "ENCODER_RUNTIME is 'abacus'; set it to one of: ")
SHORT_KEY = ("SECRET_KEY", "x", "SECRET_KEY has 1 characters, and needs 50; set it to a long random text")
NO_KEY = ("SECRET_KEY", "", "SECRET_KEY is empty; set it to a long random text")
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
        (WEB, *SHORT_KEY),
        (WEB, *NO_KEY),
        (WORKER, *NO_KEY),
        (WORKER, *SHORT_KEY),
        (DEMO, *SHORT_KEY),
        (COMMAND, *SHORT_KEY),
    ],
)
def test_a_setting_that_cannot_work_ends_who_begins_with_it(
    tmp_path: Path, command: tuple[str, ...], setting: str, value: str, said: str
) -> None:
    number = {WORKER: ["1"], COMMAND: []}.get(command, [str(free_port())])
    environment = {**os.environ, setting: value, "TMPDIR": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, *command, *number], cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 1
    assert said in ended.stderr and "Traceback" not in ended.stderr


def test_a_warning_is_written_and_ends_nothing(tmp_path: Path) -> None:
    code = "from config.usable import end_unless_usable; end_unless_usable(); print('goes on')"
    environment = {**os.environ, "ALLOWED_HOSTS": "*", "DJANGO_SETTINGS_MODULE": "config.settings"}
    went = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert (went.returncode, went.stdout) == (0, "goes on\n")
    assert "(catalog.W011) ALLOWED_HOSTS has `*`, so that links can be forged" in went.stderr
