"""`import_products`: what goes in, what is reported, and that a second run changes only what changed."""

from __future__ import annotations

import gc
import hashlib
import threading
import tracemalloc
from decimal import Decimal
from io import StringIO
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.feeds import importing
from catalog.feeds.reading import open_feed
from catalog.feeds.report import Report
from catalog.models import Category, Product, ProductImage
from catalog.photos.storage import WholeFileStorage
from catalog.photos.store import add_photo
from catalog.photos.sweep import sweep_files
from tests.catalog.conftest import Heard
from tests.catalog.factories import make_image, make_product, photo_bytes
from tests.catalog.feeds.files import HEADER, counts, run_import, write_feed, write_photo

pytestmark = pytest.mark.django_db
CLOTHING = Path(__file__).resolve().parents[3] / "../shared/data/clothing/products.csv"

ONE = "1,Hat,a.png,,in stock,59.50 EUR,Dune,Clothing > Hat"
TWO = '2,Dress,b.png,"c.png,d.png",out of stock,9.90 EUR,Aalto,Clothing > Dress'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for seed, name in enumerate("abcd"):
        write_photo(tmp_path, f"{name}.png", seed)
    return tmp_path


def digests(sku: str) -> list[str]:
    return list(Product.objects.get(sku=sku).images.values_list("digest", flat=True))


def of(*seeds: int) -> list[str]:
    return [hashlib.sha256(photo_bytes(seed)).hexdigest() for seed in seeds]


def test_a_feed_goes_in_whole(folder: Path) -> None:
    report, problems, succeeded = run_import(write_feed(folder, ONE, TWO))
    assert (counts(report), problems, succeeded) == ([2, 0, 0, 4, 0, 0], [], True)
    hat, dress = Product.objects.order_by("sku")
    assert (hat.title, hat.brand, hat.price, hat.currency, hat.in_stock) == (
        "Hat",
        "Dune",
        Decimal("59.50"),
        "EUR",
        True,
    )
    assert (dress.in_stock, dress.category.slug, Category.objects.get_parent(dress.category).slug) == (
        False,
        "dress",
        "clothing",
    )
    assert digests("1") == of(0)
    assert digests("2") == of(1, 2, 3)
    assert [image.position for image in dress.images.all()] == [0, 1, 2]


def test_unknown_columns_become_attributes(folder: Path) -> None:
    header = "id,title,Colour,size,item_group_id,google_product_category,link"
    row = "1,Hat,red,,G1,Apparel > Hats,https://shop.example/1"
    run_import(write_feed(folder, row, header=header))
    hat = Product.objects.get()
    assert hat.attributes == {"Colour": "red"}
    assert (hat.group, hat.category.name, hat.url) == ("G1", "Hats", "https://shop.example/1")


def test_importing_again_changes_nothing(folder: Path, heard: Heard) -> None:
    feed = write_feed(folder, ONE, TWO)
    run_import(feed)
    before = list(Product.objects.values()), list(ProductImage.objects.values())
    heard.clear()
    assert counts(run_import(feed)[0]) == [0, 0, 2, 0, 0, 0]
    assert (list(Product.objects.values()), list(ProductImage.objects.values())) == before
    assert (heard.stored, heard.changed) == ([], [])


def test_a_changed_row_changes_its_product_alone(folder: Path, heard: Heard) -> None:
    run_import(write_feed(folder, ONE, TWO))
    dress = Product.objects.get(sku="2")
    heard.clear()
    report, _, _ = run_import(write_feed(folder, ONE.replace("59.50", "49.50"), TWO))
    assert counts(report) == [0, 1, 1, 0, 0, 0]
    hat = Product.objects.get(sku="1")
    assert hat.price == Decimal("49.50")
    assert heard.changed == [([hat.pk], False)]
    assert Product.objects.get(sku="2").updated_at == dress.updated_at


def test_photos_that_a_row_no_longer_names_are_removed(folder: Path, heard: Heard) -> None:
    run_import(write_feed(folder, TWO))
    rows = {image.digest: image.pk for image in ProductImage.objects.all()}
    heard.clear()
    report, _, _ = run_import(write_feed(folder, TWO.replace('b.png,"c.png,d.png"', 'd.png,"a.png,b.png"')))
    assert counts(report) == [0, 1, 0, 1, 1, 0]
    assert digests("2") == of(3, 0, 1)
    kept = {image.digest: image.pk for image in ProductImage.objects.all()}
    assert {digest: kept[digest] for digest in of(1, 3)} == {digest: rows[digest] for digest in of(1, 3)}
    product = Product.objects.get()
    assert heard.stored == [([kept[of(0)[0]]], "import")]
    assert heard.changed == [([product.pk], True)]


