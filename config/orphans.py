"""A worker process of the web server ends when the server is gone, and so never answers beside the next one."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
import time

LOOK_SECONDS = 1.0
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def end_with_parent() -> None:
    """Have this process killed as soon as the one that made it is gone; nothing where no Python process made it.

    Linux does it itself. Elsewhere a thread looks once a second: a process whose parent is gone gets another one.
    """
    parent = multiprocessing.parent_process()
    if parent is None or parent.pid is None:
        return
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    else:
        threading.Thread(target=_watch, args=[parent.pid], name="watch the parent", daemon=True).start()
    if os.getppid() != parent.pid:  # it was gone before Linux was asked
        os.kill(os.getpid(), signal.SIGKILL)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)
