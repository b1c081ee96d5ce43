"""Feeds that run by themselves: when they are due, who reads them, what is kept of a run, and what a dead reader leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from pytest_django import Settings

from catalog.feeds import leases
from catalog.feeds.importing import BATCH_ROWS
from catalog.feeds.leases import LeaseLost, claim, claim_due
from catalog.feeds.problem_tables import problems_csv
from catalog.feeds.runs import recorded, run_next
from catalog.feeds.schedule import ask_for, in_words, next_due, overdue, reschedule
from catalog.locks import Lock, place_of_machine
from catalog.models import Feed, FeedProduct, FeedRun, Product
from catalog.storage_names import feed_name
from catalog.tasks import run_feeds
from recommender.pipeline import doorbell
from recommender.schedule import BEAT_SCHEDULE
from tests.catalog.factories import make_product
from tests.catalog.feeds.files import write_feed
from tests.waiting import wait_until
from tests.workers import PROJECT, CeleryWorker, process_environment

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
STATE = FeedRun.State


def make_feed(text: str = "id,title\na,x\n", name: str = "main", **values: Any) -> Feed:
    """A feed of an uploaded file, due since a moment ago."""
    upload = default_storage.save(feed_name(None, "feed.csv"), ContentFile(text.encode()))
    now = timezone.now()
    return Feed.objects.create(name=name, upload=upload, **{"due_at": now - timedelta(seconds=1), **values})


def of_hours(every: int) -> dict[str, Any]:
    return {"schedule": "hours", "every": every}


@contextmanager
def another_session() -> Iterator[psycopg.Connection]:
    """A session of Postgres as another process has it."""
    parameters = connection.get_connection_params()
    wanted = {name: parameters[name] for name in ("host", "port", "dbname", "user", "password") if name in parameters}
    with psycopg.connect(**wanted, autocommit=True) as session:
        yield session


def held_elsewhere(feed: Feed, session: psycopg.Connection, **values: Any) -> None:
    """As another process leaves a feed that it reads, while its session lives."""
    session.execute("SELECT pg_advisory_lock(77)")
    values = {"lease": 77, "leased_until": timezone.now() + timedelta(minutes=5), **values}
    Feed.objects.filter(pk=feed.pk).update(**values)
    FeedRun.objects.create(feed=feed, began_at=timezone.now())


def waits_for_a_row() -> bool:
    """Whether a session is held up by what another one holds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')"
        )
        return bool(cursor.fetchone()[0])


def states(feed: Feed) -> list[str]:
    return list(FeedRun.objects.filter(feed=feed).order_by("id").values_list("state", flat=True))


@pytest.mark.parametrize(
    ("schedule", "due", "words"),
    [
        ({"schedule": "hand"}, None, "by hand"),
        ({"schedule": "minutes", "every": 15}, NOON + timedelta(minutes=15), "every 15 minutes"),
        (of_hours(6), NOON + timedelta(hours=6), "every 6 hours"),
        ({"schedule": "daily", "at": time(12, 30)}, NOON + timedelta(minutes=30), "daily at 12:30 UTC"),
        ({"schedule": "daily", "at": time(12)}, NOON + timedelta(days=1), "daily at 12:00 UTC"),
        ({"schedule": "daily", "at": time(3)}, NOON + timedelta(hours=15), "daily at 03:00 UTC"),
    ],
)
def test_when_a_feed_is_due_again(schedule: dict[str, Any], due: datetime | None, words: str) -> None:
    feed = Feed(name="main", **schedule)
    assert (next_due(feed, NOON), in_words(feed)) == (due, words)
    reschedule(feed, NOON)
    assert feed.due_at == (NOON if feed.every else due)