def test_a_replaced_file_of_the_same_name_is_noticed(folder: Path) -> None:
    feed = write_feed(folder, ONE)
    run_import(feed)
    write_photo(folder, "a.png", 99)
    assert counts(run_import(feed)[0]) == [0, 1, 0, 1, 1, 0]
    assert digests("1") == of(99)


def test_an_absent_column_leaves_and_an_empty_cell_empties(folder: Path) -> None:
    run_import(write_feed(folder, ONE))
    assert counts(run_import(write_feed(folder, "1,Cap", header="id,title"))[0]) == [0, 1, 0, 0, 0, 0]
    hat = Product.objects.get()
    assert (hat.title, hat.brand, hat.price, hat.images.count()) == ("Cap", "Dune", Decimal("59.50"), 1)
    assert counts(run_import(write_feed(folder, "1,Cap,,,,,,"))[0]) == [0, 1, 0, 0, 1, 0]
    hat.refresh_from_db()
    assert (hat.brand, hat.price, hat.category, hat.images.count()) == ("", None, None, 0)


def test_products_that_the_feed_does_not_name_stay(folder: Path) -> None:
    other = make_product()
    run_import(write_feed(folder, ONE))
    assert Product.objects.filter(pk=other.pk).exists()


def test_a_dry_run_counts_the_same_and_writes_nothing(folder: Path, settings: Any, heard: Heard) -> None:
    run_import(write_feed(folder, ONE, TWO))
    write_photo(folder, "a.png", 99)
    new = "3,New,d.png,,,1 EUR,,New > Category"
    feed = write_feed(folder, ONE, TWO.replace("b.png", ""), new, "4,Bad,,,,x,,")
    before = [list(model.objects.values()) for model in (Product, ProductImage, Category)]
    files = sorted(Path(settings.MEDIA_ROOT).rglob("*"))
    heard.clear()
    would, problems, succeeded = run_import(feed, "--dry-run")
    assert (counts(would), succeeded) == ([2, 2, 0, 2, 2, 1], False)
    assert problems == ["line 5: price: 'x' is no price; write it as 59.50 EUR"]
    assert [list(model.objects.values()) for model in (Product, ProductImage, Category)] == before
    assert sorted(Path(settings.MEDIA_ROOT).rglob("*")) == files
    assert (heard.stored, heard.changed) == ([], [])
    assert counts(run_import(feed)[0]) == counts(would)


BAD_ROWS = [
    (",Hat,a.png,,,1 EUR,,", "id: missing; every product needs one"),
    ("9,,a.png,,,1 EUR,,", "title: missing; no product has the id 9 yet, and a new one needs a title"),
    ("9,H\x00t,a.png,,,1 EUR,,", "title: holds a NUL character"),
    (f"9,{'x' * 501},a.png,,,1 EUR,,", "title: 501 characters, more than 500"),
    (f"{'9' * 201},Hat,a.png,,,1 EUR,,", "id: longer than 200 characters"),
    ("1,Again,a.png,,,1 EUR,,", "id 1 was in line 2 already; the first one counts"),
    ("9,Hat", "2 cells where the header has 8"),
]


@pytest.mark.parametrize(("row", "reason"), BAD_ROWS)
def test_a_bad_row_is_reported_with_its_line_and_the_rest_goes_in(folder: Path, row: str, reason: str) -> None:
    report, problems, succeeded = run_import(write_feed(folder, ONE, row, TWO))
    assert (counts(report), succeeded) == ([2, 0, 0, 4, 0, 1], False)
    assert problems == [f"line 3: {reason}"]
    assert report["problems"] == [{"line": 3, "place": "line 3", "reason": reason}]
    assert sorted(Product.objects.values_list("sku", flat=True)) == ["1", "2"]
    assert Product.objects.get(sku="1").title == "Hat"


