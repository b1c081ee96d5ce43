"""Receivers of the signals by which catalog announces what was stored, changed or hidden."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import receiver

from catalog.signals import errand_asked, feeds_due, photos_awaited, photos_stored, products_changed
from recommender.models import EmbeddingJob
from recommender.pipeline import doorbell, jobs
from recommender.search import cache as answers_cache

_PRIORITIES = {"upload": EmbeddingJob.Priority.UPLOAD, "import": EmbeddingJob.Priority.IMPORT}


@receiver(photos_stored)
def ask_for_features(image_ids: Sequence[int], priority: str, **_: Any) -> None:
    """Write the jobs in the transaction that stores the photos (an outbox); workers are told once it has committed."""
    jobs.enqueue(image_ids, priority=_PRIORITIES[priority])
    transaction.on_commit(doorbell.ring, robust=True)


@receiver(photos_awaited)
def try_failed_fetches_again(image_ids: Sequence[int], **_: Any) -> None:
    if jobs.try_again(image_ids):
        transaction.on_commit(doorbell.ring, robust=True)


@receiver(products_changed)
def forget_answers_that_show_the_hidden(hidden: bool, **_: Any) -> None:
    """Forget the cached answers once it is committed that a product is hidden, before the write returns."""
    if hidden:
        transaction.on_commit(answers_cache.forget_all, robust=True)


@receiver(errand_asked)
def wake_a_worker_for_errands(**_: Any) -> None:
    """Where the broker is away, beat's next message does it."""
    transaction.on_commit(partial(doorbell.ring, task=doorbell.ERRANDS), robust=True)


@receiver(feeds_due)
def wake_a_worker_for_feeds(**_: Any) -> None:
    """Where the broker is away, beat's next message does it."""
    transaction.on_commit(partial(doorbell.ring, task=doorbell.FEEDS), robust=True)
