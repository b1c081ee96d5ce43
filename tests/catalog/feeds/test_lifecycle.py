"""Feeds hide products and show them again, by what they say and by what they name no more."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from catalog.expiry import hide_expired
from catalog.feeds import importing, naming, sources
from catalog.feeds.naming import Naming
from catalog.feeds.offers import Offer, read_offer
from catalog.feeds.reading import open_feed
from catalog.models import Feed, FeedProduct, Product
from catalog.tasks import hide_expired as hide_expired_task
from recommender.schedule import BEAT_SCHEDULE
from tests.catalog.conftest import Heard
from tests.catalog.factories import make_product
from tests.catalog.feeds.files import run_import, write_feed

pytestmark = pytest.mark.django_db
TOMORROW, YESTERDAY = "2999-01-01", "2020-01-01"


def shown() -> str:
    return "".join(Product.objects.filter(published=True).order_by("sku").values_list("sku", flat=True))


def of(folder: Path, skus: Iterable[str], *options: str, name: str = "a.csv") -> dict[str, Any]:
    """Import a feed that names these products, of letters."""
    return run_import(write_feed(folder, *(f"{sku},x" for sku in skus), header="id,title", name=name), *options)[0]


@pytest.mark.parametrize(
    ("cells", "offer"),
    [
        ({"published": "false"}, Offer.HIDDEN),
        ({"published": "TRUE"}, Offer.SHOWN),
        ({"published": "-1"}, Offer.HIDDEN),
        ({"published": "2020-01-01T00:00:00Z"}, Offer.SHOWN),
        ({"published": TOMORROW}, Offer.HIDDEN),
        ({"status": "DRAFT"}, Offer.HIDDEN),
        ({"status": "archived"}, Offer.HIDDEN),
        ({"status": "auto-draft"}, Offer.HIDDEN),
        ({"status": "publish"}, Offer.SHOWN),
        ({"status": "Active"}, Offer.SHOWN),
        ({"removed": "1"}, Offer.HIDDEN),
        ({"removed": "0.0"}, Offer.SHOWN),
        ({"removed": YESTERDAY}, Offer.HIDDEN),
        ({"expiration_date": YESTERDAY}, Offer.HIDDEN),
        ({"expiration_date": TOMORROW}, Offer.UNSAID),
        ({"published": "true", "status": "draft"}, Offer.HIDDEN),
        ({"published": "true", "expiration_date": YESTERDAY}, Offer.HIDDEN),
        ({"published": "", "status": ""}, Offer.UNSAID),
        ({}, None),
    ],
)
def test_what_a_row_says(cells: dict[str, str], offer: Offer | None) -> None:
    problems: list[str] = []
    known = {name: [text] if text else [] for name, text in cells.items()}
    assert (read_offer(known, problems.append).offer, problems) == (offer, [])


SHOWING = "Veröffentlicht aktiv Publié ACTIF publicado Activo Pubblicato attivo Gepubliceerd actief"
HIDING = "Entwurf inaktiv Archiviert Brouillon Désactivé MASQUE borrador Oculto Bozza nascosto Concept Gearchiveerd niet_actief"


@pytest.mark.parametrize(
    ("words", "offer"), [(SHOWING, Offer.SHOWN), (HIDING, Offer.HIDDEN)], ids=["showing", "hiding"]
)
def test_words_of_other_languages_show_and_hide(words: str, offer: Offer) -> None:
    for word in words.split():
        for column in ("status", "published"):
            found = read_offer({column: [unicodedata.normalize("NFD", word)]}, pytest.fail)
            assert (word, found.offer, found.unknown) == (word, offer, ())
    assert read_offer({"removed": ["Gelöscht"]}, pytest.fail).offer is Offer.HIDDEN


@pytest.mark.parametrize("column", ["published", "Status", "removed"])
def test_a_word_that_is_not_known_is_an_attribute_and_noticed_once(column: str, tmp_path: Path) -> None:
    make_product(sku="a", published=False)
    feed = write_feed(tmp_path, "a,x,Perhaps", "b,x,Sold", "c,x,false", "d,x,true", header=f"id,title,{column}")
    report, problems, succeeded = run_import(feed)
    assert (report["created"], report["updated"], problems, succeeded) == (3, 1, [], True)
    [notice] = report["notices"]
    assert notice.startswith(f"{column.lower()}: 'Perhaps' (line 2) neither shows nor hides a product")
    assert notice.endswith("; so were 1 more")
    assert shown() == {"published": "bd", "Status": "bd", "removed": "bc"}[column]
    found = Product.objects.order_by("sku").values_list("attributes", flat=True)
    assert list(found) == [{column: "Perhaps"}, {column: "Sold"}, {}, {}]
    assert run_import(feed)[0]["unchanged"] == 4


def test_a_cell_that_cannot_be_read_leaves_the_product_and_is_reported(tmp_path: Path) -> None:
    column = "expiration_date"
    make_product(sku="a", published=False)
    feed = write_feed(tmp_path, "a,x,perhaps", "b,x,perhaps", header=f"id,title,{column}")
    report, problems, succeeded = run_import(feed)
    assert (report["created"], report["updated"], succeeded) == (1, 1, False)
    assert [problem.split("'perhaps'")[0] for problem in problems] == [f"line {line}: {column}: " for line in (2, 3)]
    assert shown() == "b"


def test_a_feed_takes_products_off_and_puts_them_back_on(tmp_path: Path, heard: Heard) -> None:
    header = "id,title,published,status,removed,expiration_date"
    run_import(write_feed(tmp_path, "a,x,,,,", "b,x,true,draft,,", "c,x,,,,", "d,x,,,,", header=header))
    assert shown() == "acd"
    assert Product.objects.filter(attributes={}).count() == 4
    heard.clear()
    off = write_feed(tmp_path, "a,x,false,,,", "b,x,,draft,,", "c,x,,,yes,", f"d,x,,,,{YESTERDAY}", header=header)
    report = run_import(off)[0]
    assert (shown(), report["updated"], report["unchanged"]) == ("", 3, 1)
    assert [(len(ids), hidden) for ids, hidden in heard.changed] == [(3, True)]
    assert run_import(off)[0]["unchanged"] == 4
    report = run_import(
        write_feed(tmp_path, "a,x,true,,,", "b,x,,active,,", "c,x,,,,", f"d,x,,,,{TOMORROW}", header=header)
    )[0]
    assert (shown(), report["updated"]) == ("abcd", 4)


def test_a_complete_item_that_says_nothing_any_more_is_shown_again(tmp_path: Path) -> None:
    feed = tmp_path / "feed.jsonl"
    feed.write_text(json.dumps({"id": "a", "title": "x", "removed": True}) + "\n")
    run_import(feed)
    assert shown() == ""
    feed.write_text(json.dumps({"id": "a", "title": "x"}) + "\n")
    run_import(feed)
    assert shown() == "a"


def test_what_another_feed_or_a_person_hid_stays_hidden(tmp_path: Path) -> None:
    make_product(sku="b", published=False)
    run_import(write_feed(tmp_path, "a,x,draft", header="id,title,status", name="main.csv"))
    run_import(write_feed(tmp_path, "a,5 EUR", "b,5 EUR", header="id,price", name="stock.csv"))
    run_import(write_feed(tmp_path, "a,x,", "b,x,", header="id,title,status", name="other.csv"))
    assert shown() == ""


def test_products_expire_by_themselves_once_and_come_back_with_a_later_date(tmp_path: Path, heard: Heard) -> None:
    header = "id,title,expiration_date"
    run_import(write_feed(tmp_path, f"a,x,{TOMORROW}", "b,x,", header=header))
    expires_at = Product.objects.get(sku="a").expires_at
    assert expires_at is not None and expires_at > timezone.now()
    heard.clear()
    assert hide_expired(now=expires_at - timedelta(seconds=1)) == 0
    assert [hide_expired(now=expires_at), hide_expired(now=expires_at)] == [1, 0]
    assert (shown(), [hidden for _, hidden in heard.changed]) == ("b", [True])
    Product.objects.update(expires_at=timezone.now() - timedelta(days=1))
    run_import(write_feed(tmp_path, "a,x", header="id,title"))  # says nothing of dates
    assert shown() == "b"
    run_import(write_feed(tmp_path, f"a,x,{TOMORROW}", header=header))
    assert shown() == "ab"


def test_the_task_hides_what_has_expired_within_a_minute() -> None:
    make_product(sku="a", expires_at=timezone.now())
    hide_expired_task()
    assert shown() == ""
    [entry] = [entry for entry in BEAT_SCHEDULE.values() if entry["task"] == hide_expired_task.name]
    assert entry["schedule"] + 20 < 60


def test_a_product_is_not_published_by_hand_past_its_time(admin_client: Client) -> None:
    product = make_product(sku="a", published=False, withdrawn=True, expires_at=timezone.now() - timedelta(days=1))
    chosen = {"action": "publish", "_selected_action": [product.pk]}
    admin_client.post("/admin/catalog/product/", chosen)
    assert Product.objects.values_list("published", "withdrawn", "expires_at").get() == (True, False, None)
    form = {"title": "x", "sku": "a", "published": "on", "expires_at_0": "2020-01-01", "expires_at_1": "00:00"}
    sets = {"images-TOTAL_FORMS": 0, "images-INITIAL_FORMS": 0, "attributes": "{}"}
    response = admin_client.post(f"/admin/catalog/product/{product.pk}/change/", form | sets)
    assert b"This moment is over" in response.content


def test_products_that_no_feed_names_any_more_are_hidden(tmp_path: Path, heard: Heard) -> None:
    make_product(sku="z")  # of no feed
    of(tmp_path, "abcdefghij")
    assert (of(tmp_path, "abcdefgh")["hidden"], shown()) == (0, "abcdefghijz")
    heard.clear()
    dry = of(tmp_path, "abcdefgh", "--unpublish-missing", "--dry-run")
    assert (dry["hidden"], shown(), heard.changed) == (2, "abcdefghijz", [])
    assert (of(tmp_path, "abcdefgh", "--unpublish-missing")["hidden"], shown()) == (2, "abcdefghz")
    assert [(len(ids), hidden) for ids, hidden in heard.changed] == [(2, True)]
    assert of(tmp_path, "abcdefgh", "--unpublish-missing")["hidden"] == 0
    assert (of(tmp_path, "abcdefghi")["updated"], shown()) == (1, "abcdefghiz")


def test_what_another_feed_still_names_is_shown_until_that_one_lets_go_too(tmp_path: Path) -> None:
    of(tmp_path, "abcdefghij", "--feed", "main")
    of(tmp_path, "ij", "--feed", "rest", name="b.csv")
    assert (of(tmp_path, "abcdefgh", "--feed", "main", "--unpublish-missing")["hidden"], shown()) == (0, "abcdefghij")
    assert (of(tmp_path, "i", "--feed", "rest", name="b.csv")["hidden"], shown()) == (0, "abcdefghij")
    assert (of(tmp_path, "abcdefgh", "--feed", "main", "--unpublish-missing")["hidden"], shown()) == (1, "abcdefghi")
    assert list(Feed.objects.values_list("name", "runs", "last_whole")) == [("main", 3, 3), ("rest", 2, 2)]


def test_too_many_are_not_hidden_unless_forced(tmp_path: Path) -> None:
    of(tmp_path, "abcdefghij")
    for options in (["--dry-run"], []):
        report, problems, succeeded = run_import(
            write_feed(tmp_path, "a,x", "b,x", header="id,title", name="a.csv"), "--unpublish-missing", *options
        )
        assert (report["hidden"], succeeded, shown()) == (0, False, "abcdefghij")
        assert problems == [
            "the feed: nothing was hidden: 8 of 10 products (80%) are in the feed no more, and more than 30% (FEED_MISSING_SHARE)"
            " is likely a feed that is not whole; look at it, and if they are to go, import again with --force, or choose so for the feed"
            " in the admin"
        ]
    assert of(tmp_path, "ab", "--unpublish-missing", "--force", "--dry-run")["hidden"] == 8
    assert (of(tmp_path, "ab", "--unpublish-missing", "--force")["hidden"], shown()) == (8, "ab")


def test_the_share_is_a_setting(tmp_path: Path, settings: Any) -> None:
    of(tmp_path, "abcdefghij")
    settings.FEED_MISSING_SHARE = 0.09
    assert of(tmp_path, "abcdefghi", "--unpublish-missing")["hidden"] == 0
    settings.FEED_MISSING_SHARE = 0.1
    assert of(tmp_path, "abcdefghi", "--unpublish-missing")["hidden"] == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("f.csv", "id,title\n" + "".join(f"{sku},x\n" for sku in "abcdefgh") + '"i'),
        ("f.jsonl", "".join(json.dumps({"id": sku, "title": "x"}) + "\n" for sku in "abcdefgh") + '{"id": "i'),
        ("f.json", json.dumps([{"id": sku, "title": "x"} for sku in "abcdefgh"])[:-1] + ', {"id": "i'),
        ("f.xml", "<products>" + "".join(f"<product><id>{s}</id><title>x</title></product>" for s in "abcdefgh")),
        ("f.xml", "<a>" + "".join(f"<b><id>{s}</id><title>x</title></b>" for s in "abcdefgh") + "<b><id>i</id>"),
    ],
)
def test_a_feed_that_breaks_off_hides_nothing(name: str, text: str, tmp_path: Path) -> None:
    of(tmp_path, "abcdefghij", "--feed", "main")
    path = tmp_path / name
    path.write_text(text)
    report, problems, succeeded = run_import(path, "--feed", "main", "--unpublish-missing")
    assert (report["hidden"], succeeded, shown()) == (0, False, "abcdefghij")
    assert problems[-1] == "the feed: nothing was hidden: the feed breaks off, so what it names is not known"
    assert Feed.objects.get().last_whole == 1


UNREADABLE = [
    ("f.jsonl", "{broken\n" + "".join(json.dumps({"id": sku, "title": "x"}) + "\n" for sku in "abcdefgh"), "line 1"),
    ("f.csv", "id,title\na,x\n,x\n" + "".join(f"{sku},x\n" for sku in "bcdefgh"), "line 3"),
    ("f.csv", 'title,id\nx,a\nx,"b\n' + "".join(f"x,{sku}\n" for sku in "cdefgh"), "line 3"),
    ("f.csv", "title,id\nx,a\nx,b,i\n" + "".join(f"x,{sku}\n" for sku in "cdefgh"), "line 3"),
    ("f.csv", "id,title\na,x\nunknown\n" + "".join(f"{sku},x\n" for sku in "bcdefgh"), "line 3"),
    (
        "f.xml",
        "<a><b><id>a</id><title>x</b>"
        + "".join(f"<b><id>{sku}</id><title>x</title></b>" for sku in "bcdefgh")
        + "</a>",
        "line 1",
    ),
]


@pytest.mark.parametrize(("name", "text", "place"), UNREADABLE)
@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_a_row_whose_product_cannot_be_told_protects_every_product(
    name: str, text: str, place: str, dry: tuple[str, ...], tmp_path: Path
) -> None:
    of(tmp_path, "abcdefghij", "--feed", "main")
    path = tmp_path / name
    path.write_text(text)
    report, problems, succeeded = run_import(path, "--feed", "main", "--unpublish-missing", "--force", *dry)
    assert (report["hidden"], succeeded, shown()) == (0, False, "abcdefghij")
    assert problems[-1] == (
        f"the feed: nothing was hidden: which product a row ({place}) names cannot be read; correct that and import again"
    )
    assert Feed.objects.get().last_whole == 1


def test_a_row_that_cannot_be_read_but_for_its_id_names_its_product(tmp_path: Path) -> None:
    of(tmp_path, "abcdefghij", "--feed", "main")
    rows = (f"{sku},x" if sku != "d" else "d" for sku in "abcdefgh")
    feed = write_feed(tmp_path, *rows, header="id,title")
    report, problems, _ = run_import(feed, "--feed", "main", "--unpublish-missing")
    assert (report["hidden"], problems, shown()) == (2, ["line 5: 1 cells where the header has 2"], "abcdefgh")
    assert Feed.objects.get().last_whole == 2


def test_the_column_id_of_another_system_is_no_id_of_a_row_that_cannot_be_read(tmp_path: Path) -> None:
    header = "ID,Type,SKU,Name,Regular price"
    feed = write_feed(tmp_path, "1,simple,a,x,9", "2,simple,b,x,9", header=header)
    run_import(feed, "--feed", "main")
    make_product(sku="2")
    feed = write_feed(tmp_path, "1,simple,a,x,9", "2,simple,b", header=header)
    assert run_import(feed, "--feed", "main", "--unpublish-missing", "--force")[0]["hidden"] == 0


def test_without_hiding_a_feed_with_such_a_row_was_read_to_its_end_and_protects_what_it_named(tmp_path: Path) -> None:
    of(tmp_path, "ab", "--feed", "main")
    of(tmp_path, "ac", "--feed", "other", name="b.csv")
    path = tmp_path / "f.jsonl"
    path.write_text('{broken\n{"id": "b", "title": "x"}\n')
    with open_feed(path) as feed:
        assert importing.FeedImport(feed, source="main").run().whole
    of(tmp_path, "c", "--feed", "other", "--unpublish-missing", "--force", name="b.csv")
    assert shown() == "abc"


class Killed(Exception):
    pass


def test_an_import_that_was_killed_hides_nothing_and_the_next_one_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of(tmp_path, "abcdefghij", "--feed", "main")
    monkeypatch.setattr(importing, "BATCH_ROWS", 2)
    monkeypatch.setattr(sources, "BATCH", 1)

    def killed(report: importing.Report) -> None:
        if report.rows == 6:
            raise Killed

    path = write_feed(tmp_path, *(f"{sku},x" for sku in "abcdefgh"), header="id,title")
    with pytest.raises(Killed), open_feed(path) as feed:
        importing.FeedImport(feed, source="main", unpublish_missing=True, advance=killed).run()
    assert shown() == "abcdefghij"
    assert sorted(FeedProduct.objects.values_list("named_in", flat=True)) == [1] * 4 + [2] * 6
    assert of(tmp_path, "abcdefgh", "--feed", "main", "--unpublish-missing", "--dry-run")["hidden"] == 2
    assert (of(tmp_path, "abcdefgh", "--feed", "main", "--unpublish-missing")["hidden"], shown()) == (2, "abcdefgh")


def test_an_older_import_hides_nothing_that_a_newer_one_named(tmp_path: Path) -> None:
    of(tmp_path, "abcdefghij", "--feed", "main")
    older = Naming("main")
    older.begin()
    of(tmp_path, "abcdefghij", "--feed", "main")
    assert older.end(unpublish=True, force=True) == 0
    assert (shown(), Feed.objects.get().last_whole) == ("abcdefghij", 3)


def test_a_row_that_is_refused_names_its_product(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of(tmp_path, "ab", "--feed", "main")
    long = "x" * 501
    feed = write_feed(tmp_path, f"a,{long}", f"b,{long}", header="id,title")
    assert run_import(feed, "--feed", "main", "--unpublish-missing")[0]["hidden"] == 0
    named = naming.Naming("main")
    named.begin()
    named.refused("a")
    assert sorted(FeedProduct.objects.values_list("named_in", flat=True)) == [2, 3]


def test_a_product_that_was_hidden_by_the_feeds_words_and_then_left_out_comes_back(tmp_path: Path) -> None:
    run_import(write_feed(tmp_path, "a,x,draft", "b,x,", header="id,title,status"), "--feed", "main")
    make_product(sku="c", published=False)
    run_import(write_feed(tmp_path, "b,x,", "c,x,", header="id,title,status"), "--feed", "main")
    assert (
        run_import(write_feed(tmp_path, "b,x,", header="id,title,status"), "--feed", "main", "--unpublish-missing")[0][
            "hidden"
        ]
        == 0
    )
    assert list(FeedProduct.objects.values_list("product__sku", flat=True)) == ["b"]
    run_import(write_feed(tmp_path, "a,x,", "c,x,", header="id,title,status"), "--feed", "main")
    assert shown() == "ab"


def test_deleting_a_product_or_a_feed_forgets_what_was_named(tmp_path: Path) -> None:
    of(tmp_path, "abc", "--feed", "main")
    Product.objects.get(sku="a").delete()
    assert FeedProduct.objects.count() == 2
    Feed.objects.get().delete()
    assert (FeedProduct.objects.count(), shown()) == (0, "bc")


def test_a_feed_is_named_by_its_path_and_a_name_may_not_be_empty_or_endless(tmp_path: Path) -> None:
    of(tmp_path, "a")
    assert Feed.objects.get().name == str((tmp_path / "a.csv").resolve())
    for name in ("", "x" * 501):
        with pytest.raises(CommandError, match="1 to 500 characters"):
            call_command("import_products", str(tmp_path / "a.csv"), "--feed", name, verbosity=0)


def test_there_is_one_tree_whatever_the_case_and_empty_categories_are_not_listed(
    tmp_path: Path, client: Client
) -> None:
    header = "id,title,product_type"
    rows = ("a,x,Home > Mugs", "b,x,home > MUGS", "c,x,HOME > Cafe\N{COMBINING ACUTE ACCENT}", "d,x,Home > café")
    run_import(write_feed(tmp_path, *rows, header=header))
    listed = client.get("/api/v1/categories/").json()["results"]
    assert [(node["name"], node["products"]) for node in listed] == [("Home", 4), ("Café", 2), ("Mugs", 2)]
    report = run_import(write_feed(tmp_path, "a,x,home > café", "b,x,home > café", header=header))[0]
    assert report["updated"] == 2
    listed = client.get("/api/v1/categories/").json()["results"]
    assert [(node["name"], node["products"]) for node in listed] == [("Home", 4), ("Café", 4)]
    assert client.get("/api/v1/products/?category=mugs").json()["results"] == []
