#!/usr/bin/env python
"""Django's command line.

In production the environment, or `.env`, names the servers and the secret key. Where any of them is missing, and this is
a developer's checkout, `python -m config.local` runs the command instead: it lends servers of its own (see there).
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import environ

PROJECT = Path(__file__).resolve().parent
NEEDED = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY")


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """SIGTERM and Ctrl-C end what runs within as an exception does: it cleans up, then the exit code says which it was."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


def execute(line: list[str]) -> None:
    """Run a command of Django's; the first word of `line` is the name of the program."""
    from django.core.management import execute_from_command_line

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    execute_from_command_line(line)


def main() -> None:
    environ.Env.read_env(os.environ.get("ENV_FILE") or PROJECT / ".env")
    if not all(os.environ.get(name) for name in NEEDED) and (PROJECT / "config" / "local").is_dir():
        _execute_on_local_servers()
    with ended_by_signals():
        execute(sys.argv)


def _execute_on_local_servers() -> None:
    """This process becomes `python -m config.local`, in the caller's folder; -P keeps that folder's modules out."""
    path = os.pathsep.join(filter(None, [str(PROJECT), os.environ.get("PYTHONPATH")]))
    line = [sys.executable, "-P", "-m", "config.local", *sys.argv]
    os.execve(sys.executable, line, os.environ | {"PYTHONPATH": path})


if __name__ == "__main__":
    main()
