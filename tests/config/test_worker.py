"""The Celery worker as production starts it: it answers, stops when asked, and starts again after a kill."""

from __future__ import annotations

from collections.abc import Callable

import psutil
import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from config.celery import app
from config.middleware import request_id
from recommender.pipeline import doorbell
from tests.waiting import wait_until
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


def test_a_task_that_a_pool_process_began_as_the_worker_stopped_does_not_hold_it(
    celery_worker_process: CeleryWorker,
) -> None:
    worker = celery_worker_process
    wait_until(lambda: "succeeded in" in worker.log.read_text(), seconds=10, what="the sweep of the worker's start")
    (child,) = worker.children()
    position = worker.log.stat().st_size
    child.suspend()  # the task is written to its pipe, and that it was begun is not yet said when the worker stops
    app.send_task("recommender.tasks.sweep")
    worker.wait_for_line("received", position=position)
    assert app.control.ping(timeout=10, limit=1)  # the loop that answers has written the task meanwhile
    main = psutil.Process(worker.pid)
    threads = main.num_threads()
    main.terminate()
    wait_until(lambda: main.num_threads() > threads, seconds=10, what="Celery's thread of a pool that is being joined")
    child.resume()
    assert worker.stop(timeout=10) == 0


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
