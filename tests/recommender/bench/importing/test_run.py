"""The bench of imports: its feeds are read whole, and a figure that falls short is a missed target."""

from __future__ import annotations

import hashlib
from io import StringIO
from pathlib import Path

import orjson
import pytest
from django.core.management import CommandError, call_command

from catalog.feeds.reading import open_feed
from catalog.feeds.rows import FeedRow
from catalog.photos.store import describe
from recommender.bench.importing.feeds import PHOTO_BYTES, SHAPES, Photos, rows, write_feed
from recommender.bench.importing.report import markdown, targets


@pytest.mark.parametrize("shape", SHAPES)
def test_the_same_rows_are_read_from_every_shape(tmp_path: Path, shape: str) -> None:
    path = tmp_path / f"feed.{shape}"
    assert write_feed(path, rows("a", 30)) == 30
    with open_feed(path) as feed:
        read = [row.values for row in feed.rows if isinstance(row, FeedRow)]
    wanted = [{name: text.strip() for name, text in row.items() if text} for row in rows("a", 30)]
    assert [{name: texts[0].strip() for name, texts in row.items() if texts[0]} for row in read] == wanted


def test_a_feed_ends_when_its_bytes_are_enough(tmp_path: Path) -> None:
    path = tmp_path / "feed.csv"
    write_feed(path, rows("a", 10**9), until=lambda size: size > 1_000_000)
    assert 1_000_000 < path.stat().st_size < 2_000_000


def test_every_photo_is_small_and_its_own(tmp_path: Path) -> None:
    photos = Photos(tmp_path / "photos")
    files = [(tmp_path / photos(f"a{number}")).read_bytes() for number in range(120)]
    assert len({hashlib.sha256(data).digest() for data in files}) == 120
    assert all(PHOTO_BYTES * 0.9 < len(data) < PHOTO_BYTES * 1.5 for data in files)
    assert describe(files[0]).width == 64


@pytest.mark.long
def test_reading_is_measured_and_reported(tmp_path: Path) -> None:
    out, json, page = StringIO(), tmp_path / "import.json", tmp_path / "import.md"
    options = ("--reading", "--gigabytes", "0.001", "--json", str(json), "--markdown", str(page))
    try:
        call_command("bench", "import", *options, stdout=out, stderr=StringIO())
    except CommandError as error:
        assert "targets were missed" in str(error)  # a busy machine reads slower
    result = orjson.loads(json.read_bytes())
    assert set(result["reading"]) == set(SHAPES)
    assert all(one["rows"] >= 1000 and one["problems"] == 0 for one in result["reading"].values())
    assert all(0 < one["megabytes"] < 250 for one in result["reading"].values())
    assert page.read_text() in out.getvalue() + "\n"


def test_targets_say_what_was_missed() -> None:
    one = {"rows": 10, "problems": 0, "seconds": 1.0, "megabytes": 100}
    result = {
        "date": "2026-01-01",
        "machine": "one",
        "gigabytes": 1.0,
        "rows": 10,
        "workers": 2,
        "reading": {"csv": one | {"rate": 30_000, "megabytes": 251}, "xml": one | {"rate": 9_999}},
        "importing": {
            "csv, new": one | {"rate": 1_500},
            "csv, unchanged": one | {"rate": 4_999},
            "xml, new, while workers embed": one | {"rate": 399},
        },
    }
    result["targets"] = targets(result)
    assert [target["target"] for target in targets(result) if not target["met"]] == [
        "memory for reading 1 GB of csv, MB",
        "rows a second, reading 1 GB of xml",
        "rows a second, csv, unchanged",
        "rows a second, xml, new, while workers embed",
    ]
    assert "- MISSED: rows a second, csv, unchanged: 4,999 (≥ 5,000)" in markdown(result)


@pytest.mark.parametrize("options", [("--rows", "99"), ("--gigabytes", "0"), ("--workers", "-1")])
def test_sizes_that_cannot_be_are_refused(options: tuple[str, str]) -> None:
    with pytest.raises(CommandError, match="--rows takes 100 and more"):
        call_command("bench", "import", *options)