@pytest.mark.parametrize(
    "values",
    [
        {"schedule": "minutes"},
        {"schedule": "hours", "every": 0},
        {"schedule": "hours", "every": 1, "at": time(3)},
        {"schedule": "daily"},
        {"schedule": "hand", "every": 3},
        {"schedule": "weekly"},
        {"url": "https://shop.example/", "upload": "feeds/a.csv"},
    ],
)
def test_a_feed_by_halves_is_refused_by_postgres(values: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Feed.objects.create(name="main", **values)


def test_a_due_feed_is_read_as_its_row_says_and_its_run_keeps_a_report() -> None:
    text = 'Nr,Name,Cost\na,Pan,"9,50"\nb,Pot,twelve\n,Lid,1\n'
    mapping = 'id = "Nr"\ntitle = "Name"\nprice = "Cost"\n'
    feed = make_feed(text, mapping=mapping, currency="CHF", **of_hours(6))
    before = timezone.now()
    assert run_next() is True
    assert list(Product.objects.order_by("sku").values_list("sku", "title", "currency")) == [
        ("a", "Pan", "CHF"),
        ("b", "Pot", ""),
    ]
    run = FeedRun.objects.get()
    assert (run.state, run.whole, run.error) == (STATE.ENDED, True, "")
    assert (run.rows, run.created, run.updated, run.unchanged, run.hidden, run.problem_count) == (3, 2, 0, 0, 0, 2)
    assert [(line, place) for line, place, _ in run.problems] == [(3, "line 3"), (4, "line 4")]
    assert "twelve" in run.problems[0][2]
    feed.refresh_from_db()
    assert (feed.lease, feed.leased_until, feed.last_whole) == (
        None,
        None,
        0,
    )  # a row without an id may name any product
    assert feed.due_at == run.began_at + timedelta(hours=6)
    assert feed.read_at == run.ended_at and run.ended_at is not None and before <= run.began_at <= run.ended_at
    assert run_next() is False


def test_what_the_feed_names_no_more_is_hidden_where_its_row_says_so(settings: Settings) -> None:
    settings.FEED_MISSING_SHARE = 0.5
    feed = make_feed("id,title\na,x\nb,x\n", unpublish_missing=True)
    run_next()
    for text in ("id,title\na,x\n", "id,title\nc,x\nd,x\ne,x\n"):
        upload = default_storage.save(feed_name(None, "feed.csv"), ContentFile(text.encode()))
        Feed.objects.filter(pk=feed.pk).update(upload=upload, due_at=timezone.now())
        assert run_next() is True
    hidden, refused = FeedRun.objects.order_by("id")[1:]
    assert (hidden.hidden, hidden.whole, hidden.problem_count) == (1, True, 0)
    assert (refused.hidden, refused.whole, refused.state) == (0, False, STATE.ENDED)
    assert "nothing was hidden" in refused.problems[0][2]


@pytest.mark.parametrize(
    ("text", "values", "error"),
    [
        ("<html><body>Log in</body></html>", {}, "HTML page"),
        ("id,title\na,x\n", {"mapping": "id = 3"}, "no name of a column"),
        ("id,title\na,x\n", {"upload": "feeds/gone.csv"}, "upload it again"),
        ("id,title\na,x\n", {"upload": ""}, "neither a URL nor a file"),
        ("id,title\na,x\n", {"upload": "", "url": "http://127.0.0.1/a.csv"}, "not at a public address"),
    ],
)
def test_a_feed_that_cannot_be_read_says_why_and_is_tried_at_its_next_time(
    text: str, values: dict[str, Any], error: str
) -> None:
    feed = make_feed(text, **of_hours(1))
    Feed.objects.filter(pk=feed.pk).update(**values)
    assert run_next() is True
    run = FeedRun.objects.get()
    assert (run.state, run.whole, run.rows) == (STATE.FAILED, False, 0)
    assert error in run.error
    feed.refresh_from_db()
    assert (feed.lease, feed.read_at) == (None, None)
    assert feed.due_at == run.began_at + timedelta(hours=1)


def test_an_error_of_ours_ends_the_run_too(settings: Settings) -> None:
    feed = make_feed()
    with pytest.raises(ZeroDivisionError), recorded(claim("main")):
        1 / 0  # noqa: B018
    assert FeedRun.objects.get().error.startswith("ZeroDivisionError: division by zero")
    feed.refresh_from_db()
    assert (feed.lease, feed.due_at) == (None, None)


def test_the_feed_that_is_due_for_longest_comes_first_and_what_is_not_due_waits() -> None:
    now = timezone.now()
    late = make_feed("id,title\na,x\n", "late", due_at=now - timedelta(hours=2))
    later = make_feed("id,title\nb,x\n", "later", due_at=now - timedelta(hours=1))
    make_feed("id,title\nc,x\n", "tomorrow", due_at=now + timedelta(days=1))
    make_feed("id,title\nd,x\n", "by hand", due_at=None)
    run_feeds()
    assert list(FeedRun.objects.order_by("id").values_list("feed", flat=True)) == [late.pk, later.pk]
    assert ask_for(Feed.objects.filter(name="by hand"), timezone.now()) == 1
    run_feeds()
    assert sorted(Product.objects.values_list("sku", flat=True)) == ["a", "b", "d"]
    assert Feed.objects.get(name="by hand").due_at is None


def test_a_feed_that_somebody_asks_for_while_it_is_read_is_read_again() -> None:
    feed = make_feed()
    asked = timezone.now() + timedelta(hours=1)

    def ask_once() -> bool:
        Feed.objects.filter(pk=feed.pk).update(due_at=asked)
        return False

    assert run_next(stop=ask_once) is True
    feed.refresh_from_db()
    assert feed.due_at == asked


def test_a_worker_that_is_asked_to_end_leaves_the_feed_to_the_next_one() -> None:
    feed = make_feed("id,title\n" + "".join(f"p{number},x\n" for number in range(250)))
    assert run_next(stop=lambda: True) is False
    assert states(feed) == [STATE.STOPPED]
    assert Product.objects.count() == BATCH_ROWS
    assert FeedRun.objects.get().rows == BATCH_ROWS
    assert run_next() is True
    assert states(feed) == [STATE.STOPPED, STATE.ENDED]
    assert Product.objects.count() == 250


def test_a_feed_that_is_being_read_is_passed_over_by_workers_and_refused_to_the_command(tmp_path: Path) -> None:
    feed = make_feed(name="busy")
    make_feed("id,title\nb,x\n", "free")
    with another_session() as session:
        held_elsewhere(feed, session)
        run_feeds()
        assert list(Product.objects.values_list("sku", flat=True)) == ["b"]
        path = str(write_feed(tmp_path, "c,x", header="id,title"))
        with pytest.raises(CommandError, match=r"another import reads the feed busy since .*; wait for its end"):
            call_command("import_products", path, "--feed", "busy", verbosity=0)
        call_command("import_products", path, "--feed", "busy", "--dry-run", verbosity=0)
        assert states(feed) == [STATE.RUNNING]
    wait_until(lambda: run_next(), what="the lease of the session that ended")
    assert states(feed) == [STATE.BROKEN, STATE.ENDED]


def test_a_command_waits_a_moment_for_the_session_of_one_that_was_killed() -> None:
    feed = make_feed()
    with another_session() as session:
        held_elsewhere(feed, session)
        end = threading.Timer(0.5, session.cancel)
        asked = "SELECT pg_sleep(60)"
        sleeper = threading.Thread(target=lambda: _until_cancelled(session, asked))
        sleeper.start()
        end.start()
        lease = claim("main")
        sleeper.join()
    lease.end(STATE.ENDED)
    lease.release()
    assert states(feed) == [STATE.BROKEN, STATE.ENDED]


def _until_cancelled(session: psycopg.Connection, statement: str) -> None:
    with suppress(psycopg.errors.QueryCanceled):
        session.execute(statement)
    session.close()


def test_a_reader_that_hangs_loses_its_feed_after_a_while() -> None:
    feed = make_feed()
    with another_session() as session:
        held_elsewhere(feed, session, leased_until=timezone.now() - timedelta(seconds=1))
        assert run_next() is True
    assert states(feed) == [STATE.BROKEN, STATE.ENDED]


def test_a_reader_whose_feed_was_taken_over_ends_and_writes_nothing_more() -> None:
    feed = make_feed()
    lease = claim("main")
    Feed.objects.filter(pk=feed.pk).update(leased_until=timezone.now() - timedelta(seconds=1))
    other = claim("main")
    with pytest.raises(LeaseLost):
        lease.renew(rows=7)
    with pytest.raises(LeaseLost):
        lease.end(STATE.ENDED, whole=True, rows=7)
    assert states(feed) == [STATE.BROKEN, STATE.RUNNING]
    other.renew(rows=3, position=5, size=9)
    assert list(FeedRun.objects.values_list("rows", "position", "size")) == [(3, 5, 9), (0, 0, 0)]
    other.end(STATE.ENDED, whole=True)
    for one in (lease, other):
        one.release()


def test_progress_puts_the_lease_off(settings: Settings) -> None:
    feed = make_feed()
    lease = claim("main")
    Feed.objects.filter(pk=feed.pk).update(leased_until=timezone.now())
    lease.renew()
    feed.refresh_from_db()
    assert feed.leased_until is not None
    assert 0 < settings.FEED_LEASE_SECONDS - (feed.leased_until - timezone.now()).total_seconds() < 60
    lease.release()


def test_a_feed_that_takes_its_process_down_again_and_again_waits_for_its_next_time() -> None:
    feed = make_feed(**of_hours(3))
    for _ in range(leases.MOST_BROKEN):
        lease = claim_due()
        assert lease is not None
        lease.release()  # as the end of the process does
    assert claim_due() is None
    assert states(feed) == [STATE.BROKEN] * leases.MOST_BROKEN
    feed.refresh_from_db()
    assert feed.lease is None
    assert feed.due_at is not None and feed.due_at > timezone.now() + timedelta(hours=2)


def test_what_a_killed_command_left_is_seen_although_the_feed_is_not_due() -> None:
    feed = make_feed(due_at=None)
    claim("main").release()
    assert run_next() is False
    assert states(feed) == [STATE.BROKEN]


def test_a_command_keeps_a_report_as_a_worker_does(tmp_path: Path) -> None:
    path = write_feed(tmp_path, "a,x", ",y", header="id,title")
    with pytest.raises(CommandError, match="1 rows"):
        call_command("import_products", str(path), "--feed", "main", verbosity=0)
    with pytest.raises(CommandError, match="an empty file"):
        path.write_text("")
        call_command("import_products", str(path), "--feed", "main", verbosity=0)
    failed, ended = FeedRun.objects.all()
    assert (ended.state, ended.rows, ended.created, ended.problem_count) == (STATE.ENDED, 2, 1, 1)
    assert (failed.state, failed.rows) == (STATE.FAILED, 0)
    assert Feed.objects.get().read_at == ended.ended_at


def test_the_newest_reports_are_kept() -> None:
    feed = make_feed()
    old = FeedRun(feed=feed, state=STATE.ENDED, began_at=NOON, ended_at=NOON)
    FeedRun.objects.bulk_create([FeedRun(**{f.name: getattr(old, f.name) for f in FeedRun._meta.fields if f.name != "id"})
                                 for _ in range(leases.KEPT_RUNS + 5)])  # fmt: skip
    run_next()
    assert FeedRun.objects.count() == leases.KEPT_RUNS
    assert FeedRun.objects.first().rows == 1  # type: ignore[union-attr]


def test_problems_are_bounded_and_no_cell_is_a_formula() -> None:
    rows = "".join(f"p{number},x,=2+3{'y' * 3000}\n" for number in range(1002))
    feed = make_feed("id,title,price\n" + rows)
    run_next()
    run = FeedRun.objects.get(feed=feed)
    assert (run.problem_count, len(run.problems)) == (1002, 1000)
    assert max(len(reason) for _, _, reason in run.problems) <= 400
    run.problems = [[2, "=cmd", "+1"], [3, "line 3", 'fine, "so"']]
    run.problem_count = 2
    assert problems_csv(run) == '\ufeffline,place,reason\r\n2,\'=cmd,\'+1\r\n3,line 3,"fine, ""so"""\r\n'
    run.problem_count = 9
    assert problems_csv(run).endswith("7 more problems were not kept; correct these and read the feed again\r\n")


def test_a_feed_is_overdue_when_it_was_not_read_to_its_end_for_twice_its_period() -> None:
    def make(name: str, **values: Any) -> None:
        Feed.objects.create(name=name, url="https://shop.example/", **values)
        Feed.objects.filter(name=name).update(created_at=NOON - timedelta(days=30))

    hours = timedelta(hours=1)
    make("in time", **of_hours(6), scheduled_at=NOON - 99 * hours, read_at=NOON - 12 * hours)
    make("late", **of_hours(6), scheduled_at=NOON - 99 * hours, read_at=NOON - 13 * hours)
    make("never", **of_hours(6), scheduled_at=NOON - 99 * hours)
    make("new schedule", **of_hours(6), scheduled_at=NOON - hours, read_at=NOON - 99 * hours)
    make("by hand", scheduled_at=NOON - 99 * hours)
    assert [(one.name, one.since) for one in overdue(NOON)] == [
        ("never", NOON - 99 * hours),
        ("late", NOON - 13 * hours),
    ]


def test_a_machine_reads_one_feed_fewer_than_its_workers_have_processes(settings: Settings) -> None:
    make_feed()
    settings.CELERY_WORKER_CONCURRENCY = 1
    with another_session() as session:
        with place_of_machine(Lock.FEEDS_READ, 1):
            [(number,)] = _places()
        session.execute("SELECT pg_advisory_lock(%s, %s)", [int(Lock.FEEDS_READ), number])
        assert run_next() is False
        settings.CELERY_WORKER_CONCURRENCY = 3
        assert run_next() is True


def _places() -> list[tuple[int]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT objid::int FROM pg_locks WHERE locktype = 'advisory' AND classid = %s", [Lock.FEEDS_READ]
        )
        return [(number,) for (number,) in cursor.fetchall()]


def test_beat_sends_the_task_to_a_queue_that_does_not_fill() -> None:
    entry = BEAT_SCHEDULE["read feeds that are due"]
    assert (entry["task"], entry["schedule"]) == (run_feeds.name, 10.0)
    application = doorbell.application()
    for _ in range(2):
        application.send_task(run_feeds.name, ignore_result=True)
    assert (doorbell.waiting(run_feeds.name), doorbell.waiting()) == (2, 0)


@pytest.mark.worker
@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_in_the_middle_loses_the_feed_and_another_reads_it_whole(
    celery_worker_factory: Callable[..., CeleryWorker],
) -> None:
    """A plain worker, as an installation of an earlier version starts it, takes the queue of feeds."""
    rows, held = 2_000, 1_900
    feed = make_feed("id,title\n" + "".join(f"p{number},x\n" for number in range(rows)), **of_hours(6))
    product = make_product(sku=f"p{held}", title="x")
    worker = celery_worker_factory()
    with another_session() as session, session.transaction():
        session.execute("SELECT FROM catalog_product WHERE id = %s FOR UPDATE", [product.pk])
        doorbell.application().send_task(run_feeds.name, ignore_result=True)
        wait_until(waits_for_a_row, seconds=60, what=lambda: f"the row that is held:\n{worker.log.read_text()}")
        assert states(feed) == [STATE.RUNNING]
        assert run_next() is False
        worker.kill()
    done = Product.objects.count()
    assert done == held // BATCH_ROWS * BATCH_ROWS + 1  # whole batches, and the product that was held
    wait_until(lambda: run_next(), what="the lease of the worker that was killed")
    broken, ended = FeedRun.objects.order_by("id")
    assert (broken.state, broken.whole) == (STATE.BROKEN, False)
    assert (ended.state, ended.whole, ended.rows, ended.problem_count) == (STATE.ENDED, True, rows, 0)
    assert ended.created + ended.updated + ended.unchanged == rows and ended.created == rows - done
    assert Product.objects.count() == rows
    feed.refresh_from_db()
    assert (feed.lease, feed.due_at) == (None, ended.began_at + timedelta(hours=6))


@pytest.mark.worker
@pytest.mark.django_db(transaction=True)
def test_beside_an_import_of_the_same_products_another_worker_goes_on_where_one_was_killed(
    celery_worker_factory: Callable[..., CeleryWorker], tmp_path: Path
) -> None:
    rows = 8_000
    feed = make_feed("id,title\n" + "".join(f"p{number},x\n" for number in range(rows)))
    first, second = celery_worker_factory(), celery_worker_factory()
    backwards = write_feed(tmp_path, *(f"p{number},y" for number in reversed(range(rows))), header="id,title")
    with (tmp_path / "importer.log").open("wb") as log:
        command = [sys.executable, "manage.py", "import_products", str(backwards), "--feed", "beside"]
        importer = subprocess.Popen(command, cwd=PROJECT, env=process_environment(), stdout=log, stderr=log)
    doorbell.ring(task=run_feeds.name)
    wait_until(lambda: FeedRun.objects.filter(feed=feed, rows__gt=0).exists(), seconds=60, what="progress")
    reader = first if b"feed main: begun" in first.log.read_bytes() else second
    reader.kill()
    killed = timezone.now()

    def read_to_its_end() -> bool:
        doorbell.ring(task=run_feeds.name)  # as beat does every ten seconds
        return FeedRun.objects.filter(feed=feed, state=STATE.ENDED).exists()

    wait_until(read_to_its_end, seconds=90, what=lambda: (second if reader is first else first).log.read_text())
    assert importer.wait(90) == 0, (tmp_path / "importer.log").read_text()
    broken, ended = FeedRun.objects.filter(feed=feed).order_by("id")
    assert (broken.state, ended.state, ended.whole, ended.rows) == (STATE.BROKEN, STATE.ENDED, True, rows)
    assert ended.began_at - killed < timedelta(seconds=30)
    assert ended.created + ended.updated + ended.unchanged == rows
    assert Product.objects.count() == rows
    for name in ("main", "beside"):
        source = Feed.objects.get(name=name)
        named = FeedProduct.objects.filter(feed=source, named_in=source.last_whole)
        assert (source.lease, named.count()) == (None, rows)


@pytest.mark.worker
@pytest.mark.django_db(transaction=True)
def test_a_worker_that_is_asked_to_end_does_so_between_two_batches(
    celery_worker_factory: Callable[..., CeleryWorker],
) -> None:
    feed = make_feed("id,title\n" + "".join(f"p{number},x\n" for number in range(30_000)))
    worker = celery_worker_factory()
    doorbell.application().send_task(run_feeds.name, ignore_result=True)
    wait_until(lambda: FeedRun.objects.filter(rows__gt=0).exists(), seconds=60, what=lambda: worker.log.read_text())
    os.kill(worker.pid, signal.SIGTERM)
    assert worker.stop() == 0
    assert states(feed) == [STATE.STOPPED]
    feed.refresh_from_db()
    assert feed.lease is None and feed.due_at is not None
