"""The sweep, which beat starts every few seconds: it finds the work that no doorbell announced."""

from __future__ import annotations

import time
from dataclasses import dataclass

from recommender.models import EmbeddingJob
from recommender.pause import Pause
from recommender.pipeline import doorbell, jobs, recovery

# Looking for photos without a job costs time in proportion to the catalogue; at most 2 % of one core go into it.
REST_FOR_ITS_COST = 50.0

rest = Pause()


@dataclass(frozen=True)
class Swept:
    """Photos returned from dead leases, photos failed for crashing, back-offs ended, jobs written, whether it rang."""

    returned: int
    given_up: int
    woken: int
    written: int
    rang: bool


def sweep() -> Swept:
    """Recover dead leases, end back-offs, write missing jobs, ring if anything waits. Harmless at any time, in parallel."""
    recovered = recovery.recover()
    woken = recovery.wake()
    written = _look_for_missing()
    waiting = EmbeddingJob.objects.filter(state=EmbeddingJob.State.PENDING, not_before=None).exists()
    if recovered.suspects:
        doorbell.ring(task=doorbell.SWEEP, countdown=recovery.GRACE_SECONDS + 0.1)
    return Swept(recovered.returned, recovered.given_up, woken, written, waiting and doorbell.ring())


def _look_for_missing() -> int:
    if rest.is_on():
        return 0
    began = time.monotonic()
    jobs.forget_unused()
    written = jobs.enqueue_missing()
    rest.begin(REST_FOR_ITS_COST * (time.monotonic() - began))
    return written
