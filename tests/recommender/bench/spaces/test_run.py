"""The bench of the fits: it measures what it says, and a fit that takes too much memory is a missed target."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import numpy as np
import orjson
import pytest
from django.core.management import CommandError, call_command

from recommender.bench.spaces import run as spaces
from recommender.bench.spaces.process import CLASSES, Gallery


def test_the_drawn_gallery_is_the_same_at_every_reading_and_sorted_by_class() -> None:
    gallery = Gallery(9000, 16)
    first, again = (list(gallery.batches()) for _ in range(2))
    assert [len(ids) for ids, _, _ in first] == [4096, 4096, 808]
    for (ids, rows, classes), (same_ids, same_rows, _) in zip(first, again, strict=True):
        assert np.array_equal(ids, same_ids) and np.array_equal(rows, same_rows) and rows.dtype == np.float32
        assert np.all(np.diff(classes) >= 0)
    assert len(np.unique(np.concatenate([classes for _, _, classes in first]))) == CLASSES


def test_every_stage_of_every_size_is_told(tmp_path: Path) -> None:
    out, errors = StringIO(), StringIO()
    file = tmp_path / "spaces.json"
    call_command(
        "bench", "spaces", "--photos", "1000", "2000", "--dims", "64", "--json", str(file), stdout=out, stderr=errors
    )
    result = orjson.loads(file.read_bytes())
    assert [one["photos"] for one in result["sizes"]] == [1000, 2000] and result["dimensions"] == 64
    for one in result["sizes"]:
        assert set(one["seconds"]) == set(spaces.STAGES) and 0 < one["megabytes"] < spaces.MOST_MEGABYTES
    assert result["date"] and result["machine"] and result["missed"] == []
    assert "1,000 photos" in out.getvalue() and "fit learned to 128" in out.getvalue()


def test_too_much_memory_is_a_missed_target(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spaces, "MOST_MEGABYTES", 1)
    out = StringIO()
    with pytest.raises(CommandError, match="1 targets were missed"):
        call_command("bench", "spaces", "--photos", "1000", "--dims", "32", stdout=out, stderr=StringIO())
    assert "missed: 1,000 photos" in out.getvalue()


@pytest.mark.parametrize("arguments", [["--photos", "10"], ["--photos", "1000", "--dims", "0"]])
def test_sizes_that_cannot_be_are_named(arguments: list[str]) -> None:
    with pytest.raises(CommandError, match="--photos takes 1000 and more, --dims 1 and more"):
        call_command("bench", "spaces", *arguments)
