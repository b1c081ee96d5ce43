"""Set-up of `.venv` on a copy of the project: once, again when the requirements change, never without need."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project that wants a package which every new environment has: pip. Its environment's Python is gone."""
    (tmp_path / "config" / "local").mkdir(parents=True)
    shutil.copy(PROJECT / "config" / "local" / "packages.py", tmp_path / "config" / "local")
    shutil.copy(PROJECT / "Makefile", tmp_path)
    (tmp_path / "requirements.txt").write_text("pip\n")
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "test.txt").write_text("pip\n")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to("/nowhere/python3")
    return tmp_path


def _set_up(project: Path, purpose: str = "run") -> str:
    result = subprocess.run(
        [sys.executable, "config/local/packages.py", purpose], cwd=project, capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_a_second_run_installs_nothing_and_a_changed_list_does(project: Path) -> None:
    first = _set_up(project, "dev")
    assert "Making .venv" in first and "Installing" in first
    assert _set_up(project, "dev") == "" and _set_up(project) == ""
    with (project / "requirements.txt").open("a") as file:
        file.write("# another\n")
    assert "Installing" in _set_up(project)
    assert _set_up(project) == ""


def test_make_says_which_python_it_wants(project: Path) -> None:
    result = subprocess.run(["make", "environment", "PYTHON="], cwd=project, capture_output=True, text=True, timeout=30)
    assert result.returncode == 2
    assert "No Python 3.11 to 3.13 with venv was found" in result.stderr