def test_a_byte_that_is_no_utf8_is_read_and_noticed(folder: Path) -> None:
    feed = folder / "feed.csv"
    feed.write_bytes(f"{HEADER}\n8,Größe,,,,,,\n9,".encode() + b"H\xfct,a.png,,,1 EUR,,\n" + f"{ONE}\n".encode())
    report, problems, succeeded = run_import(feed)
    assert (problems, succeeded) == ([], True)
    assert counts(report) == [3, 0, 0, 2, 0, 0]
    assert Product.objects.get(sku="9").title == "Hüt"
    assert report["notices"] == ["bytes that are not utf-8, read as cp1252: 1, first in line 3"]


@pytest.fixture
def outside(folder: Path) -> Path:
    """A photo beside the feed's folder, and ways to it."""
    feeds = folder / "feeds"
    feeds.mkdir()
    write_photo(feeds, "good.png", 5)
    (feeds / "link.png").symlink_to(folder / "a.png")
    (feeds / "inside.png").symlink_to(feeds / "good.png")
    (feeds / "folder").symlink_to(folder)
    (feeds / "circle.png").symlink_to(feeds / "circle.png")
    (feeds / "text.png").write_text("no photo at all")
    (feeds / "cut.png").write_bytes(photo_bytes(1)[:20])
    return feeds


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("../a.png", "../a.png leaves the feed's folder; photos stay inside it"),
        ("folder/../../a.png", "folder/../../a.png leaves the feed's folder; photos stay inside it"),
        ("..\\a.png", "..\\a.png leaves the feed's folder; photos stay inside it"),
        ("/etc/passwd", "/etc/passwd is absolute; photos are named relative to the feed, inside its folder"),
        ("C:\\a.png", "C:\\a.png is absolute; photos are named relative to the feed, inside its folder"),
        ("link.png", "link.png is a link out of the feed's folder; photos stay inside it"),
        ("folder/a.png", "folder/a.png is a link out of the feed's folder; photos stay inside it"),
        ("file:///etc/passwd", "file:///etc/passwd is neither an http(s) URL nor a path"),
        ("none.png", "none.png does not exist"),
        ("folder", "folder is a link out of the feed's folder; photos stay inside it"),
        (".", ". is not a file"),
        ("text.png", "text.png: the file is not a photo; send JPEG, PNG, WebP, AVIF, HEIC, GIF, BMP or TIFF"),
    ],
)
def test_a_bad_photo_is_reported_and_its_product_goes_in(outside: Path, reference: str, reason: str) -> None:
    feed = write_feed(outside, f'7,Hat,"{reference}",good.png,,1 EUR,,')
    report, problems, succeeded = run_import(feed)
    assert (problems, succeeded) == ([f"line 2: {reason}"], False)
    assert counts(report) == [1, 0, 0, 1, 0, 1]
    assert digests("7") == of(5)


@pytest.mark.parametrize("reference", ["circle.png", "cut.png"])
def test_other_bad_photos_are_reported_too(outside: Path, reference: str) -> None:
    _, problems, succeeded = run_import(write_feed(outside, f"7,Hat,{reference},,,1 EUR,,"))
    assert (len(problems), problems[0].startswith(f"line 2: {reference}"), succeeded) == (1, True, False)
    assert Product.objects.get().images.count() == 0


def test_a_link_inside_the_folder_is_followed(outside: Path) -> None:
    run_import(write_feed(outside, "7,Hat,inside.png,,,1 EUR,,"))
    assert digests("7") == of(5)


def test_a_photo_that_cannot_be_read_takes_none_away(folder: Path) -> None:
    run_import(write_feed(folder, TWO))
    (folder / "b.png").write_text("broken")
    report, _, succeeded = run_import(write_feed(folder, TWO.replace("c.png,", "")))
    assert (counts(report), succeeded) == ([0, 1, 0, 0, 0, 1], False)
    assert set(digests("2")) == set(of(1, 2, 3))


def test_the_same_photo_twice_in_a_row_is_one_photo(folder: Path) -> None:
    (folder / "copy.png").write_bytes(photo_bytes(0))
    report, _, succeeded = run_import(write_feed(folder, '1,Hat,a.png,"a.png,copy.png,b.png",,1 EUR,,'))
    assert (counts(report), succeeded) == ([1, 0, 0, 2, 0, 0], True)
    assert counts(run_import(folder / "feed.csv")[0]) == [0, 0, 1, 0, 0, 0]


