"""What tests that run other processes share: waiting for a condition with a bound, a free port, whether a process lives."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable

import psutil
import pytest


def wait_until(
    condition: Callable[[], object],
    *,
    seconds: float = 10.0,
    what: str | Callable[[], str] = "what was waited for",
    process: subprocess.Popen[bytes] | None = None,
) -> float:
    """Poll until it holds and return after how many seconds it did; the test fails after `seconds`.

    Polls take time from the processes that are waited for, so they become rarer; what is seen late is late by a twentieth.
    `what` is named in the failure: a text, or a function that makes one only then, of logs for instance.
    `process`: who is to bring it about; if it ends first, the test fails at once.
    """
    began = time.monotonic()
    while not condition():
        if process is not None and process.poll() is not None:
            pytest.fail(
                f"the process ended, code {process.returncode}, before: {what if isinstance(what, str) else what()}"
            )
        waited = time.monotonic() - began
        if waited > seconds:
            pytest.fail(f"{what if isinstance(what, str) else what()} did not happen in {seconds:.0f} s")
        time.sleep(min(0.1, max(0.01, waited / 20)))
    return time.monotonic() - began


def free_port() -> int:
    """A port of the loopback that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_alive(process: psutil.Process | int) -> bool:
    """Whether a process, or that of an id, still runs: one that only waits to be reaped does not."""
    try:
        process = process if isinstance(process, psutil.Process) else psutil.Process(process)
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
