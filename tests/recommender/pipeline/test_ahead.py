"""One photo ahead: what is made when, and whom it is held against where the photo in hand or the next goes wrong."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from multiprocessing.connection import Connection
from typing import Any, BinaryIO

import numpy as np
import psutil
import pytest
from django.db import connection
from pytest_django import Settings

from catalog.photos.decoder_pool import decoder_pool
from catalog.photos.reading import HashedPixels
from recommender.encoder.preprocess import hashed_pixels
from recommender.models import EmbeddingJob, ImageFeatures, ImageVector, Space
from recommender.pipeline import embed, recovery
from recommender.pipeline.ahead import one_ahead
from tests.catalog.factories import make_image, photo_bytes
from tests.catalog.photos.files import many_scans
from tests.recommender.pipeline.conftest import ColourEncoder
from tests.recommender.pipeline.test_embed import answered_elsewhere, job_of
from tests.waiting import wait_until
from tests.workers import PROJECT, process_environment

SECONDS = 30.0


class Notes:
    """Makes numbers from numbers, and notes which."""

    def __init__(self) -> None:
        self.made: list[int] = []

    def make(self, number: int) -> int:
        self.made.append(number)
        if number == 2:
            raise LookupError("no third")
        return 10 * number


def test_results_come_in_order_and_one_more_is_made_meanwhile() -> None:
    notes = Notes()
    results = one_ahead(notes.make, iter([0, 1, 3, 4]))
    assert notes.made == []
    assert next(results) == 0
    wait_until(lambda: notes.made == [0, 1])
    assert next(results) == 10
    wait_until(lambda: notes.made == [0, 1, 3])
    assert list(results) == [30, 40]
    assert notes.made == [0, 1, 3, 4]
    assert list(one_ahead(notes.make, [])) == []


def test_an_error_is_raised_when_its_turn_comes() -> None:
    notes = Notes()
    results = one_ahead(notes.make, [1, 2, 3])
    assert next(results) == 10
    wait_until(lambda: notes.made == [1, 2])
    with pytest.raises(LookupError, match="no third"):
        next(results)
    assert list(results) == []


def test_after_the_iterator_is_closed_nothing_more_is_made() -> None:
    notes = Notes()
    with closing(one_ahead(notes.make, [0, 1, 3, 4])) as results:
        assert next(results) == 0
    assert list(one_ahead(Notes().make, [0])) == [0]  # the one thread has come to an end with what was given it before
    assert notes.made in ([0], [0, 1])


def _answer_in_child(sender: Connection) -> None:
    sender.send(list(one_ahead(Notes().make, [0, 1])))


def test_a_forked_child_has_a_thread_of_its_own() -> None:
    assert list(one_ahead(Notes().make, [0, 1])) == [0, 10]
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_answer_in_child, args=(sender,))
    child.start()
    assert receiver.poll(SECONDS), "the child has no thread"
    assert receiver.recv() == [0, 10]
    child.join(SECONDS)
    assert child.exitcode == 0


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Digests of the photos that were decoded for the encoder, in order."""
    digests: list[str] = []

    def noted(file: BinaryIO, **options: Any) -> HashedPixels:
        pixels = hashed_pixels(file, **options)
        file.seek(0)
        digests.append(hashlib.sha256(file.read()).hexdigest())
        return pixels

    monkeypatch.setattr(embed, "hashed_pixels", noted)
    return digests


def begun() -> list[int]:
    """Ids of the photos that are begun, in that order."""
    rows = EmbeddingJob.objects.filter(state="processing", started_at__isnull=False).order_by("started_at")
    return answered_elsewhere(lambda: list(rows.values_list("image_id", flat=True)))


def test_while_a_photo_is_encoded_the_next_one_alone_is_decoded_and_is_not_begun(
    colour_space: Space, colour_encoder: ColourEncoder, decoded: list[str]
) -> None:
    images = [make_image(colour=(60 * number, 0, 0)) for number in range(4)]
    seen: list[tuple[list[str], list[int]]] = []

    def look() -> None:
        so_far = min(colour_encoder.photos + 1, len(images))
        wait_until(lambda: len(decoded) >= so_far, seconds=SECONDS, what="the next photo's decoding")
        seen.append((list(decoded), begun()))

    colour_encoder.on_photo = look
    assert embed.work(seconds=SECONDS) == embed.Worked(done=4, more=False)
    digests, ids = [image.digest for image in images], [image.pk for image in images]
    assert seen == [(digests[: number + 2], ids[: number + 1]) for number in range(4)]
    reds = [ImageFeatures.objects.get(image=image).features[0] for image in images]
    np.testing.assert_allclose(reds, np.arange(4) * 60 / 255, atol=0.02)


def test_a_process_that_dies_with_a_photo_decoded_ahead_is_held_against_the_photo_in_the_encoder(
    colour_space: Space,
) -> None:
    images = [make_image() for _ in range(4)]
    dying = subprocess.run(
        [sys.executable, "-m", "tests.recommender.pipeline.dying"],
        cwd=PROJECT,
        env=process_environment(),
        timeout=SECONDS,
        check=False,
    )
    assert dying.returncode == -signal.SIGKILL
    wait_until(lambda: recovery.recover().returned, seconds=SECONDS, what="the recovery of the lease")
    jobs = [job_of(image) for image in images]
    assert [(job.state, job.attempts, job.crashes, job.alone) for job in jobs] == [
        ("pending", 0, 0, False),
        ("pending", 1, 1, True),
        ("pending", 0, 0, False),
        ("pending", 0, 0, False),
    ]
    assert embed.work(seconds=SECONDS) == embed.Worked(done=4, more=False)


