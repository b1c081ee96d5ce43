"""Whether the Celery worker of this process was asked to end, so that long tasks end at their next step."""

from __future__ import annotations

import mmap
from typing import Any

from celery.signals import worker_shutting_down

# One byte of memory that a worker's parent process shares with its children: 1 when the worker was asked to end.
_stopping = mmap.mmap(-1, 1)


def asked_to_stop() -> bool:
    """SIGTERM reached the worker: finish the step in hand, claim nothing more."""
    return _stopping[0] == 1


@worker_shutting_down.connect
def _stop(**_: Any) -> None:
    _stopping[0] = 1
