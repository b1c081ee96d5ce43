"""The commands `spaces` and `evaluate`, as people and scripts use them."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import orjson
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


@pytest.fixture
def drawn_shop(compiled_lite0: Encoder) -> Space:
    """The real encoder's row with drawn features: commands find encoders by name."""
    space = ensure_first_space(encoder=compiled_lite0)
    features, classes = class_features(8, 30)
    rows = with_colours(widened(features, compiled_lite0.dimensions), classes % 3)
    add_photos(compiled_lite0, rows, [f"Things > kind {code}" for code in classes])
    return space


def test_build_list_activate_evaluate_retire(drawn_shop: Space, tmp_path: Path) -> None:
    built = run(
        "spaces", "build", "--encoder", ENCODER, "--projection", "learned", "--dims", "16", "--labels", "category"
    )
    assert "Space learned-16 is complete: `spaces activate learned-16` switches to it." in built
    assert re.search(
        r"^Shrinkage 0\.\d+, chosen on [\d,]+ photos by leaving classes out 5 times: mAP@50 against pca", built, re.M
    )
    assert "unseen classes" in built and "colour histogram" in built
    assert run("spaces", "activate", "learned-16").startswith("Space learned-16 answers now.")
    assert run("spaces", "activate", "learned-16") == "Space learned-16 is active already.\n"
    listed = orjson.loads(run("spaces", "list", "--json"))["spaces"]
    assert [(space["name"], space["state"]) for space in listed] == [("learned-16", "active"), ("basis-256", "ready")]
    assert "learned (category)" in run("spaces", "list")
    judged = orjson.loads(run("spaces", "evaluate", "learned-16", "--json"))
    assert judged["systems"]["space"]["seen"]["p@10"][1] > judged["systems"]["plain"]["seen"]["p@10"][1]
    assert "All photos, leave-one-out by category: 240 queries of 240 photos" in run(
        "evaluate", "--json", str(tmp_path / "f.json")
    )
    assert run("spaces", "retire", "basis-256").startswith("Space basis-256 is retired")
    assert Space.objects.get(name="basis-256").state == Space.State.RETIRED


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["build", "--projection", "learned", "--labels", "brand"], "no photo has this label.*use --projection pca"),
        (["build", "--projection", "pca", "--dims", "5000"], "--dims 5000"),
        (["build", "--encoder", "efficientnet-b9"], "there is no encoder 'efficientnet-b9'"),
        (["build", "--encoder", "efficientnet-b0"], "run `manage.py compile_encoder efficientnet-b0`"),
        (["build", "--resume", "nothing"], "there is no space 'nothing'"),
        (
            ["build", "--projection", "pca", "--dims", "16", "--metric", "l2", "--index", "binary"],
            "there are: hnsw with",
        ),
        (["activate", "nothing"], "there is no such space"),
        (["retire", "basis-256"], "it is active"),
        (["evaluate", "nothing"], "there is no complete space 'nothing'"),
    ],
)
def test_what_is_wrong_is_said(drawn_shop: Space, arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        run("spaces", *arguments)
    assert Space.objects.count() == 1


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


def test_products_as_labels_are_judged_by_held_out_photos(drawn_shop: Space) -> None:
    """On a page of answers a product never meets itself, so only held-out photos can tell."""
    images = list(ProductImage.objects.order_by("pk"))
    for image, other in zip(images[::2], images[1::2], strict=True):
        ProductImage.objects.filter(pk=other.pk).update(product=image.product_id)
    shown = run("evaluate", "--labels", "product")
    assert "By product no page of answers can be judged" in shown and "plain encoder" in shown


def test_a_folder_that_is_not_there_is_said_before_anything_is_measured(drawn_shop: Space) -> None:
    for option in ("--report", "--json"):
        with pytest.raises(CommandError, match=f"{option} /no/such/f: there is no such folder"):
            run("evaluate", option, "/no/such/f")


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
