"""Exact figures of a tiny catalogue: by label and conjunction, their ceilings, answers by duplicate group."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from recommender.bench.relevance import figures
from recommender.bench.relevance.labelled import Labelled, classes_by_label
from recommender.evaluation.labels import LabelledPhotos, Labelling

# Six groups, products 10 to 15, and product 16, which shares the group of 15 and has another colour.
TYPES, COLOURS = [0, 0, 0, 1, 1, -1], [0, 0, 1, 1, 1, 0]


# Of the conjunction: two of type 0 and colour 0, one of type 0 and colour 1, two of type 1 and colour 1.
TOGETHER = [0, 0, 1, 2, 2, -1]


@pytest.fixture
def shop() -> Labelled:
    given = {"type": TYPES, "colour": COLOURS, "type and colour": TOGETHER}
    classes = {label: np.array(one, np.int32) for label, one in given.items()}
    products = np.arange(10, 16)
    return Labelled(
        image_ids=np.arange(100, 106),
        product_ids=products,
        classes=classes,
        members={**dict(zip(products.tolist(), range(6), strict=True)), 16: 5},
        member_classes={
            label: {**dict(zip(products.tolist(), one.tolist(), strict=True)), 16: {"colour": 1}.get(label, -1)}
            for label, one in classes.items()
        },
    )


def test_several_labels_are_followed_by_their_conjunction() -> None:
    columns = [np.array(one, np.int32) for one in (TYPES, COLOURS, TOGETHER)]
    rows = np.arange(6)
    photos = LabelledPhotos(
        rows, rows, rows, columns[2], rows > 9, ["a + x", "a + y", "b + y"],
        (Labelling("brand", columns[0], ["a", "b"]), Labelling("attribute:colour", columns[1], ["x", "y"])),
    )  # fmt: skip
    found = classes_by_label(photos, "brand,attribute:colour")
    assert {label: one.tolist() for label, one in found.items()} == {
        "brand": TYPES, "attribute:colour": COLOURS, "brand and attribute:colour": TOGETHER,
    }  # fmt: skip
    assert list(classes_by_label(photos.taken(rows[:0]), "brand,attribute:colour")) == list(found)
    assert list(classes_by_label(replace(photos, each=()), "brand")) == ["brand"]


def test_ceilings_follow_from_the_sizes_of_classes(shop: Labelled) -> None:
    found = figures.ceilings(shop, np.arange(6))
    # By type three rows have two others and two have one; by colour three and three have two; together two and two have one.
    assert {label: one["queries"] for label, one in found.items()} == {"type": 5, "colour": 6, "type and colour": 4}
    assert {label: one["p@10"] for label, one in found.items()} == {"type": 0.16, "colour": 0.2, "type and colour": 0.1}
    assert all(one["p@1"] == one["map@50"] == 1.0 and one["of_ten"] == 0.0 for one in found.values())
    assert [one["classes"] for one in found.values()] == [2, 2, 3]


def test_figures_are_those_of_the_definition(shop: Labelled) -> None:
    queries = np.array([0, 3, 5])
    answered = np.full((3, 50), -1)
    answered[0, :3] = [11, 13, 12]  # of type 0: right, wrong, right; of its colour: the first alone
    answered[1, :2] = [10, 14]
    answered[2, :2] = [16, 10]  # 16 has colour 1, 10 has colour 0 as the query
    found = figures.by_label(shop, queries, answered)
    means = {label: [one[metric][1] for metric in figures.METRICS] for label, one in found.items()}
    assert means["type"] == pytest.approx([0.5, (0.2 + 0.1) / 2, ((1 + 2 / 3) / 2 + 1 / 2) / 2], abs=1e-4)
    assert means["colour"] == pytest.approx([1 / 3, 0.1, (1 / 2 + 1 / 4 + 1 / 4) / 3], abs=1e-4)
    assert means["type and colour"] == pytest.approx([0.5, 0.1, 0.75], abs=1e-4)


def test_answers_count_once_a_group_and_never_the_query_s_own(shop: Labelled) -> None:
    answers = [[10, 15, 16, 11, 99], [16, 12]]
    found = figures.collapsed(answers, shop, np.array([0, 5]), places=3)
    assert found.tolist() == [[15, 11, -1], [12, -1, -1]]


def test_perfect_answers_reach_the_ceiling(shop: Labelled) -> None:
    queries = np.arange(6)
    label = "type and colour"
    classes = shop.classes[label]
    answered = np.full((6, 50), -1)
    for row in queries:
        same = [other for other in queries if other != row and classes[other] == classes[row] >= 0]
        answered[row, : len(same)] = shop.product_ids[same]
    reached = figures.by_label(shop, queries, answered)[label]
    ceiling = figures.ceilings(shop, queries)[label]
    assert {metric: reached[metric][1] for metric in figures.METRICS} == {
        metric: ceiling[metric] for metric in figures.METRICS
    }
