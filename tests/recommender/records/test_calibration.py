"""What a space's row keeps of its calibration is read by name, written back whole, and refused where no version writes it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from recommender.records.calibration import LABELS, Bin, Calibration, Curve, read_calibration
from recommender.records.reading import MalformedRecord


def written(**changes: Any) -> dict[str, Any]:
    curves = [
        {"weight": 0.0, "scores": [0.25, 0.5], "confidences": [10.0, 90.5], "error": 0.0125},
        {"weight": 0.18, "scores": [0.3], "confidences": [50.0], "error": None},
    ]
    return {
        "basis": "labels",
        "labels": "category,attribute:color",
        "fitted_at": "2026-11-29T08:30:00.123456+00:00",
        "photos": 4000,
        "queries": 3000,
        "judged_queries": 1000,
        "curves": curves,
        "reliability": [{"answers": 40, "confidence": 0.55, "share": 0.5}],
        "answers_share": 0.5125,
        "pairs_share": 0.0625,
        "unseen_error": None,
    } | changes


def test_it_is_read_by_name_and_written_back_byte_for_byte() -> None:
    found = read_calibration(written(), space="mine")
    assert found == Calibration(
        basis=LABELS,
        labels="category,attribute:color",
        fitted_at=datetime(2026, 11, 29, 8, 30, 0, 123456, tzinfo=UTC),
        photos=4000,
        queries=3000,
        judged_queries=1000,
        curves=(
            Curve(weight=0.0, scores=(0.25, 0.5), confidences=(10.0, 90.5), error=0.0125),
            Curve(weight=0.18, scores=(0.3,), confidences=(50.0,)),
        ),
        reliability=(Bin(answers=40, confidence=0.55, share=0.5),),
        answers_share=0.5125,
        pairs_share=0.0625,
    )
    assert orjson.dumps(found.as_json()) == orjson.dumps(written())


def test_what_a_later_version_adds_is_kept() -> None:
    value = written(sampled="groups")
    value["curves"][0]["knots"] = 2
    value["reliability"][0]["spread"] = 0.1
    found = read_calibration(value, space="mine")
    assert found is not None and found.as_json() == value


def test_of_an_empty_object_nothing_is_fitted() -> None:
    assert read_calibration({}, space="mine") is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"basis": None}, "key basis: a value is needed"),
        ({"photos": "many"}, "key photos: a whole number is needed"),
        ({"curves": []}, "key curves: curves of rising weight is needed"),
        ({"curves": [{"weight": 0, "scores": [], "confidences": []}]}, "key curves.confidences: as many numbers as"),
        ({"curves": [{"weight": 0, "scores": [0.5, 0.4], "confidences": [1, 2]}]}, "key curves.scores: rising numbers"),
        ({"curves": [{"weight": 0, "scores": [0.4, 0.5], "confidences": [2, 1]}]}, "key curves.confidences: rising"),
        ({"curves": [{"weight": at, "scores": [0], "confidences": [0]} for at in (1, 0)]}, "curves of rising weight"),
    ],
)
def test_what_no_version_writes_is_named_with_the_remedy(changes: dict[str, Any], words: str) -> None:
    value = {key: one for key, one in written(**changes).items() if one is not None}
    with pytest.raises(MalformedRecord) as raised:
        read_calibration(value, space="mine")
    assert words in str(raised.value)
    assert str(raised.value).startswith("space mine, calibration") and "`spaces evaluate mine`" in str(raised.value)
