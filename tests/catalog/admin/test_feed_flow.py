"""The way of a feed in the admin: columns suggested and corrected, a trial as a difference, a run, its history."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from catalog.changes.timeline import timeline
from catalog.errands.running import run_next
from catalog.feeds.runs import run_next as run_next_feed
from catalog.models import Errand, Feed, FeedRun, Product
from tests.catalog.factories import photo_bytes
from tests.roles import person

pytestmark = pytest.mark.django_db
GERMAN = "Nr;Bezeichnung;Preis;Bild;Farbe\na;Hut;12,90;hat.png;rot\nb;Schal;5,00;;blau\n"


def zipped(text: str) -> SimpleUploadedFile:
    """A feed with a photo beside it, as an archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("feed.csv", text)
        archive.writestr("hat.png", photo_bytes(1))
    return SimpleUploadedFile("feed.zip", buffer.getvalue())


@pytest.fixture
def keeper(client: Client) -> Client:
    client.force_login(person("merchandiser", "keeper"))
    return client


def page(step: str, feed: Feed) -> str:
    return reverse(f"admin:catalog_feed_{step}", args=[feed.pk])


def add(keeper: Client, upload: SimpleUploadedFile, **fields: str) -> Feed:
    """Add a feed as a person does: its page leads to its columns."""
    sent: dict[str, Any] = {"name": "main", "schedule": "hand", "currency": "EUR", "upload": upload, **fields}
    answer = keeper.post(reverse("admin:catalog_feed_add"), sent)
    feed = Feed.objects.get()
    assert answer.status_code == 302 and answer["Location"] == page("columns", feed)
    return feed


def work() -> None:
    """What a worker does, until nothing waits."""
    while run_next():
        pass
    failed = Errand.objects.filter(state="failed").values_list("kind", "error")
    assert list(failed) == []


def test_columns_are_suggested_on_sample_rows_with_pictures(keeper: Client) -> None:
    feed = add(keeper, zipped(GERMAN))
    assert "Reading the first rows" in keeper.get(page("columns", feed)).content.decode()
    work()
    answer = keeper.get(page("columns", feed))
    fields = {one.field: one.chosen for one in answer.context["fields"] if one.chosen}
    assert fields == {"id": ("Nr",), "title": ("Bezeichnung",), "price": ("Preis",), "image_link": ("Bild",)}
    shown = [(one["row"].sku, one["row"].fields["title"], one["price"]) for one in answer.context["products"]]
    assert shown == [("a", "Hut", "12.90 EUR"), ("b", "Schal", "5.00 EUR")]
    assert answer.context["products"][0]["photos"][0].startswith("data:image/jpeg;base64,")
    assert answer.context["products"][0]["row"].attributes == {"Farbe": "rot"}
    assert Feed.objects.get().mapping == "" and Product.objects.count() == 0


def test_a_correction_is_shown_before_it_is_kept(keeper: Client) -> None:
    feed = add(keeper, zipped(GERMAN))
    keeper.get(page("columns", feed))
    work()
    chosen = {"way": "hand", "column-id": "Nr", "column-title": "Farbe", "column-price": "Preis"}
    answer = keeper.post(page("columns", feed), chosen)
    assert [one["row"].fields["title"] for one in answer.context["products"]] == ["rot", "blau"]
    assert Feed.objects.get().mapping == "" and Errand.objects.filter(kind="try_feed").count() == 0
    answer = keeper.post(page("columns", feed), chosen | {"column-title": "Nowhere", "keep": ""})
    assert "the feed has no column &#x27;Nowhere&#x27;" in answer.content.decode()
    kept = keeper.post(
        page("columns", feed), chosen | {"column-title": "Bezeichnung", "column-brand": "Farbe", "keep": ""}
    )
    assert kept["Location"] == page("trial", feed)
    assert Feed.objects.get().mapping == 'id = "Nr"\ntitle = "Bezeichnung"\nprice = "Preis"\nbrand = "Farbe"\n'
    (newest, *_) = timeline(Feed, feed.pk)
    assert (newest.who, newest.said) == ("keeper", "Changed which column is which.")
    assert [one.what for one in newest.differences] == ["mapping"]


def test_what_a_text_says_besides_is_kept(keeper: Client) -> None:
    text = 'id = "Nr"\ntitle = { columns = ["Bezeichnung", "Farbe"], join = " " }\n\n[attributes]\nColour = "Farbe"\n'
    feed = add(keeper, zipped(GERMAN), mapping=text)
    keeper.get(page("columns", feed))
    work()
    keeper.post(
        page("columns", feed),
        {"way": "hand", "column-id": "Nr", "column-title": "Bezeichnung", "column-price": "Preis", "keep": ""},
    )
    assert Feed.objects.get().mapping == (
        'id = "Nr"\ntitle = { columns = ["Bezeichnung", "Farbe"], join = " " }\nprice = "Preis"\n\n[attributes]\n"Colour" = "Farbe"\n'
    )
    work()
    assert [one["title"] for one in Errand.objects.get(kind="try_feed").result["new"]["products"]] == [
        "Hut rot",
        "Schal blau",
    ]


def test_a_feed_that_is_recognised_needs_no_columns(keeper: Client) -> None:
    feed = add(keeper, SimpleUploadedFile("feed.csv", b"id,title,price\na,Hat,12.90 EUR\n"))
    keeper.get(page("columns", feed))
    work()
    answer = keeper.get(page("columns", feed))
    assert answer.context["by_hand"] is False and answer.context["products"][0]["price"] == "12.90 EUR"
    keeper.post(page("columns", feed), {"way": "found", "keep": ""})
    assert Feed.objects.get().mapping == ""


