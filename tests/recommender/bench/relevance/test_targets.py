"""Which targets apply, whether they are met, and how a result is shown."""

from __future__ import annotations

from typing import Any

import pytest
from django.template.loader import render_to_string

from recommender.bench.relevance import report
from recommender.bench.relevance.run import PLOTS
from recommender.bench.relevance.targets import targets
from recommender.bench.relevance.variants import VARIANTS

FIRST, BOTH = "category", "category and attribute:color"
LABELS = [FIRST, "attribute:color", BOTH]


def figures(value: float) -> dict[str, list[float]]:
    return {metric: [value - 0.01, value, value + 0.01] for metric in ("p@1", "p@10", "map@50")}


def part(shape: float, whole: float, gain: float) -> dict[str, Any]:
    contestants = {"pca": 0.5, "pca+colour": 0.4, "learned": shape, "learned+colour": whole}
    return {
        "queries": 90,
        "gain": [gain - 0.01, gain, gain + 0.01],
        "contestants": {name: figures(value) for name, value in contestants.items()},
    }


def result(*, labels: list[str] = LABELS, drawn: bool = False) -> dict[str, Any]:
    """A run that met every target, with round numbers."""
    values = {"histogram": 0.2, "unframed": 0.5, "plain": 0.5, "first": 0.5, "pca": 0.5, "pca+colour": 0.48}
    contestants = {name: {label: figures(value) for label in labels} for name, value in values.items()}
    if len(labels) > 1:
        contestants["pca+colour"][BOTH] = figures(0.7)
    parts = {"all": part(0.53, 0.45, 0.05), "seen": part(0.56, 0.5, 0.05), "unseen": part(0.49, 0.4, -0.005)}
    first = {name: [0.9, 1.0, 1.0] for name in VARIANTS}
    made: dict[str, Any] = {
        "date": "2026-01-01",
        "machine": "2 cores",
        "command": "manage.py bench relevance",
        "encoder": "encoder@1",
        "catalogue": "feed.csv",
        "drawn": drawn,
        "products": 1200,
        "photos": 1100,
        "queries": 1000,
        "labels": labels,
        "space": {"name": "pca-256", "dimensions": 256, "color_dims": 64, "color_weight": 0.2},
        "ceilings": {
            label: {"queries": 900, "classes": 9, "of_ten": 0.58, "p@1": 1.0, "p@10": 0.72, "map@50": 1.0}
            for label in labels
        },
        "contestants": contestants,
        "dial": [
            {"weight": tenth / 10, "p@10": {label: [0.3, 0.3 + tenth / 100, 0.5] for label in labels}}
            for tenth in range(11)
        ],
        "robustness": {
            "plain": {"photos": 250, "first": dict(first)},
            "natural": {"photos": 50, "first": dict(first)},
        },
        "held_out": {
            "space": {"name": "learned-256", "dimensions": 256, "color_dims": 64, "color_weight": 0.2},
            "photos": 300,
            "labels": {label: parts for label in labels},
        },
        "confidence": [],
    }
    made["targets"] = targets(made)
    return made


def missed(made: dict[str, Any]) -> list[str]:
    return [one["target"] for one in targets(made) if not one["met"]]


def test_every_target_of_two_labels_is_there_and_met() -> None:
    assert [(one["target"], one["limit"]) for one in targets(result())] == [
        ("P@10 by category, shape alone, less that without framing", "≥ 0"),
        ("P@10 by category and attribute:color, own weight over shape alone", "≥ 1.35"),
        ("P@10 by category, own weight less shape alone", "≥ -0.025"),
        ("mAP@50 by category, learned less pca, unseen classes", "≥ -0.01"),
        ("P@10 by category, learned less pca, held-out photos", "≥ 0.02"),
        ("P@10 by category and attribute:color, learned + colour less pca + colour, held-out photos", "≥ 0"),
        ("canvas 2 ×, border's colour, first answer of plain ground", "≥ 0.97"),
        ("canvas 4 ×, border's colour, first answer of plain ground", "≥ 0.95"),
        ("canvas 2 ×, border's colour, first answer of natural ground", "≥ 0.85"),
        ("canvas 2 ×, white, first answer of natural ground", "≥ 0.85"),
        ("canvas 4 ×, border's colour, first answer of natural ground", "≥ 0.85"),
        ("canvas 4 ×, white, first answer of natural ground", "≥ 0.85"),
    ]
    assert missed(result()) == []


def test_of_one_label_the_gain_on_seen_classes_is_asked() -> None:
    names = [one["target"] for one in targets(result(labels=[FIRST]))]
    assert names[:3] == [
        "P@10 by category, shape alone, less that without framing",
        "mAP@50 by category, learned less pca, unseen classes",
        "mAP@50 by category, learned less pca, seen classes",
    ]
    assert len(names) == 9


def test_what_was_missed_is_said() -> None:
    made = result()
    made["contestants"]["pca+colour"][BOTH] = figures(0.6)
    made["contestants"]["pca+colour"][FIRST] = figures(0.47)
    made["held_out"]["labels"][FIRST]["unseen"]["gain"] = [-0.1, -0.02, 0.0]
    made["robustness"]["natural"]["first"]["canvas 4 ×, white"] = [0.7, 0.8, 0.9]
    assert missed(made) == [
        "P@10 by category and attribute:color, own weight over shape alone",
        "P@10 by category, own weight less shape alone",
        "mAP@50 by category, learned less pca, unseen classes",
        "canvas 4 ×, white, first answer of natural ground",
    ]
    made["targets"] = targets(made)
    page = report.markdown(made, plot=None)
    assert "| P@10 by category, own weight less shape alone | -0.03 | ≥ -0.025 | **no** |" in page
    assert "| canvas 4 ×, white, first answer of natural ground | 0.8 | ≥ 0.85 | **no** |" in page


