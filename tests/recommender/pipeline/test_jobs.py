"""The outbox, the claim, leases and what becomes of them."""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings

from catalog.models import ProductImage
from recommender.models import EmbeddingJob, Encoder, Space
from recommender.pipeline import jobs, leases, recovery
from recommender.pipeline.queue_status import queue_status
from tests.catalog.factories import make_image, make_product
from tests.recommender.pipeline.conftest import make_encoder_row
from tests.waiting import wait_until

State, Priority = EmbeddingJob.State, EmbeddingJob.Priority


def claimed_images(encoder: Encoder, size: int | None = None) -> list[int]:
    lease = leases.claim(encoder_ids=[encoder.pk], size=size)
    return [photo.image_id for photo in lease.photos] if lease else []


def states() -> dict[int, str]:
    return dict(EmbeddingJob.objects.values_list("image_id", "state"))


def test_a_stored_photo_has_its_job_in_the_same_transaction(colour_space: Space) -> None:
    class Undone(Exception):
        pass

    with pytest.raises(Undone), transaction.atomic():
        make_image()
        assert EmbeddingJob.objects.count() == 1
        raise Undone
    assert EmbeddingJob.objects.count() == ProductImage.objects.count() == 0


def test_photos_stored_before_any_space_are_found_by_the_sweep(transactional_db: None) -> None:
    images = [make_image().pk for _ in range(3)]
    assert jobs.enqueue_missing() == 0
    encoder = make_encoder_row()
    assert jobs.enqueue_missing(encoder=encoder) == 3
    assert jobs.enqueue_missing(encoder=encoder) == 0
    assert set(states()) == set(images)


def test_claims_go_by_priority_then_by_age(colour_space: Space) -> None:
    imported = [make_image(priority="import").pk for _ in range(3)]
    uploaded = make_image().pk
    assert claimed_images(colour_space.encoder, size=2) == [uploaded, imported[0]]
    assert claimed_images(colour_space.encoder) == imported[1:]
    assert claimed_images(colour_space.encoder) == []


def test_a_fresh_upload_goes_before_ten_thousand_queued_imports(colour_space: Space) -> None:
    first = make_image(priority="import")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO catalog_productimage (product_id, file, digest, source_url, position, alt, created_at) "
            "SELECT %s, 'photos/x', md5(n::text), '', n, '', now() FROM generate_series(1, 10000) n RETURNING id",
            [first.product_id],
        )
        images = [row for (row,) in cursor.fetchall()]
    with transaction.atomic():
        assert jobs.enqueue(images, priority=Priority.IMPORT) == 10_000
    upload = make_image()
    lease = leases.claim(encoder_ids=[colour_space.encoder_id])
    assert lease is not None
    assert lease.photos[0].image_id == upload.pk
    assert [photo.image_id for photo in lease.photos[1:]] == [first.pk, *images[:6]]


def test_a_lease_holds_photos_of_one_encoder(colour_space: Space) -> None:
    other = make_encoder_row("other@1", "d" * 64)
    images = [make_image().pk for _ in range(4)]
    jobs.enqueue(images[:2], priority=Priority.UPLOAD, encoder=other)
    both = [colour_space.encoder_id, other.pk]
    first, second = leases.claim(encoder_ids=both), leases.claim(encoder_ids=both)
    assert first is not None and second is not None
    assert (first.encoder_id, len(first.photos)) == (colour_space.encoder_id, 4)
    assert (second.encoder_id, len(second.photos)) == (other.pk, 2)


def test_two_workers_claim_without_waiting_for_each_other(colour_space: Space) -> None:
    images = [make_image().pk for _ in range(6)]
    theirs: list[int] = []

    def claim() -> None:
        theirs.extend(claimed_images(colour_space.encoder, size=2))
        connection.close()

    with transaction.atomic():
        ours = claimed_images(colour_space.encoder, size=2)
        other = threading.Thread(target=claim)
        other.start()
        other.join(10)
        assert not other.is_alive(), "the second claim waited for the first to commit"
    assert (ours, theirs) == (images[:2], images[2:4])


