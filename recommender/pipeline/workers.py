"""Whether a Celery worker is there to embed photos."""

from __future__ import annotations

from recommender import redis_client
from recommender.pipeline.doorbell import application

PING_SECONDS = 1.0
START_ONE = "start one with `celery -A config worker`"


def workers_answering() -> int | None:
    """How many Celery workers that take messages about photos answer within PING_SECONDS; None when the broker cannot be asked.

    A worker that takes the queue of feeds alone embeds no photo.
    """
    from kombu.exceptions import OperationalError  # as late as Celery itself: web processes know this module

    try:
        found = application().control.inspect(timeout=PING_SECONDS).active_queues() or {}
        photos = application().conf.task_default_queue
        return sum(any(queue["name"] == photos for queue in queues) for queues in found.values())
    except (*redis_client.AWAY, OperationalError):
        return None


def why_nobody_works() -> str:
    """A sentence for people; empty when a worker answers."""
    answering = workers_answering()
    if answering is None:
        return "Redis is away: workers cannot be told; they go on when it is back"
    return "" if answering else f"no worker answers: {START_ONE}"
