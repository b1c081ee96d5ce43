"""The admin of feeds and their runs: what is wrong stands at its field, feeds are asked for, reports can be downloaded."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from catalog.feeds.leases import claim
from catalog.feeds.runs import run_next
from catalog.models import Feed, FeedRun, Product
from catalog.storage_names import feed_name
from recommender.pipeline import doorbell

pytestmark = pytest.mark.django_db
URL = "https://shop.example/feed.csv"
LIST, RUNS = "/admin/catalog/feed/", "/admin/catalog/feedrun/"


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("boss", password="x"))
    return client


def post(staff: Client, where: str = "add", **fields: Any) -> Any:
    return staff.post(f"{LIST}{where}/", {"name": "main", "schedule": "hand", **fields})


def a_file(text: str = "id,title\na,x\n") -> SimpleUploadedFile:
    return SimpleUploadedFile("feed.csv", text.encode())


@pytest.mark.parametrize(
    ("field", "values", "error"),
    [
        ("name", {"name": " "}, "This field is required."),
        ("name", {"name": "taken"}, "Feed with this Name already exists."),
        ("url", {"url": "ftp://shop.example/a"}, "no http(s) URL of a host"),
        ("url", {"url": "shop.example"}, "no http(s) URL of a host"),
        ("url", {"url": "https://me:secret@shop.example/"}, "a URL with a user name in it is not fetched"),
        ("url", {"url": "https://shop.example:22/"}, "port 22 is not fetched from"),
        ("url", {"url": ""}, "give the feed's URL, or upload its file"),
        ("url", {"upload": a_file()}, "a feed has a URL or a file; clear one of them"),
        ("upload", {"url": "", "upload": SimpleUploadedFile("feed.csv", b"")}, "The submitted file is empty."),
        ("mapping", {"mapping": "id = "}, "no TOML"),
        ("mapping", {"mapping": 'titel = "Name"'}, "did you mean title?"),
        ("mapping", {"mapping": 'id = "\u20ac"\n# ' + "x" * 1024 * 1024}, "more than 1,048,576 bytes"),
        ("currency", {"currency": "EUX"}, "'EUX' is no currency; write its three letters, like EUR"),
        ("schedule", {"schedule": "weekly"}, "Select a valid choice"),
        ("every", {"schedule": "minutes"}, "say of how many minutes, such as 15"),
        ("every", {"schedule": "hours", "every": "0"}, "greater than or equal to 1"),
        ("every", {"schedule": "hours", "every": "99999999999"}, "less than or equal to 10000"),
        ("every", {"schedule": "hours", "every": "x"}, "Enter a whole number."),
        ("every", {"every": "3"}, "clear it, or choose a schedule of minutes or hours"),
        ("at", {"schedule": "daily"}, "say at which time, such as 03:30"),
        ("at", {"schedule": "daily", "at": "25:00"}, "Enter a valid time."),
        ("at", {"schedule": "hours", "every": "1", "at": "03:00"}, "clear it, or choose the daily schedule"),
    ],
)
def test_what_is_wrong_stands_at_its_field(staff: Client, field: str, values: dict[str, Any], error: str) -> None:
    Feed.objects.create(name="taken")
    response = post(staff, **{"url": URL, **values})
    assert response.status_code == 200
    errors = response.context["adminform"].form.errors
    assert list(errors) == [field]
    assert error in errors[field][0]
    assert Feed.objects.count() == 1
    assert not default_storage.exists("feeds")


def test_a_feed_of_a_file_is_due_at_once_and_keeps_what_was_said(staff: Client) -> None:
    values = {"schedule": "hours", "every": "6", "mapping": 'id = "Nr"', "currency": "chf", "unpublish_missing": "on"}
    assert post(staff, upload=a_file("Nr,title\na,x\n"), **values).status_code == 302
    feed = Feed.objects.get()
    assert (feed.currency, feed.every, feed.mapping, feed.unpublish_missing) == ("CHF", 6, 'id = "Nr"', True)
    assert str(feed.upload).startswith("feeds/") and str(feed.upload).endswith(".csv")
    assert run_next() is True
    assert Product.objects.get().sku == "a"
    page = staff.get(LIST).content.decode()
    assert "every 6 hours" in page and ">ended</a>" in page


def test_a_stored_feed_is_not_served(staff: Client) -> None:
    post(staff, upload=a_file())
    assert staff.get(f"/media/{Feed.objects.get().upload}").status_code == 404


def test_saving_leaves_what_a_worker_wrote_meanwhile(staff: Client) -> None:
    post(staff, url=URL, schedule="hours", every="6")
    feed = Feed.objects.get()
    due = timezone.now() + timedelta(hours=5)
    Feed.objects.update(due_at=due, runs=4, lease=7)
    assert post(staff, f"{feed.pk}/change", url=URL, schedule="hours", every="6", currency="EUR").status_code == 302
    feed.refresh_from_db()
    assert (feed.due_at, feed.runs, feed.lease, feed.currency) == (due, 4, 7, "EUR")
    assert post(staff, f"{feed.pk}/change", url=URL, schedule="daily", at="03:30").status_code == 302
    before = feed.scheduled_at
    feed.refresh_from_db()
    assert feed.due_at != due and before is not None and feed.scheduled_at is not None
    assert feed.scheduled_at > before


def test_a_feed_of_the_command_cannot_be_scheduled_without_a_source(staff: Client) -> None:
    feed = Feed.objects.create(name="main")
    assert post(staff, f"{feed.pk}/change").status_code == 302
    response = post(staff, f"{feed.pk}/change", schedule="hours", every="1")
    assert list(response.context["adminform"].form.errors) == ["url"]


def test_an_upload_goes_with_its_successor_and_with_its_feed(
    staff: Client, django_capture_on_commit_callbacks: Any
) -> None:
    post(staff, upload=a_file())
    feed = Feed.objects.get()
    first = str(feed.upload)
    with django_capture_on_commit_callbacks(execute=True):
        post(staff, f"{feed.pk}/change", upload=a_file("id,title\nb,y\n"))
    feed.refresh_from_db()
    second = str(feed.upload)
    assert (default_storage.exists(first), default_storage.exists(second)) == (False, True)
    with django_capture_on_commit_callbacks(execute=True):
        chosen = {"action": "delete_selected", "_selected_action": [feed.pk], "post": "yes"}
        staff.post(LIST, chosen)
    assert (Feed.objects.count(), default_storage.exists(second)) == (0, False)


def test_chosen_feeds_are_run_now(staff: Client) -> None:
    post(staff, upload=a_file())
    Feed.objects.update(due_at=None)
    bare = Feed.objects.create(name="of the command")
    chosen = {"action": "run_now", "_selected_action": list(Feed.objects.values_list("pk", flat=True))}
    page = staff.post(LIST, chosen, follow=True).content.decode()
    assert "1 feeds are read as soon as a worker is free" in page
    assert "1 feeds have neither a URL nor a file" in page
    bare.refresh_from_db()
    assert bare.due_at is None
    assert run_next() is True
    assert FeedRun.objects.get().state == FeedRun.State.ENDED


def missing_half(staff: Client, text: str = "id,title\na,x\nb,x\n") -> Feed:
    """A feed that hides what is missing and was read, and names half of its products no more."""
    post(staff, upload=a_file(text), unpublish_missing="on")
    Feed.objects.update(due_at=timezone.now())
    assert run_next() is True
    feed = Feed.objects.get()
    Feed.objects.update(upload=default_storage.save(feed_name(feed, "feed.csv"), a_file("id,title\na,x\n")))
    return feed


def test_a_person_may_have_what_is_missing_hidden_however_much_it_is(staff: Client) -> None:
    feed = missing_half(staff)
    for action, shown in (("run_now", 2), ("run_and_hide", 1), ("run_now", 1)):
        staff.post(LIST, {"action": action, "_selected_action": [feed.pk]})
        assert run_next() is True
        assert Product.objects.filter(published=True).count() == shown
    newest = FeedRun.objects.order_by("id")[1:]
    assert [(run.forced_by, run.whole, run.hidden) for run in newest] == [
        ("", False, 0),
        ("boss", True, 1),
        ("", True, 0),
    ]
    assert "boss" in staff.get(f"{RUNS}{newest[1].pk}/change/").content.decode()
    history = staff.get(f"{LIST}{feed.pk}/history/").content.decode()
    assert history.count("Asked to be read.") == 2
    assert history.count("Asked to be read, and to hide what is missing however much it is.") == 1


def test_a_feed_that_hides_nothing_is_not_read_for_hiding(staff: Client) -> None:
    post(staff, upload=a_file())
    Feed.objects.update(due_at=None)
    page = staff.post(
        LIST, {"action": "run_and_hide", "_selected_action": [Feed.objects.get().pk]}, follow=True
    ).content.decode()
    assert "1 feeds do not hide what is missing, and are not read" in page
    assert Feed.objects.get().due_at is None


def test_an_order_to_hide_outlives_a_run_that_was_stopped_and_one_that_had_begun(staff: Client) -> None:
    feed = missing_half(staff)
    chosen = {"action": "run_and_hide", "_selected_action": [feed.pk]}
    lease = claim(feed.name)
    staff.post(LIST, chosen)
    lease.end(FeedRun.State.ENDED)  # it had begun without the order
    lease.release()
    assert run_next(stop=lambda: True) is False
    assert run_next() is True
    assert [run.forced_by for run in FeedRun.objects.order_by("id")[1:]] == ["", "boss", "boss"]
    feed.refresh_from_db()
    assert (feed.forced_by, Product.objects.filter(published=True).count()) == ("", 1)


@pytest.mark.parametrize("how", ["run_now", "add"])
def test_workers_are_woken_at_once(
    staff: Client, how: str, empty_redis: None, django_capture_on_commit_callbacks: Any
) -> None:
    if how == "run_now":
        post(staff, upload=a_file())
        Feed.objects.update(due_at=None)
    with django_capture_on_commit_callbacks(execute=True):
        if how == "run_now":
            staff.post(LIST, {"action": "run_now", "_selected_action": [Feed.objects.get().pk]})
        else:
            post(staff, url=URL, schedule="hours", every="3")
    assert doorbell.waiting(doorbell.FEEDS) == 1


def test_a_run_shows_its_report_and_its_problems_as_csv(staff: Client) -> None:
    post(staff, upload=a_file("id,title,price\na,x,twelve\n,y,1 EUR\n"))
    Feed.objects.update(due_at=timezone.now())
    run_next()
    run = FeedRun.objects.get()
    assert staff.get(RUNS).status_code == 200
    page = staff.get(f"{RUNS}{run.pk}/change/").content.decode()
    assert "twelve" in page and f"{RUNS}{run.pk}/problems.csv" in page
    table = staff.get(f"{RUNS}{run.pk}/problems.csv")
    assert table["Content-Type"] == "text/csv; charset=utf-8"
    assert table["Content-Disposition"] == f'attachment; filename="problems-{run.pk}.csv"'
    assert [line.split(",")[:2] for line in table.content.decode("utf-8-sig").splitlines()] == [
        ["line", "place"],
        ["2", "line 2"],
        ["3", "line 3"],
    ]
    assert staff.get(f"{RUNS}{run.pk + 1}/problems.csv").status_code == 404
    assert staff.get(f"{RUNS}add/").status_code == 403


def test_a_run_under_way_shows_how_far_it_is(staff: Client) -> None:
    feed = Feed.objects.create(name="main")
    FeedRun.objects.create(feed=feed, began_at=timezone.now(), position=250, size=1000, rows=7)
    page = staff.get(RUNS).content.decode()
    assert "25%" in page and "running" in page


def test_reports_are_for_those_who_may_see_runs(client: Client) -> None:
    feed = Feed.objects.create(name="main")
    run = FeedRun.objects.create(feed=feed, began_at=timezone.now())
    client.force_login(User.objects.create_user("clerk", password="x", is_staff=True))
    assert client.get(f"{RUNS}{run.pk}/problems.csv").status_code == 403
    client.logout()
    assert client.get(f"{RUNS}{run.pk}/problems.csv").status_code == 302
