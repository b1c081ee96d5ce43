"""The Celery tasks. Each calls one function of a room, which is imported when the task runs."""

from __future__ import annotations

from typing import Any

from billiard.exceptions import WorkerLostError
from celery import shared_task
from celery.signals import task_failure, worker_ready
from django.conf import settings

from catalog.stopping import asked_to_stop
from recommender.pipeline import doorbell

# `embed` ends after so long and is sent again, so that sweeps and other tasks get their turn in a long import.
SLICE_SECONDS = 4.0
# Celery kills a process whose task runs longer, as with a photo that hangs in native code. By then the lease of that
# photo has long been recovered.
HARD_LIMIT_SECONDS = int(SLICE_SECONDS) + settings.LEASE_SIZE * settings.LEASE_SECONDS


@shared_task(ignore_result=True, acks_late=False, time_limit=HARD_LIMIT_SECONDS)
def embed() -> None:
    """Embed photos for a few seconds. Where more are waiting, send this task anew; else it is sent when a photo comes."""
    from recommender.pipeline.embed import work

    while work(seconds=SLICE_SECONDS, stop=asked_to_stop).more and not asked_to_stop():
        if doorbell.ring():
            return


@shared_task(ignore_result=True, acks_late=False)
def sweep() -> None:
    """Return the leases of dead processes, end back-offs that are over, and send `embed` where photos wait."""
    from recommender.pipeline import sweep as sweeping

    sweeping.sweep()


@shared_task(ignore_result=True, acks_late=False)
def sweep_files() -> None:
    """Remove stored files that no photo names."""
    from catalog.photos.sweep import sweep_files as remove_unnamed_files

    remove_unnamed_files()


@shared_task(ignore_result=True, acks_late=False)
def sweep_hashes() -> None:
    """Remove the hashes of files that no photo shows any more."""
    from recommender.pictures.hashes import forget_gone

    forget_gone()


@shared_task(ignore_result=True, acks_late=False)
def find_placeholders() -> None:
    """Count on how many variant groups pictures are, and take placeholders out of the index or back in."""
    from recommender.search.placeholders import sweep as sweep_placeholders

    sweep_placeholders()


@shared_task(ignore_result=True, acks_late=False)
def apply_rulings() -> None:
    """Do what a person ruled on placeholders, now and not with the next sweep."""
    from recommender.search.placeholders import apply_rulings as apply_now

    apply_now()


@shared_task(ignore_result=True, acks_late=False)
def measure_recall() -> None:
    """Compare the index of the active space with exact search, and keep the result."""
    from recommender.evaluation import recall
    from recommender.spaces.active import active_space

    space = active_space()
    if space is not None:
        recall.measure(space)


@shared_task(ignore_result=True, acks_late=False)
def check_drift() -> None:
    """Measure how far the catalogue has moved from what the active space was fitted on."""
    from recommender.spaces import drift

    drift.check()


@shared_task(ignore_result=True, acks_late=False)
def improve_space() -> None:
    """Fit, judge and switch to a better space, where the product made the active one by itself and the shop has grown."""
    from recommender.spaces.automatic import improve

    improve()


@shared_task(ignore_result=True, acks_late=False)
def calibrate_space() -> None:
    """Fit what the scores of the active space mean, where nothing is fitted yet or the shop has changed."""
    from recommender.spaces.calibrating import calibrate_active

    calibrate_active()


@shared_task(ignore_result=True, acks_late=False)
def take_daily_sample() -> None:
    """Count what the admin's first page shows as a line, unless it was counted today."""
    from recommender.monitoring import daily

    daily.take()


@worker_ready.connect
def _sweep_at_start(**_: Any) -> None:
    """A worker that starts takes up what a dead one left, also where no beat runs."""
    doorbell.ring(task=doorbell.SWEEP)


@task_failure.connect
def _sweep_after_a_death(exception: BaseException, **_: Any) -> None:
    """Where a process of the pool died, its lease is returned at once, not at the next beat."""
    if isinstance(exception, WorkerLostError):
        doorbell.ring(task=doorbell.SWEEP)
