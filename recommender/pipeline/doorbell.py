"""The doorbell: a message on the broker that wakes a worker. It carries nothing, may be lost, and may ring too often.

Work lies in Postgres; a lost bell costs at most one beat of the sweep. So an upload never fails, and is hardly delayed,
when the broker is away, and the broker never holds more than a handful of bells, however much is imported.
"""

from __future__ import annotations

import logging
import time

import redis
from celery import current_app
from django.conf import settings
from kombu.exceptions import OperationalError

# Enough to wake every child of a machine in a row; those that wait beyond would find nothing left to claim.
MOST_BELLS = 4
# Sweeps and beat's other tasks are let in beside the bells; beyond that the workers are far behind, or away.
MOST_WAITING = 2 * MOST_BELLS
# After a broker was found away, the bell stays silent so long: a bulk write must not wait for the time-out each time.
SILENCE_SECONDS = 1.0
EMBED, SWEEP = "recommender.tasks.embed", "recommender.tasks.sweep"

logger = logging.getLogger(__name__)
_silent_until = 0.0


def ring(*, task: str = EMBED, countdown: float | None = None) -> bool:
    """Wake a worker, unless so many messages wait that one will wake anyway; never raises because the broker is away.

    False when nobody will be woken: the broker is away.
    """
    global _silent_until
    if time.monotonic() < _silent_until:
        return False
    try:
        if waiting() >= (MOST_BELLS if task == EMBED else MOST_WAITING):
            return True
        current_app.send_task(task, countdown=countdown, retry=False, ignore_result=True)
    except (redis.RedisError, OperationalError, OSError) as error:
        _silent_until = time.monotonic() + SILENCE_SECONDS
        logger.warning("the doorbell is silent: %s; beat's sweep will find the work", error)
        return False
    return True


def waiting() -> int:
    """Messages that wait on the broker. Raises redis.RedisError when it is away."""
    with redis.Redis.from_url(
        settings.CELERY_BROKER_URL,
        socket_timeout=settings.REDIS_TIMEOUT_SECONDS,
        socket_connect_timeout=settings.REDIS_TIMEOUT_SECONDS,
    ) as client:
        return int(client.llen(current_app.conf.task_default_queue))