def test_few_photos_and_drawn_ones_set_no_target() -> None:
    made = result()
    made["robustness"]["natural"]["photos"] = 49
    assert not [one for one in targets(made) if "natural" in one["target"]]
    made["ceilings"][BOTH]["queries"] = 49
    made["held_out"]["labels"][FIRST]["unseen"] = part(0.5, 0.5, -0.5) | {"queries": 49}
    names = [one["target"] for one in targets(made)]
    assert not [name for name in names if ("shape alone" in name and f"by {BOTH}" in name) or "unseen" in name]
    assert len(names) == 5
    assert [one["target"].split(",")[0] for one in targets(result(drawn=True))] == [
        *["canvas 2 ×", "canvas 4 ×"],
        *["canvas 2 ×", "canvas 2 ×", "canvas 4 ×", "canvas 4 ×"],
    ]
    made = result(drawn=True)
    made["robustness"] = {"plain": made["robustness"]["plain"] | {"photos": 3}}
    made["targets"] = targets(made)
    assert made["targets"] == [] and "None applies:" in report.markdown(made, plot=None)


def test_the_page_shows_every_figure_beside_its_ceiling() -> None:
    page = report.markdown(result(), plot="dial.svg")
    assert "### By category and attribute:color: 900 queries, 9 classes" in page
    assert "| PCA + colour | 0.700 ±0.010 | 0.700 ±0.010 | 0.700 ±0.010 |" in page
    assert "| ceiling by class sizes | 1.000 | 0.720 | 1.000 |" in page
    assert "58% of the queries have ten others to find." in page
    assert "| 0.3 | 0.330 ±0.100 | 0.330 ±0.100 | 0.330 ±0.100 |" in page and "(dial.svg)" in page
    assert "### By category, classes that were not learned: 90 queries" in page
    assert "Learned less PCA, mAP@50: -0.005 (-0.015 to +0.005)." in page
    assert "| changed | plain ground, 250 photos | natural ground, 50 photos |" in page
    assert "| tiled watermark | 1.000 ±0.050 | 1.000 ±0.050 |" in page


def test_confidence_is_to_be_near_the_true_share_wherever_there_are_answers_enough() -> None:
    row = {"space": "pca-256", "labels": "category", "products": 180, "answers": 9000, "alike": 0.5}
    near = {"weight": 0.0, "error": 0.02, "middle": 1000, "confidence": 0.51, "share": 0.46}
    far = {"weight": 0.5, "error": 0.0501, "middle": 1000, "confidence": 0.49, "share": 0.5402}
    few = {"weight": 0.8, "error": 0.05, "middle": 999, "confidence": 0.49, "share": 0.6}
    none = {"weight": 1.0, "error": 0.01, "middle": 0, "confidence": None, "share": None}
    made = result()
    made["confidence"] = [row | one for one in (near, far, few, none)]
    found = [one for one in targets(made) if "pca-256" in one["target"]]
    assert [(one["value"], one["limit"], one["met"]) for one in found] == [
        (0.02, "≤ 0.05", True), (0.05, "≤ 0.05", True), (0.0501, "≤ 0.05", False), (0.0502, "≤ 0.05", False),
        (0.05, "≤ 0.05", True), (0.01, "≤ 0.05", True),
    ]  # fmt: skip
    assert missed(made) == [
        "expected calibration error, space pca-256, colour weight 0.5",
        "confidence 40 to 60 less its true share, space pca-256, colour weight 0.5",
    ]
    page = report.markdown(made, plot=None)
    assert "| pca-256, category | 0 | 180 | 9,000 | 0.500 | 0.020 | 1,000 | 0.510 | 0.460 |" in page
    assert "| pca-256, category | 1 | 180 | 9,000 | 0.500 | 0.010 | 0 |  |  |" in page
    assert "## Confidence" not in report.markdown(result(), plot=None)


def test_labels_that_teach_nothing_are_said() -> None:
    made = result()
    made["held_out"] = {"skipped": "no photo has this label"}
    assert "Not built: no photo has this label" in report.markdown(made, plot=None)
    assert not [one for one in targets(made) if "learned" in one["target"]]


@pytest.mark.parametrize("suffix", PLOTS)
def test_the_plot_is_a_line_a_label_and_a_mark_at_the_space_s_weight(suffix: str) -> None:
    plot = report.dial_plot(result())
    drawn = [line for line in plot.lines if len(line.points) == 11]
    assert len(drawn) == 3 and [line.dashed for line in plot.lines].count(True) == 1
    xs, ys = zip(*drawn[0].points, strict=True)
    mark = next(line for line in plot.lines if line.dashed)
    assert mark.points[0][0] == mark.points[1][0] == xs[2]
    assert list(xs) == sorted(xs) and list(ys) == sorted(ys, reverse=True)  # y grows downwards, P@10 grows
    text = render_to_string(PLOTS[suffix], {"plot": plot})
    assert text.startswith({".svg": "<svg xmlns=", ".html": "<!doctype html>"}[suffix])
    assert text.count("<polyline") == len(plot.lines) and "category and attribute:color" in text
