"""Killed with SIGKILL, a worker or beat leaves no process behind, whatever that was doing, and no photo is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from recommender.models import EmbeddingJob, ImageVector, Space
from tests.catalog.factories import make_image
from tests.chaos.processes import Supervised, python
from tests.marked import Mark
from tests.waiting import wait_until
from tests.workers import CeleryWorker, process_environment

pytestmark = pytest.mark.worker


@pytest.fixture
def mark() -> Iterator[Mark]:
    with Mark() as mark:
        yield mark


def kill_alone(pid: int) -> None:
    """`kill -9` of one process, not of its group: its children find out by themselves."""
    process = psutil.Process(pid)
    process.kill()
    process.wait(10)


def test_idle_children_end_with_a_killed_worker(
    transactional_db: None, mark: Mark, celery_worker_factory: Callable[..., CeleryWorker]
) -> None:
    worker = celery_worker_factory(processes=2, **mark.environment)
    worker.wait_for_children(2)
    assert len(mark.living()) == 3
    kill_alone(worker.pid)
    assert mark.left() == []


def test_a_child_in_the_middle_of_a_photo_ends_with_a_killed_worker_and_the_photo_is_done_by_the_next(
    real_space: Space, mark: Mark, tmp_path: Path, celery_worker_factory: Callable[..., CeleryWorker]
) -> None:
    hanging = CeleryWorker(
        environment=process_environment(**mark.environment),
        log=tmp_path / "hanging.log",
        application="tests.recommender.pipeline.hanging",
    )
    hanging.start()
    image = make_image()
    wait_until(lambda: "cat" in {process.name() for process in mark.living()}, seconds=30, what="the photo's beginning")
    assert EmbeddingJob.objects.filter(state="processing", started_at__isnull=False).count() == 1
    assert len(mark.living()) >= 3  # the worker, its child, the child's helpers
    kill_alone(hanging.pid)
    assert mark.left() == []
    celery_worker_factory(SWEEP_SECONDS="0.5")
    wait_until(lambda: ImageVector.objects.filter(image_id=image.pk).exists(), seconds=30, what="the photo's vector")
    job = EmbeddingJob.objects.get(image=image)
    assert (job.state, job.crashes) == ("done", 1)


def test_beat_leaves_nothing_when_it_is_killed(transactional_db: None, mark: Mark, tmp_path: Path) -> None:
    log = tmp_path / "beat.log"
    command = python("celery", "-A", "config", "beat", "--loglevel", "INFO", "--pidfile=")
    beat = Supervised("beat", command, environment=process_environment(**mark.environment), log=log)
    beat.start()
    try:
        wait_until(lambda: "Sending due task" in log.read_text(), seconds=30, what="beat's first tick")
        assert len(mark.living()) == 1
        assert beat.kill() == []
        assert mark.left() == []
    finally:
        beat.stop()


def test_children_that_were_starting_when_their_worker_was_killed_end_too(
    transactional_db: None, mark: Mark, tmp_path: Path
) -> None:
    command = python("celery", "-A", "tests.recommender.pipeline.late", "worker", "--concurrency", "2")
    worker = Supervised(
        "worker", command, environment=process_environment(**mark.environment), log=tmp_path / "late.log"
    )
    worker.start()
    try:
        wait_until(lambda: len(worker.children()) == 2, seconds=30, what="the fork of two children")
        assert worker.kill() == []
        assert mark.left() == []
    finally:
        worker.stop()
