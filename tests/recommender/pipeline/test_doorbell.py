"""What wakes workers (messages in Redis, the sweep, beat) when Redis is away, slow, full or wiped."""

from __future__ import annotations

import socket
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.db import connection
from django.utils import timezone

from config.celery import app
from recommender import redis_client
from recommender.beat import BoundedScheduler
from recommender.models import EmbeddingJob, Space
from recommender.pipeline import doorbell, sweep
from recommender.schedule import BEAT_SCHEDULE
from tests.catalog.factories import make_image
from tests.recommender.pipeline.test_jobs import grace_is_over, lease_of_a_dead_session


@pytest.fixture(autouse=True)
def a_bell_that_is_not_silent(settings: Any) -> None:
    """Whatever the test before made this process leave alone."""
    redis_client.breaker(settings.CELERY_BROKER_URL).succeeded()
    sweep.rest.begin(0)


def messages(settings: Any) -> int:
    with redis.Redis.from_url(settings.CELERY_BROKER_URL) as client:
        return int(client.llen("celery"))


def test_an_upload_rings_once_it_is_committed(colour_space: Space, settings: Any) -> None:
    make_image()
    assert messages(settings) == 1


def test_the_broker_stays_flat_however_much_is_stored(colour_space: Space, settings: Any) -> None:
    for _ in range(20):
        make_image(priority="import")
    assert messages(settings) == doorbell.MOST_RINGS
    for _ in range(20):
        sweep.sweep()
    assert messages(settings) == doorbell.MOST_RINGS


def test_an_upload_while_redis_is_away_succeeds_at_once(colour_space: Space, settings: Any) -> None:
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    began = time.monotonic()
    image = make_image()
    assert time.monotonic() - began < 1.0
    assert EmbeddingJob.objects.get(image=image).state == "pending"
    assert doorbell.ring() is False


@pytest.mark.usefixtures("shipped_redis_timeout")
def test_an_upload_while_redis_hangs_is_hardly_delayed(colour_space: Space, settings: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{deaf.getsockname()[1]}/0"
        began = time.monotonic()
        for _ in range(3):
            make_image()
        assert time.monotonic() - began < 1.5
    assert EmbeddingJob.objects.filter(state="pending").count() == 3


def test_the_sweep_rings_for_what_no_bell_announced(colour_space: Space, settings: Any) -> None:
    make_image()
    with redis.Redis.from_url(settings.CELERY_BROKER_URL) as client:
        client.flushdb()
    swept = sweep.sweep()
    assert (swept.written, swept.rang, messages(settings)) == (0, True, 1)


def test_the_sweep_writes_jobs_that_are_missing_and_ends_back_offs(colour_space: Space) -> None:
    missing, waiting = make_image(), make_image()
    EmbeddingJob.objects.filter(image=missing).delete()
    EmbeddingJob.objects.filter(image=waiting).update(not_before=timezone.now() - timedelta(seconds=1))
    swept = sweep.sweep()
    assert (swept.written, swept.woken) == (1, 1)
    assert EmbeddingJob.objects.filter(state="pending", not_before=None).count() == 2


def test_a_sweep_with_nothing_to_do_does_not_ring(colour_space: Space, settings: Any) -> None:
    assert sweep.sweep() == sweep.Swept(0, 0, 0, 0, False)
    assert messages(settings) == 0


def test_two_beats_sweep_at_once_without_harm(colour_space: Space) -> None:
    images = [make_image() for _ in range(8)]
    lease_of_a_dead_session(colour_space.encoder, begun=1)
    EmbeddingJob.objects.filter(image=images[7]).delete()
    grace_is_over()
    swept: list[sweep.Swept] = []

    def one() -> None:
        swept.append(sweep.sweep())
        connection.close()

    beats = [threading.Thread(target=one) for _ in range(2)]
    for beat in beats:
        beat.start()
    for beat in beats:
        beat.join()
    assert sum(one.returned for one in swept) == 7
    assert EmbeddingJob.objects.count() == 8
    assert sorted(EmbeddingJob.objects.values_list("attempts", flat=True)) == [0] * 7 + [1]


def test_every_entry_of_the_schedule_is_a_task() -> None:
    app.loader.import_default_modules()
    assert {entry["task"] for entry in BEAT_SCHEDULE.values()} <= set(app.tasks)


def test_beat_does_not_fill_the_broker_while_no_worker_listens(settings: Any) -> None:
    scheduler = BoundedScheduler(app, schedule={})
    entry = scheduler.Entry(app=app, name="sweep", task=doorbell.SWEEP, schedule=5.0)
    for _ in range(30):
        scheduler.apply_async(entry, advance=False)
    assert messages(settings) == doorbell.MOST_WAITING
