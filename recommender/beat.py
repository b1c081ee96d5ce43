"""The scheduler of `celery beat`: it keeps nothing on disk, and does not fill the broker while no worker listens."""

from __future__ import annotations

import logging
from typing import Any

from celery.beat import ScheduleEntry, Scheduler

from recommender import redis_client
from recommender.pipeline import doorbell

logger = logging.getLogger(__name__)


class BoundedScheduler(Scheduler):
    """Leaves a task out while enough messages wait in its queue.

    What ran last is kept in memory alone: however beat ended, it starts with no file to repair.
    """

    def apply_async(self, entry: ScheduleEntry, producer: Any = None, advance: bool = True, **options: Any) -> Any:
        try:
            behind = doorbell.waiting(entry.task or "") >= doorbell.MOST_WAITING
        except redis_client.AWAY:
            behind = False  # the broker is away: sending will fail, and beat logs it
        if behind:
            logger.debug("the workers are behind: %s is left out this time", entry.name)
            return None
        return super().apply_async(entry, producer=producer, advance=advance, **options)
