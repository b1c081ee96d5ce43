"""The bench of searches by photo on a small scale: its photos, its words; and that it measures a real server."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from django.core.management import CommandError, call_command

from catalog.photos.reading import decode_photo
from recommender.bench.photo_search import report
from recommender.bench.photo_search.photos import distinct, drawn_photos
from recommender.bench.pipeline.run import run_module
from recommender.bench.temporary import temporary_shop
from recommender.models import Encoder
from tests.catalog.factories import photo_bytes

ONE = {"p50_ms": 8.0, "p99_ms": 12.0, "answers": 40}
MEMORY = {"rss_megabytes": 140.0, "pss_megabytes": 110.0, "threads": 12, "decoders_rss_megabytes": [35.0, 36.0]}
RESULT: dict[str, Any] = {
    "date": "2026-11-29",
    "machine": "2 cores",
    "command": "manage.py bench photo_search --searches 40",
    "encoder": "efficientnet-lite2-int8@1",
    "photos": "drawn",
    "photo_bytes": 60_000,
    "searches": 40,
    "clients": 4,
    "web_processes": 2,
    "one_client": ONE,
    "decode": ONE,
    "forward": ONE,
    "decode_and_forward": ONE,
    "p50_over_decode_and_forward": 1.4,
    "several_clients": ONE,
    "p99_over_p50": 3.0,
    "memory": {"before": MEMORY, "after": MEMORY},
}


def test_every_file_is_another_and_shows_the_same() -> None:
    photos = [photo_bytes(seed, format=format) for seed, format in enumerate(("JPEG", "PNG", "WEBP"))]
    files = [*distinct(photos, range(6)), *distinct(photos, range(6, 9))]
    assert len({hashlib.sha256(file).digest() for file in files}) == 9
    for number, file in enumerate(files):
        shown, meant = (np.asarray(decode_photo(io.BytesIO(data))) for data in (file, photos[number % 3]))
        assert np.array_equal(shown, meant)


def test_drawn_photos_are_of_different_products() -> None:
    assert len({hashlib.sha256(photo).digest() for photo in drawn_photos(9)}) == 9


def test_what_was_promised_is_met_or_missed() -> None:
    assert [one["met"] for one in report.targets(RESULT)] == [True, True, True]
    large = {**MEMORY, "rss_megabytes": 151.0}
    slow = RESULT | {"p50_over_decode_and_forward": 1.41, "p99_over_p50": 3.1, "memory": {"after": large}}
    assert [(one["value"], one["limit"], one["met"]) for one in report.targets(slow)] == [
        (1.41, "≤ 1.4", False),
        (3.1, "≤ 3", False),
        (151.0, "≤ 150", False),
    ]


def test_the_page_holds_every_figure() -> None:
    page = report.markdown(RESULT | {"targets": report.targets(RESULT)})
    assert "| p50 of a search / decode and forward | 1.4 | ≤ 1.4 | yes |" in page
    assert "| search over HTTP, 4 clients | 8.00 | 12.00 | 40 |" in page
    assert "| after | 140 | 110 | 12 | 35, 36 |" in page


def test_a_catalogue_that_does_not_exist_is_named(db: None) -> None:
    with pytest.raises(CommandError, match=r"no-such-feed\.csv: there is no such file or folder"):
        call_command("bench", "photo_search", "--catalog", "no-such-feed.csv")
    with pytest.raises(CommandError, match="a whole number of at least 1 is needed"):
        call_command("bench", "photo_search", "--searches", "0")


@pytest.mark.long
@pytest.mark.worker
def test_it_measures_a_real_server(
    transactional_db: None, compiled_lite0: Encoder, settings: object, tmp_path: Path
) -> None:
    settings.ENCODER = "efficientnet-lite0"  # type: ignore[attr-defined]
    call_command("draw_catalogue", str(tmp_path / "drawn"), products=10, verbosity=0)
    with temporary_shop() as (folder, environment):
        environment |= {"ENCODER": "efficientnet-lite0", "WEB_PROCESSES": "1"}
        feed = str(tmp_path / "drawn" / "products.csv")
        result = orjson.loads(run_module(environment, "recommender.bench.photo_search.process", str(folder), "6", feed))
    for name in ("one_client", "decode", "forward", "decode_and_forward", "several_clients"):
        assert result[name]["answers"] == 6
        assert 0 < result[name]["p50_ms"] <= result[name]["p99_ms"]
    assert (result["encoder"], result["searches"], result["web_processes"]) == ("efficientnet-lite0@1", 6, 1)
    after = result["memory"]["after"]
    assert after["rss_megabytes"] >= result["memory"]["before"]["rss_megabytes"] > 0
    assert len(after["decoders_rss_megabytes"]) >= 1
