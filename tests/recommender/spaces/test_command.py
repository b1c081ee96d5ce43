"""The commands `spaces` and `evaluate` beside other processes, and before there is anything."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from catalog.models import ProductImage
from recommender.encoder.store import find_encoder, save_encoder
from recommender.index import partitions, stored
from recommender.index.registry import vector_index
from recommender.models import EmbeddingJob, Encoder, Space
from recommender.pipeline import doorbell
from recommender.spaces.build import build_space
from recommender.spaces.first import ensure_first_space
from recommender.spaces.options import SpaceOptions
from recommender.spaces.switch import activate, retire
from tests.catalog.factories import make_image, make_product
from tests.recommender.compiled import compiled_encoder
from tests.recommender.spaces.gallery import add_photos, class_features, widened, with_colours
from tests.waiting import wait_until
from tests.workers import PROJECT, CeleryWorker, process_environment

ENCODER = "efficientnet-lite0"


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def test_evaluate_says_what_is_missing(db: None, compiled_lite0: Encoder) -> None:
    with pytest.raises(CommandError, match="no space is active"):
        run("evaluate")
    ensure_first_space(encoder=compiled_lite0)
    with pytest.raises(CommandError, match="no two photos share a label"):
        run("evaluate")
    with pytest.raises(CommandError, match="there are no labels 'colour'"):
        run("evaluate", "--labels", "colour")
    with pytest.raises(CommandError, match="there is no complete space 'x'"):
        run("evaluate", "--space", "x")


@pytest.mark.usefixtures("transactional_db")
def test_a_killed_build_goes_on_by_the_same_command() -> None:
    """`kill -9` while vectors are being written: the writer waits for a photo's row that the test holds."""
    encoder = save_encoder(compiled_encoder(ENCODER))
    ensure_first_space(encoder=encoder)
    features, classes = class_features(8, 20)
    rows = with_colours(widened(features, encoder.dimensions), classes % 3)
    images = add_photos(encoder, rows, [f"Things > kind {code}" for code in classes])
    arguments = ["spaces", "build", "--encoder", ENCODER, "--projection", "pca", "--dims", "8"]
    command = [sys.executable, "manage.py", *arguments]
    with transaction.atomic():
        ProductImage.objects.select_for_update().get(pk=images[-1].pk)
        environment = process_environment(OPENBLAS_NUM_THREADS="1")
        building = subprocess.Popen(command, cwd=PROJECT, env=environment, start_new_session=True)
        try:
            wait_until(_waits_for_a_row, seconds=60, what="writing the vectors", process=building)
        finally:
            os.killpg(building.pid, signal.SIGKILL)
            building.wait()
        space = Space.objects.get(name="pca-8")
        fit = bytes(space.matrix or b"")
        assert (space.state, stored.count(space=space)) == (Space.State.BUILDING, 0)
    wait_until(lambda: not _builders(space), seconds=60, what="the end of the killed build's session")
    run(*arguments)
    space.refresh_from_db()
    assert space.state == Space.State.READY and space.quality
    assert bytes(space.matrix or b"") == fit
    assert stored.count(space=space) == 160
    assert vector_index().ready(space=space)
    _leave_nothing(space)


def _waits_for_a_row() -> bool:
    """In this database: a lock on a row names none, but who waits for it holds locks on its tables too."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple') AND pid IN"
            " (SELECT pid FROM pg_locks JOIN pg_database ON oid = database WHERE datname = current_database())"
        )
        return bool(cursor.fetchone()[0])


def _builders(space: Space) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks JOIN pg_database ON oid = database"
            " WHERE datname = current_database() AND locktype = 'advisory' AND classid = %s AND objid = %s"
            " AND pid <> pg_backend_pid()",
            [0x6275696C, space.pk],
        )
        return int(cursor.fetchone()[0])


def _leave_nothing(*spaces: Space) -> None:
    """Tables of spaces are made outside of what the test's flush empties."""
    for space in spaces:
        partitions.drop_partition(space)


@pytest.mark.worker
def test_a_new_encoder_is_filled_by_the_workers_and_switched_to(
    celery_worker_process: CeleryWorker, compiled_lite0: Encoder, compiled_lite2_int8: Encoder
) -> None:
    first = ensure_first_space(encoder=compiled_lite0)
    images = [make_image(make_product(category=f"Things > kind {number % 2}")) for number in range(12)]
    broken = make_image(make_product())
    broken.file.storage.delete(broken.file.name)
    with broken.file.storage.open(broken.file.name, "wb") as file:
        file.write(b"no photo")
    doorbell.ring()
    ended = EmbeddingJob.objects.filter(state__in=["done", "failed"])
    wait_until(lambda: ended.count() == 13, seconds=60, what="the end of the first encoder's jobs")
    calls: list[tuple[str, int, int]] = []
    space = build_space(
        SpaceOptions(encoder=find_encoder("efficientnet-lite2-int8"), projection="none"),
        progress=lambda *call: calls.append(call),
    )
    assert ("embedding with the new encoder", 13, 13) in calls
    assert stored.count(space=space) == 12
    assert set(
        EmbeddingJob.objects.filter(encoder=compiled_lite2_int8, state="done").values_list("priority", flat=True)
    ) == {20}
    assert activate(space.name).space == space
    fresh = make_image(make_product(category="Things > kind 0"))
    wait_until(lambda: stored.vectors_of(space=space, image_ids=[fresh.pk]), seconds=60, what="a new photo's vector")
    wait_until(
        lambda: stored.vectors_of(space=first, image_ids=[fresh.pk]), seconds=60, what="its vector in the old space"
    )
    retire(first.name)
    assert {image.pk for image in images} < set(
        stored.vectors_of(space=space, image_ids=[i.pk for i in images] + [fresh.pk])
    )
