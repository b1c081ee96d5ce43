"""`manage.py`: on the servers that the environment names it is Django's own; what is missing is lent to a developer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.workers import process_environment

PROJECT = Path(__file__).resolve().parent.parent.parent
SAY = "import os, sys; print(os.getcwd(), sorted(name for name in sys.modules if name.startswith('config.local')))"


def manage(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run manage.py from `folder`, so that relative paths among its arguments are the caller's."""
    return subprocess.run(
        [sys.executable, str(PROJECT / "manage.py"), *arguments],
        cwd=folder,
        env=process_environment(**environment),
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.django_db
def test_production_does_without_the_local_servers(tmp_path: Path) -> None:
    result = manage(tmp_path, "shell", "--no-imports", "-c", SAY)
    assert (result.returncode, result.stdout.strip()) == (0, f"{tmp_path} []"), result.stderr


@pytest.mark.django_db
@pytest.mark.parametrize("missing", ["SECRET_KEY", "DATABASE_URL", "REDIS_URL"])
def test_what_is_missing_is_lent(tmp_path: Path, server_folder: Path, missing: str) -> None:
    result = manage(tmp_path, "shell", "--no-imports", "-c", SAY, LOCAL_DIR=str(server_folder), **{missing: ""})
    folder, _, loaded = result.stdout.strip().partition(" ")
    assert (result.returncode, folder) == (0, str(tmp_path)), result.stderr
    assert "'config.local.services'" in loaded
    assert (server_folder / "secret_key").exists() == (missing == "SECRET_KEY")
    assert (server_folder / "postgres").exists() == (missing == "DATABASE_URL")
    assert (server_folder / "redis").exists() == (missing == "REDIS_URL")


@pytest.mark.django_db
def test_a_failed_command_fails_on_lent_servers_too(tmp_path: Path, server_folder: Path) -> None:
    result = manage(tmp_path, "import_products", "absent.csv", LOCAL_DIR=str(server_folder), SECRET_KEY="")
    assert result.returncode == 1
    assert "absent.csv" in result.stderr and "Traceback" not in result.stderr


@pytest.mark.django_db
def test_help_names_the_program(tmp_path: Path, server_folder: Path) -> None:
    result = manage(tmp_path, "migrate", "--help", LOCAL_DIR=str(server_folder), SECRET_KEY="")
    assert result.stdout.startswith("usage: manage.py migrate"), result.stderr
