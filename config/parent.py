"""End a process when its parent process ends, even if the parent was killed with SIGKILL.

A process that outlives its parent goes on working with nobody to stop it. Python code calls `end_with_parent()` in its own
process. Any other command is started as `python config/parent.py PARENT COMMAND…`: it gets SIGTERM when the process with id
PARENT ends (on Linux; elsewhere it runs on). This file imports only the standard library and is run by its path, so that it
adds only milliseconds to the command's start.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
# How often a thread looks for the parent where the kernel does not send a signal.
WATCH_SECONDS = 0.5


def end_with_parent(parent: int, number: int = signal.SIGKILL) -> None:
    """From now on this process gets signal `number` when its parent ends; at once if process `parent` has ended already.

    `parent`: the parent's process id, taken by the parent itself before it made this process; so a parent that died in
    between is noticed. On Linux the kernel sends the signal, even while native code runs, when the *thread* that made
    this process ends: make the process from a thread that lives as long as the parent. Elsewhere a thread watches.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
    else:
        threading.Thread(target=_watch, args=(parent, number), name="end-with-parent", daemon=True).start()
    if os.getppid() != parent:  # the parent ended before the kernel was told
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
