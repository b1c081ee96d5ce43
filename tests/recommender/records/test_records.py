"""What a space's row keeps of its fit and its judgement is read whichever version wrote it, and written back whole."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from recommender.records.fit import ChosenShrinkage, Fit, read_fit, read_parameters
from recommender.records.quality import Quality, read_quality
from recommender.records.reading import Interval, MalformedRecord


def fit_of(value: object) -> Fit:
    fit = read_fit(value, space="mine")
    assert fit is not None
    return fit


def quality_of(value: object) -> Quality:
    quality = read_quality(value, space="mine")
    assert quality is not None
    return quality


# As each version wrote them, none of them through the records.
FITS: dict[str, str] = {
    "the space that a shop begins with": '{"fitted_at": "2026-11-20T07:00:00.500000+00:00", "photos": 0}',
    "the first version's PCA": """{"judged_photos": 170, "fitted_at": "2026-11-22T08:30:00.123456+00:00", "photos": 240,
        "makeup": {"bags": 200, "": 40}}""",
    "the first version's learned": """{"judged_photos": 150, "labelled": 200, "classes": ["bags", "hats"],
        "judged_classes": ["bags"], "unseen_classes": ["hats"], "fitted_at": "2026-11-22T08:30:00.123456+00:00",
        "photos": 240, "makeup": {"bags": 150, "hats": 50, "": 40}}""",
    "one of more products than are named": """{"judged_photos": 9000, "labelled": 12000,
        "fitted_at": "2026-11-22T08:30:00.123456+00:00", "photos": 12000, "makeup": {"": 12000}}""",
    "without a projection": """{"fitted_at": "2026-11-23T08:30:00.123456+00:00", "asked": {}, "photos": 240,
        "makeup": {"bags": 240, "": 0}, "last_features": 977}""",
    "learned, with drift and a refused refit": """{"judged_photos": 150, "held_out": [3, 5, 8], "labelled": 200,
        "classes": ["bags", "hats"], "judged_classes": ["bags"], "unseen_classes": ["hats"],
        "fitted_at": "2026-11-23T08:30:00.123456+00:00", "asked": {"lists": 0}, "photos": 240,
        "makeup": {"bags": 150, "hats": 50, "": 40}, "last_features": 977,
        "drift": {"measured_at": "2026-11-24T00:47:00.654321+00:00", "photos": 400, "new_share": 0.4, "shift": 0.0,
            "proposal": "160 of 400 photos are new since it was fitted: fit it anew with `spaces build …`"},
        "refit_refused_at_photos": 400}""",
    "learned by a chosen shrinkage": """{"judged_photos": 150, "held_out": [3], "labelled": 200, "classes": ["bags"],
        "judged_classes": ["bags"], "unseen_classes": [], "fitted_at": "2026-11-29T08:30:00.123456+00:00", "photos": 240,
        "shrinkage": {"value": 0.6, "draws": 5, "photos": 150, "seen": [0.05, 0.06, 0.07], "unseen": null}}""",
    "with drift and nothing to do": """{"judged_photos": 170, "held_out": [], "asked": {"m": 8},
        "fitted_at": "2026-11-23T08:30:00.123456+00:00", "photos": 240, "makeup": {"": 240}, "last_features": 0,
        "drift": {"measured_at": "2026-11-24T00:47:00.654321+00:00", "photos": 240, "new_share": 0, "shift": 0.0125,
            "proposal": null}}""",
}


def test_a_chosen_shrinkage_is_read_by_name() -> None:
    fit = fit_of(orjson.loads(FITS["learned by a chosen shrinkage"]))
    assert fit.shrinkage == ChosenShrinkage(
        value=0.6, draws=5, photos=150, seen=Interval(0.05, 0.06, 0.07), unseen=None
    )
    assert fit_of(orjson.loads(FITS["the first version's learned"])).shrinkage is None


@pytest.mark.parametrize("written", FITS.values(), ids=FITS.keys())
def test_a_fit_of_every_version_is_read_and_written_back_the_same(written: str) -> None:
    value = orjson.loads(written)
    assert fit_of(value).as_json() == value


def test_a_fit_has_its_values_by_name() -> None:
    fit = fit_of(orjson.loads(FITS["learned, with drift and a refused refit"]))
    assert (fit.judged_photos, fit.held_out, fit.labelled) == (150, (3, 5, 8), 200)
    assert (fit.classes, fit.judged_classes, fit.unseen_classes) == (("bags", "hats"), ("bags",), ("hats",))
    assert fit.fitted_at == datetime(2026, 11, 23, 8, 30, 0, 123456, tzinfo=UTC)
    assert (fit.asked, fit.photos, fit.makeup) == ({"lists": 0}, 240, {"bags": 150, "hats": 50, "": 40})
    assert (fit.last_features, fit.refit_refused_at_photos) == (977, 400)
    assert fit.drift is not None and (fit.drift.photos, fit.drift.new_share, fit.drift.shift) == (400, 0.4, 0.0)


def test_what_an_earlier_version_did_not_write_is_none() -> None:
    fit = fit_of(orjson.loads(FITS["the first version's PCA"]))
    assert (fit.held_out, fit.asked, fit.last_features, fit.classes, fit.drift) == (None, None, None, None, None)


def judgement(**changes: Any) -> dict[str, Any]:
    """As this version and the one before write it."""
    figures = {"p@1": [0.8, 0.9, 1.0], "p@10": [0.6, 0.7, 0.8], "map@50": [0.5, 0.625, 0.75]}
    return {
        "judged_at": "2026-11-23T08:31:00.123456+00:00",
        "signature": "category 240 -3178",
        "judged_by": "category",
        "active": "plain",
        "photos": 70,
        "queries": {"overall": 70, "seen": 60, "unseen": 10},
        "training_photos": 170,
        "known_share": 0.9583,
        "systems": {"space": {"overall": figures, "seen": figures}, "plain": {"overall": figures, "seen": figures}},
        "differences": {"plain": {"overall": [-0.1, 0.0, 0.1], "seen": [0.1, 0.2, 0.3]}},
        "labels": {"bags": {"queries": 60, "seen": True, "systems": {"space": figures, "plain": figures}}},
        "labels_left_out": 3,
        "ann_recall": 0.9975,
    } | changes


def test_a_judgement_is_read_by_name_and_written_back_the_same_byte_for_byte() -> None:
    value = judgement()
    quality = quality_of(value)
    assert orjson.dumps(quality.as_json()) == orjson.dumps(value)
    assert quality.judged_at == datetime(2026, 11, 23, 8, 31, 0, 123456, tzinfo=UTC)
    assert (quality.judged_by, quality.active, quality.known_share) == ("category", "plain", 0.9583)
    assert quality.systems["space"]["seen"]["map@50"] == Interval(0.5, 0.625, 0.75)
    assert quality.differences["plain"]["overall"].low == -0.1
    assert (quality.labels["bags"].queries, quality.labels["bags"].seen) == (60, True)
    assert (quality.labels_left_out, quality.ann_recall) == (3, 0.9975)


def test_a_judgement_by_several_labels_has_the_figures_by_each() -> None:
    by_brand = {
        "systems": {"space": {"overall": {"map@50": [0.5, 0.625, 0.75]}}},
        "differences": {"plain": {"overall": [-0.1, 0.0, 0.1]}},
    }
    value = judgement(each_label={"brand": by_brand})
    quality = quality_of(value)
    assert quality.as_json() == value
    assert quality.each_label["brand"].systems["space"]["overall"]["map@50"] == Interval(0.5, 0.625, 0.75)
    assert quality.each_label["brand"].differences["plain"]["overall"] == Interval(-0.1, 0.0, 0.1)
    assert quality_of(judgement()).each_label == {}


def test_a_judgement_without_scores_or_rival_is_written_back_the_same() -> None:
    value = judgement(
        active=None, queries={"overall": 0}, systems={}, differences={}, labels={}, labels_left_out=0, ann_recall=None
    )
    assert orjson.dumps(quality_of(value).as_json()) == orjson.dumps(value)


def test_a_judgement_of_the_first_version_is_read() -> None:
    """It kept no count of the classes it left out, and of a class the means alone."""
    means = {"p@1": 0.9, "p@10": 0.7, "map@50": 0.625}
    value = judgement(labels={"bags": {"queries": 60, "seen": None, "systems": {"space": means, "plain": means}}})
    del value["labels_left_out"]
    quality = quality_of(value)
    one = quality.labels["bags"].systems["space"]["map@50"]
    assert one.mean == 0.625 and math.isnan(one.low) and math.isnan(one.high)
    assert quality.labels_left_out == 0
    assert quality.as_json() == value | {"labels_left_out": 0}


def test_nothing_was_fitted_or_judged_where_the_object_is_empty() -> None:
    assert read_fit({}, space="mine") is None and read_quality({}, space="mine") is None


def test_keys_of_a_later_version_are_kept_when_a_record_is_written_back() -> None:
    fit = {
        "photos": 0,
        "spread": {"by": ["hue", 3]},
        "drift": {"measured_at": "2026-11-24T00:47:00+00:00", "photos": 1, "new_share": 0.5, "shift": 0.5}
        | {"proposal": None, "since": 7},
    }
    assert fit_of(fit).as_json() == fit
    bags = judgement()["labels"]["bags"] | {"worst": [1, 2]}
    quality = judgement(labels={"bags": bags}, colour_weight=0.25)
    assert quality_of(quality).as_json() == quality


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({"photos": "70"}, "key photos: a whole number is needed, not '70'"),
        ({"photos": True}, "key photos: a whole number is needed, not True"),
        ({"held_out": [1, None]}, "key held_out: a whole number is needed, not None"),
        ({"held_out": 3}, "key held_out: a list is needed, not 3"),
        ({"classes": ["bags", 3]}, "key classes: a text is needed, not 3"),
        ({"makeup": {"bags": 1.5}}, "key makeup.bags: a whole number is needed, not 1.5"),
        ({"makeup": [1]}, "key makeup: an object is needed, not [1]"),
        ({"fitted_at": "yesterday"}, "key fitted_at: a date and time in ISO 8601 is needed, not 'yesterday'"),
        ({"shrinkage": {"draws": 5}}, "key shrinkage.value: a value is needed, not None"),
        ({"drift": {"photos": 3}}, "key drift.measured_at: a value is needed, not None"),
    ],
)
def test_a_malformed_fit_names_the_space_and_the_key(value: object, why: str) -> None:
    with pytest.raises(MalformedRecord) as raised:
        read_fit(value, space="pca-256")
    remedy = "build a new space in its place (`spaces build`)"
    assert str(raised.value) == f"space pca-256, fit_summary, {why}; {remedy}"


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ([], ": an object is needed, not []"),
        ({"judged_at": 3}, ", key judged_at: a date and time in ISO 8601 is needed, not 3"),
        (judgement(signature=None), ", key signature: a text is needed, not None"),
        (judgement(known_share="1"), ", key known_share: a number is needed, not '1'"),
        (
            judgement(systems={"space": {"seen": {"p@1": [0.1, 0.2]}}}),
            ", key systems.space.seen.p@1: [low, mean, high] is needed, not [0.1, 0.2]",
        ),
        (
            judgement(labels={"bags": {"queries": 1, "seen": "no", "systems": {}}}),
            ", key labels.bags.seen: true or false is needed, not 'no'",
        ),
    ],
)
def test_a_malformed_judgement_names_the_space_and_the_key(value: object, why: str) -> None:
    with pytest.raises(MalformedRecord) as raised:
        read_quality(value, space="pca-256")
    assert str(raised.value) == f"space pca-256, quality{why}; judge it anew with `spaces evaluate pca-256`"


def test_index_parameters_are_whole_numbers_by_name() -> None:
    assert read_parameters({"lists": 10, "probes": 3}, space="mine") == {"lists": 10, "probes": 3}
    with pytest.raises(MalformedRecord, match=r"^space mine, parameters, key m: a whole number is needed, not '8'"):
        read_parameters({"m": "8"}, space="mine")