def test_photos_by_url_wait_for_a_worker(folder: Path, heard: Heard) -> None:
    feed = write_feed(folder, "1,Hat,https://shop.example/a.jpg,b.png,,1 EUR,,")
    assert counts(run_import(feed)[0]) == [1, 0, 0, 2, 0, 0]
    by_url, by_path = ProductImage.objects.order_by("position")
    assert (by_url.source_url, by_url.digest, by_url.file.name) == ("https://shop.example/a.jpg", "", "")
    assert by_path.digest == of(1)[0]
    assert heard.stored == [([by_url.pk, by_path.pk], "import")]
    assert counts(run_import(feed)[0]) == [0, 0, 1, 0, 0, 0]


def test_a_fetched_photo_stays_when_the_feed_gives_it_as_a_file(folder: Path) -> None:
    product = make_product(sku="1", title="Hat", price=1)
    image = make_image(product, data=photo_bytes(0))
    ProductImage.objects.filter(pk=image.pk).update(source_url="https://shop.example/a.jpg")
    report, _, _ = run_import(write_feed(folder, "1,Hat,a.png,,,1 EUR,,"))
    assert (report["photos_added"], report["photos_removed"]) == (0, 0)
    assert product.images.get().pk == image.pk


def test_many_small_batches_do_as_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "BATCH_ROWS", 2)
    rows = [f"{number},Hat {number},{'abcd'[number % 4]}.png,,,1 EUR,,A > B{number % 3}" for number in range(9)]
    assert counts(run_import(write_feed(folder, *rows))[0]) == [9, 0, 0, 9, 0, 0]
    assert counts(run_import(folder / "feed.csv")[0]) == [0, 0, 9, 0, 0, 0]
    assert len(set(ProductImage.objects.values_list("file", flat=True))) == 4


