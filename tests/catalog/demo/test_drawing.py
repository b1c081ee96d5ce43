"""Drawn pictures: the same for the same seed, different for different ones, and said to be drawn."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from catalog.demo.drawing import KINDS, draw_product, draw_shapes, look_of


@pytest.mark.parametrize("kind", KINDS)
def test_a_product_is_drawn_the_same_every_time_and_unlike_the_next(kind: str) -> None:
    picture = np.asarray(draw_product(kind, 1, 64))
    assert picture.shape == (64, 64, 3) and picture.dtype == np.uint8
    assert np.array_equal(picture, np.asarray(draw_product(kind, 1, 64)))
    assert not np.array_equal(picture, np.asarray(draw_product(kind, 2, 64)))
    assert not np.array_equal(picture, np.asarray(draw_product(kind, 1, 64, view=1)))


def test_shapes_are_drawn_the_same_every_time_and_unlike_each_other() -> None:
    digests = {hashlib.sha256(draw_shapes(seed, 48).tobytes()).hexdigest() for seed in range(50)}
    assert len(digests) == 50
    assert np.array_equal(np.asarray(draw_shapes(7, 48)), np.asarray(draw_shapes(7, 48)))


def test_looks_vary_in_colour_and_pattern() -> None:
    looks = [look_of("mug", seed) for seed in range(60)]
    assert len({look.colour for look in looks}) >= 10 and len({look.pattern for look in looks}) == 5


def test_an_unknown_kind_is_an_error_that_lists_the_kinds() -> None:
    with pytest.raises(ValueError, match="'spoon'; the kinds are mug, shirt"):
        draw_product("spoon", 1, 32)


def test_the_catalogue_is_a_feed_of_drawn_products(tmp_path: Path) -> None:
    call_command("draw_catalogue", tmp_path, products=80, side=32, verbosity=0)
    with (tmp_path / "products.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["id"] for row in rows}) == len(rows) == 80
    assert {row["title"].partition(" ")[0].lower() for row in rows} == set(KINDS)
    assert all(row["title"].endswith("(drawn)") and "Drawn by a program" in row["description"] for row in rows)
    named = {row[name] for row in rows for name in ("image_link", "additional_image_link") if row[name]}
    assert named == {f"images/{path.name}" for path in (tmp_path / "images").iterdir()}
    groups: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        if row["item_group_id"]:
            groups.setdefault(row["item_group_id"], []).append(row)
    assert [len(group) for group in groups.values()] == [2] * 16
    for one, other in groups.values():
        assert one["image_link"] == other["image_link"] and one["size"] != other["size"]


@pytest.mark.parametrize("wrong", [{"products": 0}, {"side": 4}])
def test_sizes_that_make_no_sense_are_refused(tmp_path: Path, wrong: dict[str, int]) -> None:
    with pytest.raises(CommandError, match="--products must be at least 1 and --side at least 16"):
        call_command("draw_catalogue", tmp_path, **wrong)
