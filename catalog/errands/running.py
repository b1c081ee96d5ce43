"""Does errands, one after the other; what a dead process left is begun again."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from catalog.errands.registry import ErrandFailed, doer
from catalog.locks import hold_session_number, release_session_number, session_numbers
from catalog.models import Errand
from catalog.texts import printable

# An errand that so many processes did not survive is given up.
MOST_TRIES = 3
# Progress is written at most so often.
PROGRESS_SECONDS = 0.5

logger = logging.getLogger(__name__)


class _Stopped(Exception):
    """The process was asked to end; another one begins the errand anew."""


def run_next(*, stop: Callable[[], bool] = lambda: False) -> bool:
    """Do the errand that waits for longest; False where none waits. `stop` is asked at each step of its progress."""
    errand = _claim()
    if errand is None:
        return False
    number, session = errand.lease, connection.connection
    logger.info("errand %s %s: begun", errand.pk, errand)
    try:
        result = doer(errand.kind)(errand, _Noted(errand, stop))
    except ErrandFailed as error:
        _end(errand, Errand.State.FAILED, error=printable(str(error)))
    except _Stopped:
        Errand.objects.filter(pk=errand.pk).update(state=Errand.State.WAITING, lease=None, stage="", done=0, total=0)
        return False
    except Exception as error:
        logger.exception("errand %s %s failed", errand.pk, errand)
        _end(
            errand, Errand.State.FAILED, error=printable(f"{type(error).__name__}: {error}; the worker's log has more")
        )
    else:
        _end(errand, Errand.State.DONE, result=result)
    finally:
        if number is not None and connection.connection is session and connection.is_usable():
            release_session_number(number)
    return True


class _Noted:
    """A progress that the page shows."""

    def __init__(self, errand: Errand, stop: Callable[[], bool]) -> None:
        self._errand, self._stop = errand, stop
        self._stage, self._written = "", 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        if self._stop():
            raise _Stopped
        if stage == self._stage and done < total and time.monotonic() - self._written < PROGRESS_SECONDS:
            return
        self._stage, self._written = stage, time.monotonic()
        if not connection.in_atomic_block:  # what is written there is seen by nobody before its end
            Errand.objects.filter(pk=self._errand.pk).update(stage=stage[:200], done=max(0, done), total=max(0, total))


def _claim() -> Errand | None:
    with transaction.atomic():
        running = Errand.objects.select_for_update(skip_locked=True).filter(state=Errand.State.RUNNING)
        alive = session_numbers()
        for dead in [one for one in running if one.lease not in alive]:
            dead.state, dead.lease = Errand.State.WAITING, None
            if dead.tries >= MOST_TRIES:
                dead.state, dead.ended_at = Errand.State.FAILED, timezone.now()
                dead.error = (
                    f"{dead.tries} processes ended while they did it: see the workers' logs, they may lack memory"
                )
            dead.save(update_fields=["state", "lease", "ended_at", "error"])
        waiting = Errand.objects.select_for_update(skip_locked=True).filter(state=Errand.State.WAITING)
        errand = waiting.order_by("pk").first()
        if errand is None:
            return None
        errand.state, errand.began_at, errand.lease = Errand.State.RUNNING, timezone.now(), secrets.randbits(63)
        errand.tries += 1
        errand.stage, errand.done, errand.total, errand.error = "", 0, 0, ""
        hold_session_number(errand.lease)
        errand.save()
    return errand


def _end(errand: Errand, state: Errand.State, **values: Any) -> None:
    Errand.objects.filter(pk=errand.pk).update(state=state, ended_at=timezone.now(), lease=None, **values)
