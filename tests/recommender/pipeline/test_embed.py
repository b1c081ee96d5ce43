"""A lease from claim to committed vectors, with an encoder of fixed vectors, in this process."""

from __future__ import annotations

import io
import os
import signal
import threading
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from pytest_django import Settings

from catalog.models import Product, ProductImage
from catalog.photos import asking, fetch
from catalog.photos.decoder_pool import decoder_pool
from catalog.photos.reading import inspect_photo
from catalog.photos.storage import WholeFileStorage
from catalog.photos.store import replace_photo
from recommender.encoder import serving
from recommender.models import EmbeddingJob, ImageFeatures, ImageVector, Space
from recommender.pipeline import embed, jobs, leases, photo_files
from tests.catalog.factories import make_image, make_product, photo_bytes
from tests.catalog.feeds.files import run_import, write_feed
from tests.catalog.photos.files import many_scans
from tests.recommender.pipeline.conftest import ColourEncoder, make_encoder_row

T = TypeVar("T")
RED, BLUE = (200, 30, 30), (30, 30, 200)


def run(*, seconds: float = 30.0, stop: Callable[[], bool] = lambda: False) -> embed.Worked:
    return embed.work(seconds=seconds, stop=stop)


def job_of(image: ProductImage) -> EmbeddingJob:
    return EmbeddingJob.objects.get(image=image)


def counts() -> tuple[int, int]:
    return ImageFeatures.objects.count(), ImageVector.objects.count()


def elsewhere(write: Callable[[], object]) -> None:
    """Do something in another session, as another process would, and wait for it."""

    def target() -> None:
        try:
            write()
        finally:
            connection.close()

    thread = threading.Thread(target=target)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()


def answered_elsewhere(read: Callable[[], T]) -> T:
    """An answer from another session: the one that embeds is busy while the encoder runs."""
    answers: list[T] = []
    elsewhere(lambda: answers.append(read()))
    return answers[0]


def test_every_photo_gets_features_and_a_vector(colour_space: Space) -> None:
    images = [make_image(colour=colour) for colour in ("red", "green", "blue")]
    assert run() == embed.Worked(done=3, more=False)
    assert counts() == (3, 3)
    red = ImageFeatures.objects.get(image=images[0])
    assert red.digest == images[0].digest
    np.testing.assert_allclose(red.features, [1.0, 0.0, 0.0, 1.0], atol=0.02)
    vector = np.array(ImageVector.objects.get(image_id=images[0].pk).vector)
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-3)
    job = job_of(images[0])
    assert (job.state, job.attempts, job.lease, job.leased_until) == ("done", 0, None, None)
    assert job.finished_at is not None


def test_identical_files_are_run_once(colour_space: Space, colour_encoder: ColourEncoder) -> None:
    data = photo_bytes(7)
    images = [make_image(data=data) for _ in range(3)]
    run()
    assert (colour_encoder.photos, counts()) == (1, (3, 3))
    later = make_image(data=data)
    run()
    assert (colour_encoder.photos, counts()) == (1, (4, 4))
    stored = {image.pk: tuple(ImageFeatures.objects.get(image=image).features) for image in [*images, later]}
    assert len(set(stored.values())) == 1


