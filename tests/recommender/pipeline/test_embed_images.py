"""The command `embed_images`."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from recommender.management.commands import embed_images
from recommender.models import EmbeddingJob, Space
from recommender.pipeline import embed
from tests.catalog.factories import make_image, make_product, photo_bytes


@pytest.fixture
def working() -> Iterator[None]:
    """A worker of sorts: a thread that embeds what it finds."""
    over = threading.Event()

    def work() -> None:
        while not over.wait(0.05):
            embed.work(seconds=1)
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    over.set()
    thread.join()


def run(*arguments: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("embed_images", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_without_a_space_it_says_what_to_do_first(transactional_db: None) -> None:
    with pytest.raises(CommandError, match="compile_encoder"):
        run()


def test_it_queues_what_is_missing_and_says_that_no_worker_answers(colour_space: Space) -> None:
    make_image()
    EmbeddingJob.objects.all().delete()
    out, err = run()
    assert "1 queued, 0 done, 1 to do, 0 failed" in out
    assert "no worker answers: start one with `celery -A config worker`" in err
    assert EmbeddingJob.objects.get().state == "pending"


def test_waiting_ends_when_all_is_done(colour_space: Space, working: None) -> None:
    for _ in range(5):
        make_image()
    out, _ = run("--wait", "--json")
    report = json.loads(out)
    assert (report["done"], report["pending"], report["failures"]) == (5, 0, [])
    assert report["seconds"] >= 0


def test_failed_photos_are_listed_and_tried_again_on_request(colour_space: Space, working: None) -> None:
    whole = photo_bytes(5, size=(300, 200))
    image = make_image(make_product(sku="BROKEN-1"), data=whole[: len(whole) // 2])
    make_image()
    err = StringIO()
    with pytest.raises(CommandError, match="1 photos have no embedding"):
        call_command("embed_images", "--wait", stdout=StringIO(), stderr=err)
    assert f"BROKEN-1: {image.file.name}: truncated: " in err.getvalue()
    EmbeddingJob.objects.filter(image=image).update(error="an older failure")
    with pytest.raises(CommandError):
        run("--wait", "--retry-failed")
    assert EmbeddingJob.objects.get(image=image).error != "an older failure"


def test_it_says_so_when_nothing_moves(
    colour_space: Space, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The only worker waits until the command has wondered twice: at its start, and when nothing moved."""
    wondered = threading.Semaphore(0)
    monkeypatch.setattr(embed_images, "STILL_SECONDS", 0.1)
    monkeypatch.setattr(embed_images, "why_nobody_works", lambda: wondered.release() or "nobody is there")
    make_image()

    def work() -> None:
        assert wondered.acquire(timeout=20) and wondered.acquire(timeout=20)
        embed.work(seconds=5)
        connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    run("--wait")
    worker.join()
    assert "nothing has moved for 0 s: nobody is there" in capsys.readouterr().err
