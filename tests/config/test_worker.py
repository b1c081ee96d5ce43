"""The Celery worker as production starts it: it answers, stops when asked, and starts again after a kill."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from config.middleware import request_id
from recommender.pipeline import doorbell
from tests.workers import CeleryWorker

pytestmark = pytest.mark.worker


def test_a_worker_starts_is_killed_starts_again_and_stops(celery_worker_process: CeleryWorker) -> None:
    worker = celery_worker_process
    first = worker.pid
    assert len(worker.children()) == 1
    worker.kill()
    assert not worker.running()
    worker.start()
    assert worker.pid != first
    assert worker.stop() == 0
    assert "Traceback" not in worker.log.read_text()


def test_a_pool_child_that_dies_is_replaced(celery_worker_factory: Callable[..., CeleryWorker]) -> None:
    worker = celery_worker_factory(processes=2)
    dead = worker.kill_child()
    worker.wait_for_children(2)
    assert dead not in {child.pid for child in worker.children()}


def test_the_lines_of_a_task_carry_the_id_of_the_request_that_sent_it(celery_worker_process: CeleryWorker) -> None:
    worker = celery_worker_process
    worker.wait_for_line("Task recommender.tasks.sweep")  # the one that a worker begins with

    def view(request: HttpRequest) -> HttpResponse:
        assert doorbell.ring(task=doorbell.SWEEP)
        return HttpResponse()

    request_id(view)(RequestFactory().get("/", headers={"X-Request-ID": "shop-42"}))
    worker.wait_for_line(" INFO celery.app.trace [shop-42]: Task recommender.tasks.sweep")
    end = worker.log.stat().st_size
    assert doorbell.ring(task=doorbell.SWEEP)
    worker.wait_for_line(" INFO celery.app.trace: Task recommender.tasks.sweep", position=end)
    assert b"[shop-42]" not in worker.log.read_bytes()[end:]
