"""The application in which a worker's processes start only once their worker is dead: `celery -A tests.recommender.pipeline.late`."""

from __future__ import annotations

import os
import time

from config.celery import app

__all__ = ["app"]
_worker = os.getpid()


def _wait_for_its_death() -> None:
    while os.getppid() == _worker:
        time.sleep(0.01)


os.register_at_fork(after_in_child=_wait_for_its_death)