def lease_of_a_dead_session(encoder: Encoder, begun: int, *, by_url: bool = False) -> leases.Lease:
    """A claim in a session of its own that begins so many photos and then is gone."""
    kept: list[leases.Lease] = []

    def claim() -> None:
        lease = leases.claim(encoder_ids=[encoder.pk], by_url=by_url)
        assert lease is not None
        for photo in lease.photos[:begun]:
            with leases.begun(lease, photo):
                pass
        kept.append(lease)
        connection.close()

    thread = threading.Thread(target=claim)
    thread.start()
    thread.join()
    wait_until(lambda: not holds_lock(kept[0].id))
    return kept[0]


def holds_lock(lease: uuid.UUID) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory'"
            " AND (classid::bigint << 32) | objid::bigint = %s)",
            [leases.lock_of(lease)],
        )
        return bool(cursor.fetchone()[0])


def grace_is_over() -> None:
    EmbeddingJob.objects.filter(state=State.PROCESSING).update(leased_until=timezone.now() - timedelta(seconds=1))


def test_only_the_photo_in_work_counts_an_attempt_when_its_process_dies(colour_space: Space) -> None:
    images = [make_image().pk for _ in range(4)]
    lease_of_a_dead_session(colour_space.encoder, begun=2)
    assert recovery.recover() == recovery.Recovered(returned=0, given_up=0, suspects=1)
    grace_is_over()
    assert recovery.recover() == recovery.Recovered(returned=4, given_up=0, suspects=0)
    rows = EmbeddingJob.objects.order_by("image_id").values_list("state", "attempts", "crashes", "alone")
    untouched = ("pending", 0, 0, False)
    assert list(rows) == [untouched, ("pending", 1, 1, True), untouched, untouched]
    assert claimed_images(colour_space.encoder) == images[:1]
    assert claimed_images(colour_space.encoder) == images[1:2]
    assert claimed_images(colour_space.encoder) == images[2:]


def test_photos_whose_fetch_takes_the_process_down_are_tried_apart_ever_later_and_in_the_end_given_up(
    colour_space: Space, settings: Settings
) -> None:
    with transaction.atomic():
        for name in "ab":
            ProductImage.objects.create(product=make_product(), source_url=f"https://photos.example/{name}.png")
    for attempt in range(1, settings.RETRY_ATTEMPTS + 1):
        lease = lease_of_a_dead_session(colour_space.encoder, begun=0, by_url=True)
        assert len(lease.photos) == (2 if attempt == 1 else 1)  # alone, after the first time
        if attempt > 1:
            lease_of_a_dead_session(colour_space.encoder, begun=0, by_url=True)
        grace_is_over()
        recovery.recover()
        rows = EmbeddingJob.objects.values_list("attempts", "crashes", "state").distinct()
        assert list(rows) == [(attempt, 0, "failed" if attempt == settings.RETRY_ATTEMPTS else "pending")]
        assert all(job.not_before for job in EmbeddingJob.objects.filter(state="pending"))
        EmbeddingJob.objects.update(not_before=None)
    assert "fetched" in EmbeddingJob.objects.all()[0].error


def test_a_photo_by_url_that_dies_in_the_encoder_is_not_said_to_have_died_in_the_fetch(
    colour_space: Space, settings: Settings
) -> None:
    settings.MAX_ATTEMPTS = 1
    with transaction.atomic():
        for name in "ab":
            ProductImage.objects.create(product=make_product(), source_url=f"https://photos.example/{name}.png")
    lease_of_a_dead_session(colour_space.encoder, begun=1, by_url=True)
    grace_is_over()
    assert recovery.recover() == recovery.Recovered(returned=1, given_up=1, suspects=0)
    first, second = EmbeddingJob.objects.order_by("image_id")
    assert (first.state, first.reason, first.crashes) == ("failed", "crashed", 1)
    assert first.error.startswith("crashed the worker")
    assert (second.state, second.attempts, second.error) == ("pending", 0, "")


def test_a_dead_lease_waits_no_longer_than_the_grace(colour_space: Space) -> None:
    make_image()
    lease_of_a_dead_session(colour_space.encoder, begun=1)
    recovery.recover()
    left = EmbeddingJob.objects.get().leased_until - timezone.now()
    assert left <= timedelta(seconds=recovery.GRACE_SECONDS)


def test_a_lease_whose_session_lives_is_left_alone_until_it_is_overdue(colour_space: Space) -> None:
    make_image()
    assert leases.claim(encoder_ids=[colour_space.encoder_id])
    assert recovery.recover() == recovery.Recovered(0, 0, 0)
    grace_is_over()
    assert recovery.recover() == recovery.Recovered(1, 0, 0)