def test_a_trial_says_what_is_new_changed_and_gone_and_a_run_does_it(keeper: Client) -> None:
    feed = add(keeper, SimpleUploadedFile("feed.csv", b"id,title,price,Colour\na,Hat,12.90,red\nb,Cap,5,\nc,Tie,7,\n"))
    run(keeper, feed)
    changed = b"id,title,price,Colour\na,Straw hat,11.90,blue\nb,Cap,5,\nd,New,1,\nbad,,2,\n"
    form = {"name": "main", "schedule": "hand", "currency": "EUR", "upload": SimpleUploadedFile("feed.csv", changed)}
    keeper.post(reverse("admin:catalog_feed_change", args=[feed.pk]), form)
    keeper.post(page("trial", feed))
    work()
    result = Errand.objects.filter(kind="try_feed").first()
    assert result is not None
    found = result.result
    assert [one["sku"] for one in found["new"]["products"]] == ["d"] and found["new"]["count"] == 1
    assert [(one["sku"], one["fields"]) for one in found["changed"]["products"]] == [
        ("a", [["Colour", "red", "blue"], ["price", "12.9", "11.9"], ["title", "Hat", "Straw hat"]])
    ]
    assert [one["sku"] for one in found["gone"]["products"]] == ["c"] and found["gone"]["hides"] is False
    assert (found["unchanged"], found["problem_count"]) == (1, 1)
    shown = keeper.get(page("trial", feed)).content.decode()
    assert "<del>Hat</del>" in shown and "<ins>Straw hat</ins>" in shown and "They stay in the shop" in shown
    assert set(Product.objects.values_list("title", flat=True)) == {"Hat", "Cap", "Tie"}
    run(keeper, feed)
    assert set(Product.objects.values_list("title", flat=True)) == {"Straw hat", "Cap", "Tie", "New"}
    assert FeedRun.objects.filter(feed=feed).count() == 2


def test_what_another_feed_names_is_not_gone(keeper: Client) -> None:
    feed = add(keeper, SimpleUploadedFile("feed.csv", b"id,title\na,Hat\nb,Cap\n"), unpublish_missing="on")
    run(keeper, feed)
    other = Feed.objects.create(name="other", upload="")
    other.upload.save("x.csv", SimpleUploadedFile("x.csv", b"id,title\nb,Cap\n"))
    run(keeper, other)
    form = {"name": "main", "schedule": "hand", "currency": "EUR", "unpublish_missing": "on"}
    keeper.post(
        reverse("admin:catalog_feed_change", args=[feed.pk]),
        form | {"upload": SimpleUploadedFile("feed.csv", b"id,title\nc,New\nd,Other\ne,Third\n")},
    )
    keeper.post(page("trial", feed))
    work()
    found = Errand.objects.filter(kind="try_feed", about=str(feed.pk)).first()
    assert found is not None and [one["sku"] for one in found.result["gone"]["products"]] == ["a"]


def test_a_change_of_columns_makes_a_trial_old(keeper: Client) -> None:
    feed = add(keeper, SimpleUploadedFile("feed.csv", b"id,title\na,Hat\n"))
    keeper.post(page("trial", feed))
    work()
    assert "The columns were changed since" not in keeper.get(page("trial", feed)).content.decode()
    Feed.objects.update(mapping='id = "id"\ntitle = "title"\n')
    assert "The columns were changed since" in keeper.get(page("trial", feed)).content.decode()


def test_a_feed_that_cannot_be_read_says_so(keeper: Client) -> None:
    feed = add(keeper, SimpleUploadedFile("feed.csv", b"nothing\n"))
    keeper.post(page("trial", feed))
    assert run_next()
    errand = Errand.objects.get(kind="try_feed")
    assert errand.state == "failed" and errand.error in keeper.get(page("trial", feed)).content.decode()


def test_a_run_tells_how_far_it_is(keeper: Client) -> None:
    feed = add(keeper, SimpleUploadedFile("feed.csv", b"id,title\na,Hat\n"))
    state = reverse("admin:catalog_feed_run_state", args=[feed.pk])
    assert keeper.get(state).json() == {"over": True, "said": "waits for a worker", "share": 0}
    keeper.post(page("runs", feed))
    assert keeper.get(state).json() == {"over": False, "said": "waits for a worker", "share": 0}
    shown = FeedRun.objects.create(feed=feed, began_at=feed.created_at, position=30, size=40, rows=12, created=3)
    assert keeper.get(state).json() == {
        "over": False,
        "said": "12 rows: 3 new, 0 changed, 0 problems",
        "share": 75,
    }
    shown.delete()
    assert "It was never read" in keeper.get(page("runs", feed)).content.decode()


def test_a_reader_looks_and_changes_nothing(client: Client, keeper: Client) -> None:
    feed = add(keeper, SimpleUploadedFile("feed.csv", b"id,title\na,Hat\n"))
    keeper.get(page("columns", feed))
    work()
    client.force_login(person("analyst"))
    for step in ("columns", "trial", "runs"):
        assert client.get(page(step, feed)).status_code == 200
    for step in ("trial", "runs", "sample"):
        assert client.post(page(step, feed)).status_code == 403
    assert client.post(page("columns", feed), {"way": "found", "keep": ""}).status_code == 403
    client.force_login(User.objects.create_user("nobody", is_staff=True))
    assert client.get(page("trial", feed)).status_code == 403


def run(keeper: Client, feed: Feed) -> None:
    keeper.post(page("runs", feed))
    assert run_next_feed()
