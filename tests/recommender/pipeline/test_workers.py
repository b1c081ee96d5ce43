"""Real worker processes: killed, stopped, poisoned."""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings

from catalog import announce
from catalog.models import ProductImage
from recommender.encoder.preprocess import photo_to_pixels
from recommender.encoder.serving import encoder_for
from recommender.models import EmbeddingJob, ImageFeatures, ImageVector, Space
from tests.catalog.factories import make_image, make_product
from tests.catalog.photo_server import Server
from tests.chaos.processes import Supervised, python
from tests.waiting import wait_until
from tests.workers import CeleryWorker, process_environment

pytestmark = pytest.mark.worker
Make = Callable[..., CeleryWorker]


def done() -> int:
    return EmbeddingJob.objects.filter(state="done").count()


def ended() -> bool:
    return not EmbeddingJob.objects.exclude(state__in=["done", "failed"]).exists()


def assert_one_vector_each(images: list[ProductImage]) -> None:
    ids = sorted(image.pk for image in images)
    assert sorted(ImageFeatures.objects.values_list("image_id", flat=True)) == ids
    assert sorted(ImageVector.objects.values_list("image_id", flat=True)) == ids


def test_a_worker_killed_in_the_middle_of_200_photos_and_started_again_leaves_200_vectors(
    real_space: Space, celery_worker_factory: Make
) -> None:
    images = [make_image(priority="import") for _ in range(200)]
    worker = celery_worker_factory(processes=2)
    begun = EmbeddingJob.objects.filter(state="processing", started_at__isnull=False)
    wait_until(lambda: done() >= 50 and begun.count() >= 2, seconds=30, what="work on the second 50 photos")
    worker.kill()
    assert done() < 200, "the worker was killed too late to prove anything"
    worker.start()
    wait_until(ended, seconds=40, what="the end of all photos")
    assert Counter(EmbeddingJob.objects.values_list("state", flat=True)) == {"done": 200}
    assert_one_vector_each(images)


def test_one_killed_child_delays_only_its_own_lease(real_space: Space, celery_worker_factory: Make) -> None:
    images = [make_image(priority="import") for _ in range(60)]
    worker = celery_worker_factory(processes=2)
    wait_until(lambda: done() >= 8, seconds=30, what="the first lease")
    worker.kill_child()
    wait_until(ended, seconds=30, what="the end of all photos")
    assert_one_vector_each(images)
    assert max(EmbeddingJob.objects.values_list("attempts", flat=True)) <= 1


@pytest.fixture
def beat(transactional_db: None, empty_redis: None, tmp_path: Path) -> Iterator[None]:
    environment = process_environment(SWEEP_SECONDS="0.5")
    command = python("celery", "-A", "config", "beat", "--pidfile=")
    process = Supervised("beat", command, environment=environment, log=tmp_path / "beat.log")
    process.start()
    yield
    process.stop()


@pytest.fixture
def poisoned_worker(colour_space: Space, beat: None, tmp_path: Path) -> Iterator[CeleryWorker]:
    worker = CeleryWorker(
        environment=process_environment(),
        log=tmp_path / "poisoned.log",
        processes=2,
        application="tests.recommender.pipeline.poisoned",
    )
    worker.start()
    yield worker
    worker.kill()


def test_a_photo_that_kills_its_process_is_failed_after_three_attempts_and_no_innocent_one(
    poisoned_worker: CeleryWorker,
) -> None:
    before = [make_image(colour="green", priority="import") for _ in range(3)]
    poison = make_image(colour="magenta", priority="import")
    after = [make_image(colour="blue", priority="import") for _ in range(12)]
    wait_until(ended, seconds=60, what="the end of all photos")
    job = EmbeddingJob.objects.get(image=poison)
    assert (job.state, job.reason, job.attempts, job.crashes) == ("failed", "crashed", 3, 3)
    innocent = EmbeddingJob.objects.exclude(image=poison)
    assert set(innocent.values_list("state", "attempts")) == {("done", 0)}
    assert_one_vector_each(before + after)


def test_sigterm_finishes_the_lease_in_hand_and_claims_nothing_more(
    real_space: Space, celery_worker_factory: Make
) -> None:
    for _ in range(150):
        make_image(priority="import")
    worker = celery_worker_factory(processes=1)
    wait_until(lambda: done() > 0, seconds=30, what="the first lease")
    before, began = done(), time.monotonic()
    assert worker.stop() == 0
    took = time.monotonic() - began
    states = Counter(EmbeddingJob.objects.values_list("state", flat=True))
    assert set(states) == {"done", "pending"}
    assert states["done"] - before <= 3 * settings.LEASE_SIZE  # leases that ended while the signal was on its way
    assert states["pending"] >= 150 - before - 3 * settings.LEASE_SIZE
    assert took < 10