def test_a_photo_that_takes_its_process_down_is_failed_after_three_attempts(colour_space: Space) -> None:
    image = make_image()
    for attempt in (1, 2, 3):
        lease_of_a_dead_session(colour_space.encoder, begun=1)
        recovery.recover()
        grace_is_over()
        recovery.recover()
        assert EmbeddingJob.objects.get().attempts == attempt
    job = EmbeddingJob.objects.get()
    assert (job.state, job.reason, job.crashes) == ("failed", "crashed", 3)
    assert "crashed the worker" in job.error
    assert jobs.photo_state(image.pk) == jobs.PhotoState("failed", "crashed", job.error)


def test_what_a_lease_gives_back_counts_nothing(colour_space: Space) -> None:
    make_image()
    lease = leases.claim(encoder_ids=[colour_space.encoder_id])
    assert lease is not None
    with leases.begun(lease, lease.photos[0]):
        pass
    assert leases.give_back(lease) == 1
    job = EmbeddingJob.objects.get()
    assert (job.state, job.attempts, job.alone, job.lease, job.started_at) == ("pending", 0, False, None, None)


def test_a_superseded_lease_begins_nothing(colour_space: Space) -> None:
    image = make_image()
    lease = leases.claim(encoder_ids=[colour_space.encoder_id])
    assert lease is not None
    jobs.enqueue([image.pk], priority=Priority.UPLOAD)
    with leases.begun(lease, lease.photos[0]):
        pass
    job = EmbeddingJob.objects.get()
    assert (leases.held(lease), job.state, job.started_at) == (set(), "pending", None)


def test_back_off_ends_when_it_is_past(colour_space: Space) -> None:
    early, late = make_image(), make_image()
    now = timezone.now()
    EmbeddingJob.objects.filter(image=early).update(not_before=now - timedelta(seconds=1))
    EmbeddingJob.objects.filter(image=late).update(not_before=now + timedelta(seconds=60))
    assert claimed_images(colour_space.encoder) == []
    assert recovery.wake() == 1
    assert claimed_images(colour_space.encoder) == [early.pk]


def test_embed_again_starts_anew_what_is_not_in_hand(colour_space: Space) -> None:
    images = [make_image().pk for _ in range(3)]
    EmbeddingJob.objects.filter(image=images[0]).update(state=State.FAILED, reason="truncated", attempts=3, crashes=3)
    EmbeddingJob.objects.filter(image=images[1]).update(state=State.PROCESSING, lease=uuid.uuid4())
    assert jobs.embed_again(EmbeddingJob.objects.all()) == 2
    assert states() == {images[0]: "pending", images[1]: "processing", images[2]: "pending"}
    job = EmbeddingJob.objects.get(image=images[0])
    assert (job.reason, job.attempts, job.crashes) == ("", 0, 0)


def test_jobs_of_an_encoder_out_of_use_are_forgotten(colour_space: Space) -> None:
    image = make_image()
    jobs.enqueue([image.pk], priority=Priority.REBUILD, encoder=make_encoder_row("old@1", "e" * 64))
    assert EmbeddingJob.objects.count() == 2
    assert jobs.forget_unused() == 1
    assert EmbeddingJob.objects.get().encoder_id == colour_space.encoder_id


def test_queue_status_counts_every_state(colour_space: Space) -> None:
    rows = [make_image().pk for _ in range(6)]
    now = timezone.now()
    of = EmbeddingJob.objects.filter
    of(image=rows[0]).update(state=State.DONE, finished_at=now)
    of(image=rows[1]).update(state=State.DONE, finished_at=now - timedelta(minutes=5))
    of(image=rows[2]).update(state=State.FAILED, reason="truncated")
    of(image=rows[3]).update(state=State.PROCESSING, lease=uuid.uuid4())
    of(image=rows[4]).update(not_before=now + timedelta(hours=1), attempts=2, crashes=1)
    of(image=rows[5]).update(queued_at=now - timedelta(seconds=90))
    status = queue_status(fresh=True)
    age = status.pop("oldest_pending_seconds")
    assert age is not None and 90 <= age < 120
    assert status == {
        "total": 6,
        "pending": 2,
        "waiting": 1,
        "processing": 1,
        "done": 2,
        "failed": 1,
        "failed_by_reason": {"truncated": 1},
        "done_last_minute": 1,
        "rate": 1 / 60,
        "attempts": 2,
        "crashes": 1,
    }
