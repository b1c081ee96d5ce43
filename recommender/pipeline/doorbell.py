"""The doorbell: a message on the broker that wakes a worker. It carries nothing, may be lost, and may ring too often.

Work lies in Postgres; a lost message costs at most one interval of the sweep. So an upload never fails, and is hardly delayed,
when the broker is away, and the broker never holds more than a handful of these messages, however much is imported.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.module_loading import import_string

from recommender import redis_client

if TYPE_CHECKING:
    from celery import Celery

# Enough to wake every child of a worker one after the other; further messages would find nothing left to claim.
MOST_RINGS = 4
# Beside these, sweeps and beat's other tasks are sent; where even more wait, the workers are far behind, or away.
MOST_WAITING = 2 * MOST_RINGS
EMBED, SWEEP, FEEDS = "recommender.tasks.embed", "recommender.tasks.sweep", "catalog.tasks.run_feeds"
ERRANDS = "catalog.tasks.run_errands"

logger = logging.getLogger(__name__)


def ring(*, task: str = EMBED, countdown: float | None = None) -> bool:
    """Wake a worker, unless so many messages wait that one will wake anyway; never raises because the broker is away.

    False when nobody will be woken: the broker is away. It is then left alone for a while: a bulk write must not wait
    for the time-out each time.
    """
    broker = redis_client.breaker(settings.CELERY_BROKER_URL)
    if not broker.admits():
        return False
    from kombu.exceptions import OperationalError  # as late as Celery itself, see `application`

    try:
        if waiting(task) < (MOST_RINGS if task == EMBED else MOST_WAITING):
            application().send_task(task, countdown=countdown, retry=False, ignore_result=True)
    except (*redis_client.AWAY, OperationalError) as error:
        if broker.failed():
            logger.warning("the doorbell is silent: %s; beat's sweep will find the work", error)
        return False
    broker.succeeded()
    return True


def waiting(task: str = EMBED) -> int:
    """Messages that wait in the queue of a task. Raises redis.RedisError when the broker is away."""
    queue = settings.CELERY_TASK_ROUTES.get(task, {}).get("queue") or application().conf.task_default_queue
    with redis_client.connect(settings.CELERY_BROKER_URL) as client:
        return int(client.llen(queue))


def application() -> Celery:
    """The Celery application by which messages are sent: settings.CELERY_APPLICATION.

    It is imported when it is first needed: Celery takes 14 MB, and most web processes only ever read.
    """
    found: Celery = import_string(settings.CELERY_APPLICATION)
    return found