@pytest.mark.django_db(transaction=True)
def test_a_row_that_the_database_refuses_is_reported_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A category is deleted by somebody else between its look-up and the writing of the batch."""
    from catalog.categories import CategoryTree

    make = CategoryTree.make
    monkeypatch.setattr(CategoryTree, "make", lambda self, path: make(self, path) if path != ("Gone",) else 10**9)
    find = CategoryTree.find
    monkeypatch.setattr(CategoryTree, "find", lambda self, path: 10**9 if path == ("Gone",) else find(self, path))
    report, problems, _ = run_import(write_feed(folder, ONE, "7,Bad,,,,1 EUR,,Gone", TWO))
    assert counts(report) == [2, 0, 0, 4, 0, 1]
    assert len(problems) == 1 and problems[0].startswith("line 3: the database refuses it: ")


@pytest.mark.django_db(transaction=True)
def test_an_id_whose_first_row_the_database_refused_is_not_taken(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from catalog.categories import CategoryTree

    make, find = CategoryTree.make, CategoryTree.find
    monkeypatch.setattr(CategoryTree, "make", lambda self, path: 10**9 if path == ("Gone",) else make(self, path))
    monkeypatch.setattr(CategoryTree, "find", lambda self, path: 10**9 if path == ("Gone",) else find(self, path))
    rows = ["7,Bad,,,,1 EUR,,Gone", "7,Good,,,,1 EUR,,", "7,Late,,,,1 EUR,,"]
    report, problems, _ = run_import(write_feed(folder, ONE, *rows, TWO))
    assert counts(report) == [3, 0, 0, 4, 0, 2]
    assert Product.objects.get(sku="7").title == "Good"
    assert problems[0].startswith("line 3: the database refuses it: ")
    assert problems[1] == "line 5: id 7 was in line 4 already; the first one counts"


def test_files_swept_before_their_batch_is_written_are_stored_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, swept = importing.write, []

    def sweep_then_write(*args: Any) -> Any:
        if not swept:
            swept.append(sweep_files(grace_seconds=-60).removed)
        return write(*args)

    monkeypatch.setattr(importing, "write", sweep_then_write)
    assert counts(run_import(write_feed(folder, ONE, TWO))[0]) == [2, 0, 0, 4, 0, 0]
    assert swept == [4]
    assert all(default_storage.exists(image.file.name) for image in ProductImage.objects.all())


def test_a_file_that_is_gone_when_it_is_to_be_stored_again_is_reported(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, swept = importing.write, []

    def sweep_then_write(*args: Any) -> Any:
        if not swept:
            swept.append(sweep_files(grace_seconds=-60).removed)
            (folder / "b.png").unlink()
        return write(*args)

    monkeypatch.setattr(importing, "write", sweep_then_write)
    report, problems, succeeded = run_import(write_feed(folder, ONE, TWO))
    assert (counts(report), problems, succeeded) == ([2, 0, 0, 3, 0, 1], ["line 3: b.png does not exist"], False)
    assert (digests("1"), digests("2")) == (of(0), of(2, 3))


def test_files_that_are_swept_every_time_are_given_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write, swept = importing.write, []

    def sweep_then_write(*args: Any) -> Any:
        swept.append(sweep_files(grace_seconds=-60).removed)
        return write(*args)

    monkeypatch.setattr(importing, "write", sweep_then_write)
    report, problems, _ = run_import(write_feed(folder, ONE))
    assert (counts(report), swept) == ([1, 0, 0, 0, 0, 1], [1, 1, 1, 0])
    assert problems == ["line 2: a.png: removed from storage 3 times while the row was written; import again"]


def test_storage_is_not_asked_while_products_are_locked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_import(write_feed(folder, ONE.replace("a.png", ""), TWO))
    asked: dict[str, bool] = {}
    exists = WholeFileStorage.exists

    def noted(self: WholeFileStorage, name: str) -> bool:
        asked[name] = any("FOR NO KEY UPDATE" in query["sql"] for query in connection.queries_log)
        return exists(self, name)

    monkeypatch.setattr(WholeFileStorage, "exists", noted)
    with CaptureQueriesContext(connection):
        report, _, _ = run_import(write_feed(folder, ONE, TWO.replace("Dress", "Gown")))
        assert any("FOR NO KEY UPDATE" in query["sql"] for query in connection.queries_log)
    assert counts(report) == [0, 2, 0, 1, 0, 0]
    assert asked == {Product.objects.get(sku="1").images.get().file.name: False}


@pytest.mark.django_db(transaction=True)
def test_a_batch_is_written_again_when_postgres_went_away(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write, lost = importing.write, []

    def lose_then_write(*args: Any) -> Any:
        if len(lost) < 2:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                lost.extend(cursor.fetchone())
            end_session(lost[-1])
        return write(*args)

    monkeypatch.setattr(importing, "write", lose_then_write)
    report, problems, succeeded = run_import(write_feed(folder, ONE, TWO))
    assert (counts(report), problems, succeeded, len(set(lost))) == ([2, 0, 0, 4, 0, 0], [], True, 2)


def end_session(pid: int) -> None:
    def end() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        connection.close()

    thread = threading.Thread(target=end)
    thread.start()
    thread.join()


def test_memory_does_not_grow_with_the_feed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four thousand rows take hardly more than the first two thousand: what is kept of each is in a file."""
    # As on a connection that has only imported: where one searches, too, psycopg keeps the texts of its last 100 statements.
    monkeypatch.setattr(connection.connection, "prepare_threshold", None)
    rows = (
        f"{'long-' * 35}{number},{'A long title ' * 20},{f'https://a.example/{number}.jpg' * (number % 10 == 0)},"
        ",,1 EUR,,A > B"
        for number in range(4_000)
    )
    peaks: dict[int, int] = {}
    held: dict[int, int] = {}  # by all code, which other tests' threads and late imports raise now and then
    taken: list[tracemalloc.Snapshot] = []

    def advance(report: Report) -> None:
        gc.collect()  # when Python does it by itself depends on the tests before
        held[report.rows], peaks[report.rows] = tracemalloc.get_traced_memory()
        if report.rows in (2_000, 3_800):
            taken.append(tracemalloc.take_snapshot())

    with open_feed(write_feed(folder, *rows)) as feed:
        tracemalloc.start()
        try:
            report = importing.FeedImport(feed, advance=advance).run()
        finally:
            tracemalloc.stop()
    assert (report.changes.created, report.changes.photos_added) == (4_000, 400)
    assert peaks[4_000] < 16 * 1024**2
    early, late = taken
    grown = sorted(late.compare_to(early, "lineno"), key=lambda line: -line.size_diff)
    own = [line.size_diff for line in grown if line.traceback[0].filename.startswith(f"{settings.BASE_DIR}/catalog/")]
    assert sum(own) < 1_800 * 50
    batches = [held[row] - held[row - 200] for row in range(2_200, 3_800, 200)]
    assert median(batches) < 200 * 50, list(map(str, grown[:5]))