def test_a_photo_whose_decoder_dies_ahead_fails_alone(
    colour_space: Space, colour_encoder: ColourEncoder, settings: Settings
) -> None:
    before, deadly, after = make_image(), make_image(data=many_scans(4992, 100)), make_image()
    settings.PHOTO_SECONDS = 60.0
    killed: list[int] = []

    def kill_twice() -> None:
        colour_encoder.on_photo = lambda: None
        killed.extend((kill_decoder_at_work(), kill_decoder_at_work()))

    colour_encoder.on_photo = kill_twice
    assert embed.work(seconds=SECONDS) == embed.Worked(done=2, more=False)
    assert killed[0] != killed[1]
    assert (job_of(deadly).state, job_of(deadly).reason) == ("failed", "bomb")
    assert "killed over the picture, twice" in job_of(deadly).error
    assert [(job_of(image).state, job_of(image).attempts) for image in (before, after)] == [("done", 0)] * 2
    assert sorted(ImageVector.objects.values_list("image_id", flat=True)) == [before.pk, after.pk]


def kill_decoder_at_work() -> int:
    """Kill the decoder that works on a photo, and wait until it is replaced or given up. Returns its id."""

    def at_work() -> list[int]:
        return [pid for pid in decoder_pool().processes() if cpu_seconds(pid) > idle.get(pid, 0.0) + 0.3]

    idle = {pid: cpu_seconds(pid) for pid in decoder_pool().processes()}
    wait_until(at_work, seconds=SECONDS, what="a decoder at work")
    (pid,) = at_work()
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: pid not in decoder_pool().processes(), seconds=SECONDS, what="the end of the decoder")
    return pid


def cpu_seconds(pid: int) -> float:
    try:
        return float(psutil.Process(pid).cpu_times().user)
    except psutil.NoSuchProcess:
        return 0.0


def test_broken_photos_between_good_ones_fail_each_with_its_reason(colour_space: Space) -> None:
    whole = photo_bytes(3, size=(300, 200))
    files = [photo_bytes(1), whole[:-200], b"", photo_bytes(4), whole[: len(whole) // 2], photo_bytes(6)]
    images = [make_image(seed=100 + number) for number in range(len(files))]
    for image, data in zip(images, files, strict=True):
        with image.file.storage.open(image.file.name, "wb") as file:
            file.write(data)
    assert embed.work(seconds=SECONDS) == embed.Worked(done=3, more=False)
    assert [(job_of(image).state, job_of(image).reason) for image in images] == [
        ("done", ""),
        ("failed", "truncated"),
        ("failed", "not_an_image"),
        ("done", ""),
        ("failed", "truncated"),
        ("done", ""),
    ]


def test_copies_of_a_broken_photo_are_read_once_and_fail_with_the_same_reason(
    colour_space: Space, decoded: list[str]
) -> None:
    whole = photo_bytes(3, size=(300, 200))
    copies = [make_image(data=whole[: len(whole) // 2]) for _ in range(2)]
    good = make_image()
    assert embed.work(seconds=SECONDS) == embed.Worked(done=1, more=False)
    assert {(job_of(image).state, job_of(image).reason) for image in copies} == {("failed", "truncated")}
    assert decoded == [good.digest]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_a_worker_stopped_with_a_photo_decoded_ahead_returns_its_lease(
    colour_space: Space, colour_encoder: ColourEncoder, decoded: list[str], stop: Callable[[], BaseException]
) -> None:
    images = [make_image() for _ in range(3)]

    def interrupt() -> None:
        colour_encoder.on_photo = lambda: None
        wait_until(lambda: len(decoded) == 2, seconds=SECONDS, what="the next photo's decoding")
        raise stop()

    colour_encoder.on_photo = interrupt
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        embed.work(seconds=SECONDS)
    assert list(EmbeddingJob.objects.values_list("state", "attempts", "alone")) == [("pending", 0, False)] * 3
    assert embed.work(seconds=SECONDS) == embed.Worked(done=3, more=False)
    assert sorted(ImageFeatures.objects.values_list("image_id", flat=True)) == [image.pk for image in images]
    assert decoded[2:] == [image.digest for image in images]


def test_an_error_nobody_foresaw_in_reading_ahead_is_held_against_that_photo(
    colour_space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = [make_image() for _ in range(3)]

    def lost(file: BinaryIO, **options: Any) -> HashedPixels:
        if hashlib.sha256(file.read()).hexdigest() == images[1].digest:
            raise RuntimeError("a bug of ours")
        file.seek(0)
        return hashed_pixels(file, **options)

    monkeypatch.setattr(embed, "hashed_pixels", lost)
    with pytest.raises(RuntimeError, match="a bug of ours"):
        embed.work(seconds=SECONDS)
    assert [(job_of(image).attempts, job_of(image).alone) for image in images] == [(0, False), (1, True), (0, False)]


def test_nothing_is_decoded_or_encoded_within_a_transaction(
    colour_space: Space, colour_encoder: ColourEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        make_image()
    in_transaction: list[int] = []

    def look() -> int:
        return answered_elsewhere(_sessions_in_transaction)

    colour_encoder.on_photo = lambda: in_transaction.append(look())

    def noted(file: BinaryIO, **options: Any) -> HashedPixels:
        in_transaction.append(look())
        return hashed_pixels(file, **options)

    monkeypatch.setattr(embed, "hashed_pixels", noted)
    assert embed.work(seconds=SECONDS).done == 3
    assert in_transaction == [0] * 6


def _sessions_in_transaction() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
        )
        (count,) = cursor.fetchone()
    return int(count)
