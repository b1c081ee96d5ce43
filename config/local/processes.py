"""Child processes of the demo: started, watched, started again when they die, and ended with their parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from config.local.folder import PROJECT, in_words

TIED = PROJECT / "config" / "parent.py"
STOP_SECONDS = 20.0
FIRST_BACK_OFF, LONGEST_BACK_OFF = 1.0, 30.0
# A process that ran so long had started well: its next back-off is FIRST_BACK_OFF again.
HEALTHY_SECONDS = 30.0
LOG_BYTES = 20 * 1024 * 1024


class ProcessFailed(RuntimeError):
    """A process ended that must not; the message has the end of its log."""


def start_child(command: list[str], *, log: Path | None = None, report: Path | None = None) -> subprocess.Popen[bytes]:
    """Start a command in a session of its own. It ends when this process does, even by `kill -9` (Linux only).

    All its output goes to `log`, or its standard output alone to `report`; with neither it writes where this process does.
    """
    line = [sys.executable, str(TIED), str(os.getpid()), *command]
    path = log or report
    with _appended(path) if path else nullcontext() as file:
        errors = file if log else None
        return subprocess.Popen(
            line, cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=file, stderr=errors, start_new_session=True
        )


def _appended(path: Path) -> BinaryIO:
    """The file, opened to append; one larger than LOG_BYTES is renamed first. Raises LocalFolderUnusable."""
    with in_words(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > LOG_BYTES:
            path.replace(path.with_suffix(".log.old"))
        return path.open("ab")


def end(process: subprocess.Popen[bytes], number: int) -> None:
    """Send signal `number` to a process and its whole process group."""
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return


@dataclass
class _Child:
    name: str
    command: list[str]
    log: Path
    process: subprocess.Popen[bytes]
    started: float
    back_off: float = FIRST_BACK_OFF
    again_at: float | None = None
    deaths: list[float] = field(default_factory=list)


class Children:
    """The long-running processes of the demo. `say` is called with a sentence about whatever happens to them.

    `patience`: how many deaths of one process within a minute raise ProcessFailed; None: it is always started again.
    """

    def __init__(self, *, logs: Path, say: Callable[[str], None], patience: int | None = None) -> None:
        self._logs = logs
        self._say = say
        self._patience = patience
        self._children: dict[str, _Child] = {}

    def start(self, name: str, command: list[str]) -> None:
        log = self._logs / f"{name}.log"
        self._children[name] = _Child(name, command, log, start_child(command, log=log), time.monotonic())

    def watch(self) -> None:
        """Start again what died, after its back-off. Call it often. Raises ProcessFailed, see `patience`."""
        now = time.monotonic()
        for child in self._children.values():
            if child.again_at is not None:
                if now >= child.again_at:
                    child.process, child.started = start_child(child.command, log=child.log), now
                    child.again_at = None
                continue
            code = child.process.poll()
            if code is None:
                continue
            end(child.process, signal.SIGKILL)  # processes that it left behind
            child.deaths = [*(at for at in child.deaths if now - at < 60), now]
            if self._patience is not None and len(child.deaths) >= self._patience:
                raise ProcessFailed(
                    f"{child.name} ended {len(child.deaths)} times in a minute\n{last_lines(child.log)}"
                )
            if now - child.started > HEALTHY_SECONDS:
                child.back_off = FIRST_BACK_OFF
            self._say(f"{child.name} ended ({_ended_by(code)}), again in {child.back_off:.0f} s; see {child.log}")
            child.again_at = now + child.back_off
            child.back_off = min(2 * child.back_off, LONGEST_BACK_OFF)

    def stop(self) -> None:
        """End them all: SIGTERM first, so that a worker finishes its photos; SIGKILL after STOP_SECONDS."""
        running = [child.process for child in self._children.values() if child.again_at is None]
        for process in running:
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        try:
            for process in running:
                try:
                    process.wait(max(0.0, deadline - time.monotonic()))
                except subprocess.TimeoutExpired:
                    continue
        finally:  # also when a second Ctrl-C cuts the wait short
            for process in running:
                end(process, signal.SIGKILL)
                process.wait()
            self._children.clear()


def last_lines(log: Path, count: int = 15) -> str:
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n".join([f"the end of {log}:", *lines[-count:]])


def _ended_by(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