def test_a_folder_tree_goes_in(folder: Path) -> None:
    shop = folder / "shop"
    write_photo(shop, "Dress/Summer/red_one.png", 1)
    write_photo(shop, "Hat/blue.png", 2)
    (shop / "Hat/broken.jpg").write_text("no photo")
    (shop / "Hat/link.png").symlink_to(folder / "a.png")
    report, problems, succeeded = run_import(shop)
    assert (counts(report), succeeded) == ([4, 0, 0, 2, 0, 2], False)
    assert sorted(problem.partition(":")[0] for problem in problems) == ["Hat/broken.jpg", "Hat/link.png"]
    red = Product.objects.get(sku="Dress/Summer/red_one.png")
    assert (red.title, red.category.slug, digests(red.sku)) == ("Red one", "summer", of(1))
    assert counts(run_import(shop)[0]) == [0, 0, 4, 0, 0, 2]


def test_the_summary_is_for_people(folder: Path) -> None:
    out = StringIO()
    call_command("import_products", str(write_feed(folder, ONE, TWO)), stdout=out, verbosity=0)
    assert out.getvalue() == (
        "2 rows: 2 products created, 0 updated, 0 unchanged; 4 photos added, 0 removed; 0 problems\n"
    )
    with pytest.raises(CommandError, match="1 rows, cells or photos did not go in"):
        call_command("import_products", str(write_feed(folder, "1,")), stdout=out, stderr=StringIO(), verbosity=0)


def test_a_feed_that_cannot_be_read_says_why(folder: Path) -> None:
    with pytest.raises(CommandError, match=r"none\.csv cannot be read: No such file or directory"):
        call_command("import_products", str(folder / "none.csv"), verbosity=0)


def test_the_bar_is_shown_where_nobody_asked_for_silence(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    call_command("import_products", str(write_feed(folder, ONE)))
    assert "Importing: 100%" in capfd.readouterr().err


def test_a_photo_added_by_hand_is_the_same_photo(folder: Path) -> None:
    """The feed rules: it keeps what it names, by content."""
    product = make_product(sku="1", title="Hat")
    by_hand = add_photo(product=product, data=photo_bytes(0), alt="front")
    run_import(write_feed(folder, ONE))
    assert [(image.pk, image.alt) for image in product.images.all()] == [(by_hand.pk, "front")]


@pytest.mark.photos
@pytest.mark.skipif(not CLOTHING.exists(), reason="the real photos are not beside the project")
def test_the_clothing_catalogue_goes_in_and_again_changes_nothing() -> None:
    report, problems, succeeded = run_import(CLOTHING)
    assert (counts(report), problems, succeeded) == ([1192, 0, 0, 1192, 0, 0], [], True)
    assert Category.objects.get_children_count(Category.objects.get(slug="clothing")) == 10
    assert counts(run_import(CLOTHING)[0]) == [0, 0, 1192, 0, 0, 0]


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_new_products_without_any_title_are_one_error_with_the_columns(folder: Path, options: tuple[str, ...]) -> None:
    feed = write_feed(folder, *(f"N{number},Hue,9 EUR" for number in range(250)), header="id,navn,price")
    err = StringIO()
    with pytest.raises(CommandError, match="nothing went in: no product has one of its 250 ids yet") as raised:
        call_command("import_products", str(feed), *options, stderr=err, verbosity=0)
    assert str(raised.value).endswith(
        "its columns are id, navn, price; say which of them is the title in a mapping file, which --suggest-mapping writes"
    )
    assert (err.getvalue(), Product.objects.count()) == ("", 0)


def test_where_one_row_is_of_a_known_product_the_others_are_told_one_by_one(folder: Path) -> None:
    make_product(sku="LAST", title="Hat")
    rows = [f"N{number},9 EUR" for number in range(1_205)]
    report, problems, succeeded = run_import(write_feed(folder, *rows, "LAST,9 EUR", "AFTER,9 EUR", header="id,price"))
    assert (report["updated"], report["problem_count"], report["rows"], succeeded) == (1, 1_206, 1_207, False)
    assert problems[0] == "line 2: title: missing; no product has the id N0 yet, and a new one needs a title"
    assert problems[1000] == "after line 1001: title: missing, in 200 more rows of ids that no product has"
    assert [line.partition(";")[0] for line in problems[1001:]] == [
        f"line {line}: title: missing" for line in (*range(1202, 1207), 1208)
    ]
