"""`embed_images`: ask the workers for every missing embedding, and on request wait until they are done."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any, TypedDict

import orjson
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from recommender.models import EmbeddingJob
from recommender.pipeline import doorbell, jobs
from recommender.pipeline.gallery import encoders_in_use
from recommender.pipeline.queue_status import queue_status
from recommender.pipeline.workers import START_ONE, why_nobody_works

POLL_SECONDS = 0.5
# So long no photo may end before the command says why that may be.
STILL_SECONDS = 30.0


class FailedPhoto(TypedDict):
    sku: str
    photo: str
    image: int
    reason: str
    error: str


class Command(BaseCommand):
    help = "Queue every photo that has no embedding yet; workers embed them. Ends non-zero if photos failed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--wait", action="store_true", help="wait for the workers, with a progress bar")
        parser.add_argument("--retry-failed", action="store_true", help="queue failed photos again, too")
        parser.add_argument("--json", action="store_true", help="write one JSON object to standard output")

    def handle(self, *args: Any, wait: bool, retry_failed: bool, json: bool, **options: Any) -> None:
        if not encoders_in_use():
            raise CommandError(
                "no space is in use, so no photo needs an embedding: run `manage.py compile_encoder` first"
            )
        jobs.forget_unused()
        queued = jobs.enqueue_missing(priority=EmbeddingJob.Priority.IMPORT)
        again = jobs.embed_again(_failed()) if retry_failed else 0
        doorbell.ring()
        status = queue_status(fresh=True)
        if status["pending"] + status["processing"] and (nobody := why_nobody_works()):
            self.stderr.write(nobody)
        seconds = self._wait() if wait else None
        self._report(queued=queued, again=again, seconds=seconds, json=json)

    def _wait(self) -> float:
        """Until nothing is pending or in hand; returns seconds."""
        began = moved = time.monotonic()
        start = queue_status(fresh=True)
        ended_before = start["done"] + start["failed"]
        with tqdm(
            total=start["pending"] + start["processing"], unit=" photos", desc="embedding", file=sys.stderr
        ) as bar:
            while True:
                status = queue_status()
                left = status["pending"] + status["processing"]
                ended = max(0, status["done"] + status["failed"] - ended_before)
                bar.total = max(ended + left, ended)
                if ended != bar.n:
                    moved = time.monotonic()
                    bar.update(ended - bar.n)
                bar.set_postfix(failed=status["failed"], waiting=status["waiting"])
                if not left and not _left():
                    return time.monotonic() - began
                if time.monotonic() - moved > STILL_SECONDS and not status["waiting"]:
                    bar.write(
                        f"nothing has moved for {STILL_SECONDS:.0f} s: {why_nobody_works() or 'the workers are busy elsewhere'}"
                        f" (if none runs, {START_ONE})",
                        file=sys.stderr,
                    )
                    moved = time.monotonic()
                time.sleep(POLL_SECONDS)

    def _report(self, *, queued: int, again: int, seconds: float | None, json: bool) -> None:
        status = queue_status(fresh=True)
        failed = list(_failed_photos())
        if json:
            result = {"queued": queued, "again": again, "seconds": seconds, **status, "failures": failed}
            self.stdout.write(orjson.dumps(result).decode())
        else:
            self.stdout.write(
                f"{queued + again} queued, {status['done']} done, {status['pending'] + status['processing']} to do, "
                f"{status['failed']} failed"
            )
        for photo in failed:
            self.stderr.write(f"{photo['sku']}: {photo['photo']}: {photo['reason']}: {photo['error']}")
        if failed:
            raise CommandError(
                f"{len(failed)} photos have no embedding; `embed_images --retry-failed` tries them again"
            )


def _left() -> bool:
    """Whether a job is open by the table itself: the status may be a moment old, and the command ends by this."""
    open_states = [EmbeddingJob.State.PENDING, EmbeddingJob.State.PROCESSING]
    return EmbeddingJob.objects.filter(state__in=open_states).exists()


def _failed() -> Any:
    return EmbeddingJob.objects.filter(state=EmbeddingJob.State.FAILED)


def _failed_photos() -> Iterator[FailedPhoto]:
    for job in _failed().select_related("image__product").order_by("image_id").iterator(chunk_size=1000):
        yield FailedPhoto(
            sku=job.image.product.sku,
            photo=job.image.file.name or job.image.source_url,
            image=job.image_id,
            reason=job.reason,
            error=job.error,
        )