def test_an_upload_is_searchable_within_two_seconds_and_its_process_stays_small(
    real_space: Space, celery_worker_factory: Make
) -> None:
    worker = celery_worker_factory(processes=1)
    make_image()
    wait_until(ended, seconds=30, what="the first photo")
    took = []
    for _ in range(20):
        began = time.monotonic()
        image = make_image()
        wait_until(lambda image=image: ImageVector.objects.filter(image_id=image.pk).exists(), what="its vector")
        took.append(time.monotonic() - began)
    assert np.percentile(took, 95) <= 2.0
    assert max(child.memory_info().rss for child in worker.children()) <= 250 * 1024**2


def test_fresh_uploads_do_not_wait_for_an_import(real_space: Space, celery_worker_factory: Make) -> None:
    for _ in range(300):
        make_image(priority="import")
    celery_worker_factory(processes=1)
    wait_until(lambda: done() > 0, seconds=30, what="the import's beginning")
    image = make_image()
    wait_until(lambda: ImageVector.objects.filter(image_id=image.pk).exists(), seconds=5, what="the upload's vector")
    assert EmbeddingJob.objects.filter(state="pending", priority=EmbeddingJob.Priority.IMPORT).exists()


@pytest.fixture
def dripping_server() -> Iterator[Server]:
    """Sends a photo that never ends, a byte at a time."""

    def drip(stream: socket.socket, request: bytes) -> None:
        stream.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            stream.sendall(b"x")
            time.sleep(0.05)

    server = Server(drip)
    yield server
    server.close()


def test_uploads_do_not_wait_for_the_servers_that_an_import_fetches_from(
    real_space: Space, dripping_server: Server, beat: None, tmp_path: Path
) -> None:
    for number in range(4 * settings.LEASE_SIZE):
        url = f"http://shop.example:{dripping_server.port}/{number}.jpg"
        with announce.together(priority="import"):
            ProductImage.objects.create(product=make_product(), source_url=url)
    worker = CeleryWorker(
        environment=process_environment(
            LOOPBACK_PORT=str(dripping_server.port), FETCH_TIMEOUT_SECONDS="6", WORKER_PROCESSES="2"
        ),
        log=tmp_path / "loopback.log",
        processes=2,
        application="tests.recommender.pipeline.loopback",
    )
    worker.start()
    try:
        wait_until(lambda: len(dripping_server.asked) == settings.LEASE_SIZE, seconds=30, what="a whole lease in fetch")
        took = []
        until = time.monotonic() + 8  # into the second lease of the import
        while time.monotonic() < until:
            began = time.monotonic()
            image = make_image()
            wait_until(lambda image=image: ImageVector.objects.filter(image_id=image.pk).exists(), what="its vector")
            took.append(time.monotonic() - began)
            in_fetch = EmbeddingJob.objects.filter(state="processing", image__file="")
            assert in_fetch.values("lease").distinct().count() <= 1
    finally:
        worker.kill()
    assert len(took) > 3 and max(took) <= 3.0
    assert len(dripping_server.asked) == 2 * settings.LEASE_SIZE
    assert EmbeddingJob.objects.filter(state="pending", reason="fetch", attempts=1).count() == settings.LEASE_SIZE


@pytest.mark.keras
def test_a_worker_set_to_keras_does_the_whole_job_too(real_space: Space, celery_worker_factory: Make) -> None:
    images = [make_image() for _ in range(3)]
    celery_worker_factory(processes=1, ENCODER_RUNTIME="keras", ENCODER=real_space.encoder.name)
    wait_until(ended, seconds=90, what="the end of all photos")
    assert_one_vector_each(images)
    encoder = encoder_for(real_space.encoder)
    for image in images:
        with image.file.open() as file:
            ours = encoder.features(photo_to_pixels(file, side=encoder.side, recipe=encoder.recipe))
        theirs = np.array(ImageFeatures.objects.get(image=image).features, np.float32)
        cosine = float(ours @ theirs / np.linalg.norm(ours) / np.linalg.norm(theirs))
        assert cosine >= 0.9999
