"""Feeds in gz and zip, in folders and behind URLs: bounded, and gone afterwards."""

from __future__ import annotations

import gzip
import io
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from catalog.feeds.reading import open_feed
from catalog.feeds.rows import FeedError, FeedRow
from catalog.photos.fetch import PhotoFetcher
from tests.catalog.factories import photo_bytes
from tests.catalog.feeds.files import counts, run_import
from tests.catalog.feeds.readers import read, refusal, values
from tests.catalog.feeds.workbooks import workbook
from tests.catalog.photo_server import Server, reply

TABLE = b"id,title\n1,Kettle\n"
KETTLE = {"id": ["1"], "title": ["Kettle"]}
TABLES = {
    "table": TABLE,
    "lines": b'{"id": "1", "title": "Kettle"}\n',
    "list": b'[{"id": "1", "title": "Kettle"}]',
    "xml": b"<rss><channel><item><g:id>1</g:id><g:title>Kettle</g:title></item></channel></rss>",
    "xlsx": workbook([["id", "title"], [1.0, "Kettle"]]),
}


def zipped(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return stream.getvalue()


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of temporary files; nothing may stay in it."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("shape", TABLES)
def test_every_shape_in_gz_and_zip_and_both(tmp_path: Path, temporary: Path, shape: str) -> None:
    data = TABLES[shape]
    for packed in (data, gzip.compress(data), zipped({"feed": data}), zipped({"x/feed.csv.gz": gzip.compress(data)})):
        assert values(tmp_path, packed) == [KETTLE]


LONG = [{"id": str(number), "title": "x" * 300} for number in range(2000)]
LONG_FEEDS = {
    "table": "id,title\n" + "".join(f"{row['id']},{row['title']}\n" for row in LONG),
    "lines": "".join(json.dumps(row) + "\n" for row in LONG),
    "list": json.dumps(LONG),
    "xml": "<products>"
    + "".join(f'<product id="{row["id"]}"><title>{row["title"]}</title></product>' for row in LONG)
    + "</products>",
    "xlsx": workbook([["id", "title"], *([row["id"], row["title"]] for row in LONG)]),
}


@pytest.mark.parametrize("shape", LONG_FEEDS)
@pytest.mark.parametrize("pack", [bytes, gzip.compress, lambda data: zipped({"feed": data})], ids=["bare", "gz", "zip"])
def test_rows_are_given_once_more_without_disturbing_the_first_reading(
    tmp_path: Path, temporary: Path, shape: str, pack: Callable[[bytes], bytes]
) -> None:
    content = LONG_FEEDS[shape]
    path = tmp_path / "feed"
    path.write_bytes(pack(content.encode() if isinstance(content, str) else content))
    with open_feed(path) as feed:
        before = list(islice(feed.rows, 700))
        again = list(feed.again())
        assert [*before, *feed.rows] == again
        assert [row.values["id"] for row in again if isinstance(row, FeedRow)] == [[row["id"]] for row in LONG]


@pytest.mark.django_db
def test_a_zip_with_a_feed_and_its_photos(tmp_path: Path, temporary: Path) -> None:
    files = {
        "export/products.csv": b"id,title,image_link\n1,Kettle,photos/1.png\n",
        "export/photos/1.png": photo_bytes(1),
        "__MACOSX/export/._products.csv": b"x",
        "export/.DS_Store": b"x",
    }
    path = tmp_path / "export.zip"
    path.write_bytes(zipped(files))
    report, problems, _ = run_import(path)
    assert (problems, counts(report)) == ([], [1, 0, 0, 1, 0, 0])
    assert report["notices"] == ["read products.csv"]


def test_a_zip_of_photos_is_a_tree_of_photos(tmp_path: Path) -> None:
    photos = {"Shoes/red.jpg": b"x", "Shoes/Boots/blue.jpg": b"x"}
    assert [row["id"] for row in values(tmp_path, zipped(photos))] == [["Shoes/red.jpg"], ["Shoes/Boots/blue.jpg"]]


def test_a_folder_with_one_feed_is_that_feed(tmp_path: Path) -> None:
    (tmp_path / "feed.tsv").write_text("id\ttitle\n1\tKettle\n")
    (tmp_path / "1.jpg").touch()
    with open_feed(tmp_path) as feed:
        assert [row.values for row in feed.rows if isinstance(row, FeedRow)] == [KETTLE]
    assert feed.root == tmp_path
    (tmp_path / "other.xml").touch()
    with (
        pytest.raises(FeedError, match=r"several files that may be the feed \(feed.tsv, other.xml\)"),
        open_feed(tmp_path),
    ):
        pass


def test_an_empty_folder_is_no_feed(tmp_path: Path) -> None:
    with open_feed(tmp_path) as feed, pytest.raises(FeedError, match="a folder without a feed and without a photo"):
        list(feed.rows)


def test_bombs_are_refused(tmp_path: Path, temporary: Path, settings: Any) -> None:
    zeros = bytes(80 * 1024 * 1024)
    bomb = "it unpacks to more than 200 times its size, as no feed does: refused"
    assert refusal(tmp_path, gzip.compress(zeros, 1)) == bomb
    assert refusal(tmp_path, zipped({"a.csv": zeros})) == bomb
    settings.FEED_MAX_BYTES = 10 * 1024 * 1024
    assert refusal(tmp_path, gzip.compress(zeros, 1)) == "unpacked it is larger than 10 MB (FEED_MAX_BYTES)"
    layers = TABLE
    for _ in range(4):
        layers = gzip.compress(layers)
    assert refusal(tmp_path, layers) == "packed more than 3 times"


def test_archives_that_cannot_be_unpacked_say_so(tmp_path: Path, temporary: Path) -> None:
    for kept in (-9, -1, 30):  # without the length at its end, or without the end of its content
        assert refusal(tmp_path, gzip.compress(TABLE * 100)[:kept]).startswith("a gz file that cannot be unpacked")
    assert refusal(tmp_path, zipped({"a.csv": TABLE})[:-9]).startswith("a zip archive that cannot be read")
    assert refusal(tmp_path, zipped({"../a.csv": TABLE})).startswith(
        "a zip archive that names a file outside of itself"
    )


def test_a_spreadsheet_as_a_person_reads_it(tmp_path: Path) -> None:
    rows = [
        [],
        ["id", "title", "price", "size", "gtin", "new", "since", None],
        [1234.0, " Kettle ", 12.5, 0.1 + 0.2, 4006381333931.0, True, "date:46053"],
        [None, None, None],
        ["A 2", "Pan", 1e21, None, None, False, "date:46053.5"],
    ]
    good, bad, notices = read(tmp_path, workbook([[], []], rows), "feed.csv")
    assert (bad, notices) == ([], ["read the sheet 'Sheet2'"])
    names = ("id", "title", "price", "size", "gtin", "new", "since")
    assert [[row[name][0] for name in names] for row in good] == [
        ["1234", "Kettle", "12.5", "0.3", "4006381333931", "true", "2026-01-31"],
        ["A 2", "Pan", "1000000000000000000000", "", "", "false", "2026-01-31T12:00:00"],
    ]
    assert read(tmp_path, workbook([["id", "title"], ["1", "x"]], rows, hidden=True))[0][0]["id"] == ["1234"]


def test_spreadsheets_are_bounded(tmp_path: Path) -> None:
    header = [["id", "title"], ["1", "x"]]
    far = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    assert refusal(tmp_path, workbook(header, extra=far)) == (
        "a spreadsheet of 1,048,576 rows and 16,384 columns; save it as CSV"
    )
    odd = '<row r="3"><c r="&#88;FD1048576"><v>1</v></c></row>'
    assert refusal(tmp_path, workbook(header, extra=odd)).startswith("a spreadsheet whose cells are named in a way")
    large = workbook(header, extra=" " * (151 * 1024 * 1024))
    assert refusal(tmp_path, large) == "a spreadsheet of more than 150 MB unpacked; save it as CSV"
    assert refusal(tmp_path, workbook([[]])) == "a spreadsheet without a header: no visible sheet has a row of names"


@pytest.fixture
def fetcher() -> PhotoFetcher:
    """Reaches this machine's loopback alone, which the fetcher of production refuses."""
    return PhotoFetcher(
        resolve=lambda host, port: ["127.0.0.1"],
        refusal=lambda address: None if address.is_loopback else "elsewhere",
        ports=range(65536),
        limit=10_000,
        noun="feed",
    )


def test_a_feed_behind_a_url(temporary: Path, fetcher: PhotoFetcher) -> None:
    server = Server(lambda stream, _: stream.sendall(reply("200 OK", gzip.compress(TABLE))))
    with open_feed(f"http://shop.example:{server.port}/feed.csv.gz?key=1", fetcher) as feed:
        assert [row.values for row in feed.rows if isinstance(row, FeedRow)] == [KETTLE]
    assert server.asked[0].startswith(b"GET /feed.csv.gz?key=1 HTTP/1.1\r\n")
    server.close()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (reply("404 Not Found"), "shop.example answered 404 Not Found; put a feed there or correct the URL"),
        (reply("200 OK", bytes(10_001)), "the feed is larger than 0.00953674 MB; put a smaller one there"),
        (reply("302 Found", b"", "Location: ftp://a.example/"), "'ftp://a.example/' is no http(s) URL of a host"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nid,title\n1", "shop.example broke off: IncompleteRead"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nid,title\n1,x\n", "shop.example broke off: IncompleteRead"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nd\r\nid,title\n1,x\n\r\n",
            "shop.example broke off: IncompleteRead",
        ),
    ],
)
def test_a_url_that_gives_no_feed(temporary: Path, fetcher: PhotoFetcher, answer: bytes, reason: str) -> None:
    server = Server(lambda stream, _: stream.sendall(answer))
    with pytest.raises(FeedError) as error, open_feed(f"http://shop.example:{server.port}/feed.csv", fetcher):
        pass
    assert str(error.value).startswith(reason)
    server.close()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1/feed.csv", "127.0.0.1 is not at a public address: feeds come from public hosts"),
        ("file:///etc/passwd", "'file:///etc/passwd' is no http(s) URL of a host"),
    ],
)
def test_the_command_fetches_from_public_hosts_alone(url: str, reason: str) -> None:
    with pytest.raises(CommandError) as error:
        call_command("import_products", url, verbosity=0)
    assert str(error.value) == f"{url}: {reason}"
