"""Processes that end when the one that made them does, even if that one was killed with SIGKILL.

A process that outlives its parent goes on working with nobody to stop it: `end_with_parent()` is for processes that run
our code, `python config/parent.py PARENT COMMAND…` for any command, which then ends (SIGTERM) when process PARENT does
(Linux; elsewhere the command runs untied). Run by path and with nothing but the standard library, so that a command starts in milliseconds.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
# How often the parent is looked after where the kernel cannot be told to do it.
WATCH_SECONDS = 0.5


def end_with_parent(parent: int, number: int = signal.SIGKILL) -> None:
    """From now on this process gets signal `number` when its parent ends; at once if process `parent` has ended already.

    `parent`: the id that the parent itself wrote down before it made this process, so that one that died meanwhile is
    found out. On Linux the kernel sends the signal, in the middle of native code too, when the *thread* that made this
    process ends: make it from a thread that lives as long as the parent. Elsewhere a thread watches.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
    else:
        threading.Thread(target=_watch, args=(parent, number), name="end-with-parent", daemon=True).start()
    if os.getppid() != parent:  # it ended before this process was tied to it
        os.kill(os.getpid(), number)


def _watch(parent: int, number: int) -> None:
    while os.getppid() == parent:
        time.sleep(WATCH_SECONDS)
    os.kill(os.getpid(), number)


def main() -> None:
    parent, command = int(sys.argv[1]), sys.argv[2:]
    end_with_parent(parent, signal.SIGTERM)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