def test_a_photo_that_cannot_be_decoded_fails_with_its_reason_and_blocks_nobody(colour_space: Space) -> None:
    whole = photo_bytes(3, size=(300, 200))
    broken = make_image(data=whole[: len(whole) // 2])
    good = make_image()
    run()
    assert (job_of(broken).state, job_of(broken).reason, job_of(broken).attempts) == ("failed", "truncated", 0)
    assert job_of(broken).error
    assert job_of(good).state == "done"
    assert counts() == (1, 1)


def test_a_photo_past_its_deadline_fails_with_its_reason_and_blocks_nobody(
    colour_space: Space, settings: Settings
) -> None:
    before, slow, after = make_image(), make_image(data=many_scans(4992, 100)), make_image()
    settings.PHOTO_SECONDS = 0.5
    for _ in range(settings.RETRY_ATTEMPTS):  # again where the machine had no time for it
        run()
        EmbeddingJob.objects.update(not_before=None)
    assert (job_of(slow).state, job_of(slow).reason) == ("failed", "too_slow")
    assert "takes more than 0.5 s to decode" in job_of(slow).error
    assert [job_of(image).state for image in (before, after)] == ["done", "done"]
    assert counts() == (2, 2)


def test_a_photo_for_which_the_machine_had_no_time_is_tried_again(colour_space: Space, settings: Settings) -> None:
    image = make_image()
    decoder_pool().close()
    inspect_photo(io.BytesIO(photo_bytes()))
    (pid,) = decoder_pool().processes()
    os.kill(pid, signal.SIGSTOP)
    settings.PHOTO_SECONDS = 0.2
    run()
    assert (job_of(image).state, job_of(image).reason, job_of(image).attempts) == ("pending", "busy", 1)
    settings.PHOTO_SECONDS = 5.0
    EmbeddingJob.objects.update(not_before=None)
    run()
    assert job_of(image).state == "done"


def test_storage_that_is_away_is_asked_again_ever_later_and_in_the_end_given_up(colour_space: Space) -> None:
    image = make_image()
    default_storage.delete(image.file.name)
    for attempt in range(1, settings.RETRY_ATTEMPTS):
        before = timezone.now()
        assert run() == embed.Worked(done=0, more=False)
        job = job_of(image)
        assert (job.state, job.reason, job.attempts) == ("pending", "storage", attempt)
        wait = settings.RETRY_SECONDS * 2 ** (attempt - 1)
        assert job.not_before is not None
        assert timedelta(seconds=wait - 1) < job.not_before - before < timedelta(seconds=wait + 5)
        EmbeddingJob.objects.update(not_before=None)
    run()
    assert (job_of(image).state, job_of(image).reason) == ("failed", "storage")
    assert image.file.name in job_of(image).error


def test_a_photo_by_url_is_fetched_stored_and_embedded(colour_space: Space, monkeypatch: pytest.MonkeyPatch) -> None:
    answers: dict[str, bytes | Exception] = {
        "https://photos.example/good.png": photo_bytes(1),
        "https://photos.example/private.png": fetch.FetchRefused("address", "10.0.0.1 is a private address"),
        "https://photos.example/slow.png": fetch.FetchFailed("timed out"),
        "https://photos.example/page.html": b"<html>",
    }

    def fetched(url: str) -> fetch.Fetched:
        answer = answers[url]
        if isinstance(answer, Exception):
            raise answer
        return fetch.Fetched(answer)

    monkeypatch.setattr(photo_files, "fetch_validated", fetched)
    images = {url: ProductImage.objects.create(product=make_product(), source_url=url) for url in answers}
    run()
    good, private, slow, page = images.values()
    good.refresh_from_db()
    assert job_of(good).state == "done" and default_storage.exists(good.file.name)
    assert ImageFeatures.objects.get().digest == good.digest
    assert (job_of(private).state, job_of(private).reason) == ("failed", "address")
    assert (job_of(slow).state, job_of(slow).reason, job_of(slow).attempts) == ("pending", "fetch", 1)
    assert (job_of(page).state, job_of(page).reason) == ("failed", "not_an_image")


def test_two_addresses_of_one_photo_are_one_photo_and_none_failed(
    colour_space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    product = make_product()
    for name in "ab":
        ProductImage.objects.create(product=product, source_url=f"https://photos.example/{name}.png")
    monkeypatch.setattr(photo_files, "fetch_validated", lambda url: fetch.Fetched(photo_bytes(1)))
    assert run() == embed.Worked(done=1, more=False)
    image = product.images.get()
    assert list(EmbeddingJob.objects.values_list("image_id", "state")) == [(image.pk, "done")]
    assert list(ImageVector.objects.values_list("image_id", flat=True)) == [image.pk]
    call_command("embed_images", stdout=StringIO(), stderr=StringIO())


class StorageError(Exception):
    """As libraries of storages have them: no OSError."""


class LockedStorage(WholeFileStorage):
    """Nothing can be read from it, which it says in its own words."""

    def open(self, *args: Any, **options: Any) -> Any:
        raise StorageError("the bucket asks us to slow down")


def test_a_storage_that_has_errors_of_its_own_is_asked_again_later_too(colour_space: Space, settings: Settings) -> None:
    image = make_image()
    settings.STORAGES = settings.STORAGES | {"default": {"BACKEND": f"{__name__}.LockedStorage"}}
    assert run() == embed.Worked(done=0, more=False)
    job = job_of(image)
    assert (job.state, job.reason, job.attempts, job.crashes) == ("pending", "storage", 1, 0)
    assert "slow down" in job.error and job.not_before is not None


def unforeseen(url: str) -> fetch.Fetched:
    raise LookupError("the fetcher has lost its way")


def test_an_error_nobody_foresaw_before_any_photo_is_begun_ends_within_bounds(
    colour_space: Space, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [make_image() for _ in range(2)]
    monkeypatch.setattr(photo_files, "fetch_validated", unforeseen)
    urls = [f"https://photos.example/{'x' * number}.png" for number in range(3)]
    by_url = [ProductImage.objects.create(product=make_product(), source_url=url) for url in urls]
    started = timezone.now()
    with pytest.raises(LookupError):
        run()
    first = EmbeddingJob.objects.filter(image__in=by_url)
    assert set(first.values_list("state", "attempts", "alone")) == {("pending", 1, True)}
    assert all(job.not_before and job.not_before > started + timedelta(seconds=1) for job in first)
    assert run() == embed.Worked(done=2, more=False)
    runs = 1
    while first.filter(state="pending").exists():
        assert runs < 3 * settings.RETRY_ATTEMPTS, "claimed again for ever"
        EmbeddingJob.objects.update(not_before=None)
        with pytest.raises(LookupError):
            run()
        runs += 1
    assert set(first.values_list("state", "reason", "attempts", "crashes")) == {
        ("failed", "unforeseen", settings.RETRY_ATTEMPTS, 0)
    }
    assert "the fetcher has lost its way" in job_of(by_url[0]).error
    assert [job_of(image).state for image in before] == ["done", "done"]


def test_photos_to_be_fetched_are_leased_apart_and_leave_a_process_free(
    colour_space: Space, settings: Settings
) -> None:
    settings.CELERY_WORKER_CONCURRENCY = 2
    with transaction.atomic():
        by_url = [
            ProductImage.objects.create(product=make_product(), source_url=f"https://photos.example/{name}.png").pk
            for name in "ab"
        ]
    imported = make_image(priority="import")
    assert list(EmbeddingJob.objects.order_by("pk").values_list("priority", flat=True)) == [1, 1, 10]
    encoders = [colour_space.encoder_id]
    lease = leases.claim(encoder_ids=encoders)
    assert lease is not None and [photo.image_id for photo in lease.photos] == [imported.pk]

    def taken_elsewhere() -> bool:
        with leases.fetching() as free:
            return free

    with leases.fetching() as first:
        assert first
        lease = leases.claim(encoder_ids=encoders, by_url=True)
        assert lease is not None and [photo.image_id for photo in lease.photos] == by_url
        assert not answered_elsewhere(taken_elsewhere)
        with pytest.MonkeyPatch.context() as patch:  # another machine has places of its own
            patch.setattr("socket.gethostname", lambda: "worker-2.example")
            assert answered_elsewhere(taken_elsewhere)
        settings.CELERY_WORKER_CONCURRENCY = 3
        assert answered_elsewhere(taken_elsewhere)
    settings.CELERY_WORKER_CONCURRENCY = 1
    assert answered_elsewhere(taken_elsewhere)


def test_a_failed_address_that_is_tried_again_is_fetched_apart_again(
    colour_space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(url: str) -> fetch.Fetched:
        raise fetch.FetchRefused("http_status", "404")

    monkeypatch.setattr(photo_files, "fetch_validated", refused)
    image = ProductImage.objects.create(product=make_product(), source_url="https://photos.example/a.png")
    run()
    assert job_of(image).state == "failed"
    jobs.embed_again(EmbeddingJob.objects.all())
    assert job_of(image).priority == EmbeddingJob.Priority.UPLOAD_BY_URL
    EmbeddingJob.objects.all().delete()
    jobs.enqueue_missing()
    assert job_of(image).priority == EmbeddingJob.Priority.REBUILD_BY_URL


def test_a_fetch_that_failed_for_good_is_tried_again_at_the_next_import(
    colour_space: Space, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answers: list[bytes] = []

    def fetched(url: str) -> fetch.Fetched:
        if not answers:
            raise fetch.FetchRefused("http_status", "404")
        return fetch.Fetched(answers[0])

    monkeypatch.setattr(photo_files, "fetch_validated", fetched)
    feed = write_feed(tmp_path, "1,Hat,https://photos.example/a.png", header="id,title,image_link")
    run_import(feed)
    image = ProductImage.objects.get()
    assert run() == embed.Worked(done=0, more=False)
    run_import(feed, "--dry-run")
    assert (job_of(image).state, job_of(image).reason) == ("failed", "http_status")
    run_import(feed)
    job = job_of(image)
    assert (job.state, job.reason, job.priority) == ("pending", "", EmbeddingJob.Priority.IMPORT_BY_URL)
    answers.append(photo_bytes(1))
    assert run() == embed.Worked(done=1, more=False)
    run_import(feed)
    assert job_of(image).state == "done"


def test_a_new_photo_behind_an_old_url_is_embedded(colour_space: Space, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photo_files, "fetch_validated", lambda url: fetch.Fetched(photo_bytes(colour="red")))
    image = ProductImage.objects.create(product=make_product(), source_url="https://photos.example/a.png")
    run()
    asking.mark([image.pk])
    blue = fetch.Fetched(photo_bytes(colour="blue"))
    assert asking.ask_again(fetch=lambda url, known: blue) == asking.Asked(replaced=1)
    assert (counts(), job_of(image).state) == ((0, 0), "pending")  # a vector of the photo before describes no photo
    assert run() == embed.Worked(done=1, more=False)
    assert counts() == (1, 1)
    np.testing.assert_allclose(ImageFeatures.objects.get().features, [0.0, 0.0, 1.0, 1.0], atol=0.02)


def test_a_photo_without_file_and_address_says_so(colour_space: Space) -> None:
    image = ProductImage.objects.create(product=make_product())
    jobs.enqueue([image.pk], priority=EmbeddingJob.Priority.UPLOAD)
    run()
    assert (job_of(image).state, job_of(image).reason) == ("failed", "no_file")


def test_a_photo_deleted_while_it_is_embedded_leaves_nothing(
    colour_space: Space, colour_encoder: ColourEncoder
) -> None:
    doomed, kept = make_image(), make_image()
    colour_encoder.on_photo = lambda: elsewhere(lambda: ProductImage.objects.filter(pk=doomed.pk).delete())
    assert run().done == 1
    assert list(ImageFeatures.objects.values_list("image_id", flat=True)) == [kept.pk]
    assert list(ImageVector.objects.values_list("image_id", flat=True)) == [kept.pk]
    assert EmbeddingJob.objects.count() == 1


def test_a_product_deleted_after_it_was_embedded_leaves_nothing(colour_space: Space) -> None:
    image = make_image()
    run()
    Product.objects.get(pk=image.product_id).delete()
    assert counts() == (0, 0)


def test_a_photo_replaced_while_it_is_embedded_gets_the_vector_of_its_new_pixels(
    colour_space: Space, colour_encoder: ColourEncoder
) -> None:
    image = make_image(colour=RED)

    def replace() -> None:
        colour_encoder.on_photo = lambda: None
        elsewhere(lambda: replace_photo(image=image, data=photo_bytes(colour=BLUE)))

    colour_encoder.on_photo = replace
    run()
    image.refresh_from_db()
    row = ImageFeatures.objects.get()
    assert row.digest == image.digest
    np.testing.assert_allclose(row.features, [*(np.array(BLUE) / 255), 1.0], atol=0.02)
    assert (job_of(image).state, counts(), colour_encoder.photos) == ("done", (1, 1), 2)


def test_pixels_replaced_without_an_announcement_are_noticed_too(
    colour_space: Space, colour_encoder: ColourEncoder
) -> None:
    image, other = make_image(colour=RED), make_image(colour=BLUE)
    EmbeddingJob.objects.filter(image=other).delete()

    def replace() -> None:
        colour_encoder.on_photo = lambda: None
        rows = ProductImage.objects.filter(pk=image.pk)
        elsewhere(lambda: rows.update(digest=other.digest, file=other.file.name))

    colour_encoder.on_photo = replace
    run()
    assert list(ImageFeatures.objects.values_list("image_id", "digest")) == [(image.pk, other.digest)]


def test_a_photo_moved_to_another_product_while_it_is_embedded_takes_its_vector_along(
    colour_space: Space, colour_encoder: ColourEncoder
) -> None:
    image, target = make_image(), make_product()

    def move() -> None:
        colour_encoder.on_photo = lambda: None
        elsewhere(lambda: ProductImage.objects.filter(pk=image.pk).update(product=target, position=3))

    colour_encoder.on_photo = move
    run()
    assert ImageVector.objects.get().product_id == target.pk


def test_a_reordered_photo_is_stored_though_its_writer_is_slow(
    colour_space: Space, colour_encoder: ColourEncoder
) -> None:
    image = make_image()
    writing, written = threading.Event(), threading.Event()

    def reorder() -> None:
        with transaction.atomic():
            ProductImage.objects.filter(pk=image.pk).update(position=5)
            writing.set()
            written.wait(0.3)
        connection.close()

    writer = threading.Thread(target=reorder)

    def start() -> None:
        writer.start()
        writing.wait(10)

    colour_encoder.on_photo = start
    assert run().done == 1
    writer.join()
    assert (colour_encoder.photos, counts()) == (1, (1, 1))


def test_a_late_result_of_a_superseded_lease_is_dropped(colour_space: Space, colour_encoder: ColourEncoder) -> None:
    image = make_image()
    late = leases.claim(encoder_ids=[colour_space.encoder_id])
    assert late is not None
    leases.give_back(late)
    second = leases.claim(encoder_ids=[colour_space.encoder_id])
    assert second is not None
    assert embed.process(late, colour_space.encoder, colour_encoder) == 0
    assert (job_of(image).state, job_of(image).lease, counts()) == ("processing", second.id, (0, 0))


def test_embed_again_runs_the_encoder_again_and_keeps_one_vector(
    colour_space: Space, colour_encoder: ColourEncoder
) -> None:
    image = make_image()
    run()
    ImageFeatures.objects.update(features=[9.0, 9.0, 9.0, 9.0])
    jobs.embed_again(EmbeddingJob.objects.all())
    run()
    assert (colour_encoder.photos, counts(), job_of(image).state) == (2, (1, 1), "done")
    assert max(ImageFeatures.objects.get().features) <= 1.0


def test_an_error_nobody_foresaw_is_held_against_its_photo_alone(
    colour_space: Space, colour_encoder: ColourEncoder
) -> None:
    good = [make_image() for _ in range(3)]
    bad = make_image(colour=RED)
    after = [make_image() for _ in range(3)]

    class Unforeseen(Exception):
        pass

    def explode() -> None:
        in_work = EmbeddingJob.objects.filter(state="processing").exclude(started_at=None)
        if answered_elsewhere(lambda: in_work.order_by("-started_at")[0].image_id) == bad.pk:
            raise Unforeseen("a bug")

    colour_encoder.on_photo = explode
    for _ in range(settings.MAX_ATTEMPTS):
        with pytest.raises(Unforeseen):
            run()
    run()
    assert (job_of(bad).state, job_of(bad).reason, job_of(bad).attempts) == ("failed", "crashed", 3)
    assert "a bug" in job_of(bad).error
    others = EmbeddingJob.objects.exclude(image=bad)
    assert list(others.values_list("state", "attempts")) == [("done", 0)] * len(good + after)


def test_postgres_away_for_a_moment_returns_the_lease_and_counts_nothing(
    colour_space: Space, colour_encoder: ColourEncoder
) -> None:
    images = [make_image() for _ in range(3)]

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()

    def terminate() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])

    def cut() -> None:
        colour_encoder.on_photo = lambda: None
        elsewhere(terminate)

    colour_encoder.on_photo = cut
    assert run() == embed.Worked(done=0, more=False)
    rows = EmbeddingJob.objects.values_list("state", "attempts", "alone")
    assert list(rows) == [("pending", 0, False)] * len(images)
    assert run().done == len(images)


def test_an_encoder_that_cannot_be_served_leaves_its_photos_untouched(
    transactional_db: None, caplog: pytest.LogCaptureFixture
) -> None:
    from recommender.spaces.first import ensure_first_space

    ensure_first_space(encoder=make_encoder_row())  # nothing injected: its file is empty, not what its hash says
    image = make_image()
    assert run() == embed.Worked(done=0, more=False)
    assert run() == embed.Worked(done=0, more=False)
    assert (job_of(image).state, job_of(image).attempts) == ("pending", 0)
    said = [record.getMessage() for record in caplog.records if "left to other workers" in record.getMessage()]
    assert len(said) == 1 and "colour@1" in said[0]


def test_work_stops_after_the_lease_in_hand(colour_space: Space, colour_encoder: ColourEncoder) -> None:
    for _ in range(settings.LEASE_SIZE + 3):
        make_image()
    stopped = threading.Event()
    colour_encoder.on_photo = stopped.set
    assert run(stop=stopped.is_set) == embed.Worked(done=settings.LEASE_SIZE, more=True)
    assert EmbeddingJob.objects.filter(state="pending").count() == 3


def test_no_writer_waits_in_a_deadlock_with_a_lease(colour_space: Space, colour_encoder: ColourEncoder) -> None:
    """The catalogue locks photos before jobs, a cascade jobs before photos; a lease waits for neither."""
    images = [make_image() for _ in range(8)]
    failed: list[DatabaseError] = []
    over = threading.Event()

    def replace_for_ever() -> None:
        number = 0
        while not over.is_set():
            number += 1
            try:
                replace_photo(image=images[number % 8], data=photo_bytes(1000 + number))
            except DatabaseError as error:
                failed.append(error)
        connection.close()

    writer = threading.Thread(target=replace_for_ever)
    writer.start()
    for _ in range(10):
        run(seconds=0.1)
    over.set()
    writer.join()
    run()
    assert failed == []
    stored = dict(ImageFeatures.objects.values_list("image_id", "digest"))
    assert stored == dict(ProductImage.objects.values_list("id", "digest"))
    assert counts() == (8, 8)


def test_the_fake_takes_the_place_of_the_real_encoder(colour_space: Space, colour_encoder: ColourEncoder) -> None:
    assert serving.encoder_for(colour_space.encoder) is colour_encoder
