"""Celery's side of the pipeline and of the watchers: thin doors that call services."""

from __future__ import annotations

import mmap
from typing import Any

from billiard.exceptions import WorkerLostError
from celery import shared_task
from celery.signals import task_failure, worker_ready, worker_shutting_down
from django.conf import settings

from recommender.pipeline import doorbell

# A run of leases ends after so long, so that sweeps and other tasks get their turn in a long import.
SLICE_SECONDS = 4.0
# A photo that hangs in native code holds its process until here; its lease is long recovered by then.
HARD_LIMIT_SECONDS = int(SLICE_SECONDS) + settings.LEASE_SIZE * settings.LEASE_SECONDS

# One byte of memory that the parent shares with its children: 1 when the worker was asked to stop.
_stopping = mmap.mmap(-1, 1)


@shared_task(ignore_result=True, acks_late=False, time_limit=HARD_LIMIT_SECONDS)
def embed() -> None:
    """Embed photos for a few seconds; if there are more, ring and let others have a turn, else sleep until a bell."""
    from recommender.pipeline.embed import work

    while work(seconds=SLICE_SECONDS, stop=_asked_to_stop).more and not _asked_to_stop():
        if doorbell.ring():
            return


@shared_task(ignore_result=True, acks_late=False)
def sweep() -> None:
    from recommender.pipeline import sweep as sweeping

    sweeping.sweep()


@shared_task(ignore_result=True, acks_late=False)
def sweep_files() -> None:
    from catalog.photos.sweep import sweep_files as remove_unnamed_files

    remove_unnamed_files()


@shared_task(ignore_result=True, acks_late=False)
def measure_recall() -> None:
    from recommender.evaluation import recall
    from recommender.spaces.active import active_space

    space = active_space()
    if space is not None:
        recall.measure(space)


@shared_task(ignore_result=True, acks_late=False)
def check_drift() -> None:
    from recommender.spaces import drift

    drift.check()


def _asked_to_stop() -> bool:
    """SIGTERM reached the parent: finish the lease in hand, claim nothing more."""
    return _stopping[0] == 1


@worker_shutting_down.connect
def _stop_claiming(**_: Any) -> None:
    _stopping[0] = 1


@worker_ready.connect
def _look_around(**_: Any) -> None:
    """A worker that starts finds what a dead one left, also where no beat runs."""
    doorbell.ring(task=doorbell.SWEEP)


@task_failure.connect
def _look_for_leases(exception: BaseException, **_: Any) -> None:
    """A process of the pool died: its lease need not wait for beat."""
    if isinstance(exception, WorkerLostError):
        doorbell.ring(task=doorbell.SWEEP)
