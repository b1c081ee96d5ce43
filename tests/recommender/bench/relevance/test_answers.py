"""Answers of a shop whose types and colours are known: through the index, exactly, along the dial, on held-out and changed photos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from recommender.bench.relevance import answers, figures, held_out, robustness, shop
from recommender.bench.relevance.labelled import Labelled
from recommender.bench.relevance.variants import VARIANTS
from recommender.encoder.colour import colour_histogram
from recommender.encoder.stored_features import features_of
from recommender.evaluation.dial import TENTHS, dial_curve
from recommender.models import Encoder, Space
from recommender.projection.apply import project
from recommender.spaces.build import build_space
from recommender.spaces.options import SpaceOptions
from recommender.spaces.switch import activate
from tests.recommender.spaces.gallery import add_photos, coloured_encoder

pytestmark = pytest.mark.django_db

TYPES, COLOURS, EACH = 3, 4, 4
DIMENSIONS, BINS = 32, 196
LABELS = "category,attribute:kind"
BOTH = "category and attribute:kind"


@pytest.fixture
def encoder() -> Encoder:
    return coloured_encoder(dimensions=DIMENSIONS)


@pytest.fixture
def space(encoder: Encoder) -> Space:
    """48 products of 3 types in 4 colours, as near to their own kind as .8 and to others as 0; pca answers."""
    numbers = np.arange(TYPES * COLOURS * EACH)
    types, colours = numbers // EACH % TYPES, numbers % COLOURS
    noise = np.random.default_rng(0).normal(size=(len(numbers), DIMENSIONS)) / np.sqrt(DIMENSIONS) / 2
    rows = np.zeros((len(numbers), DIMENSIONS + BINS), np.float32)
    rows[:, :DIMENSIONS] = np.eye(TYPES, DIMENSIONS)[types] + noise
    rows[numbers, DIMENSIONS + colours] = 1
    add_photos(encoder, rows, [f"type {one}" for one in types], attribute=[f"colour {one}" for one in colours])
    return shop.built(encoder, projection=Space.Kind.PCA, photos=len(numbers), answers=True)


@pytest.fixture
def labelled(space: Space) -> Labelled:
    return shop.searchable(space, LABELS)


def p_at_10(labelled: Labelled, answered: NDArray[np.int64]) -> dict[str, float]:
    found = figures.by_label(labelled, np.arange(len(labelled)), answered)
    return {label: one["p@10"][1] for label, one in found.items()}


def test_shape_alone_finds_every_type_and_colour_alone_every_colour_through_the_index(
    space: Space, labelled: Labelled
) -> None:
    everyone = np.arange(len(labelled))
    ceilings = {label: one["p@10"] for label, one in figures.ceilings(labelled, everyone).items()}
    assert ceilings == {"category": 1.0, "attribute:kind": 1.0, BOTH: 0.3}
    shape = p_at_10(labelled, answers.by_search(labelled, everyone, colour_weight=0.0))
    colour = p_at_10(labelled, answers.by_search(labelled, everyone, colour_weight=1.0, places=10))
    halves = p_at_10(labelled, answers.by_search(labelled, everyone, colour_weight=0.5, places=10))
    assert shape["category"] == 1.0 and shape["attribute:kind"] < 0.5
    assert colour["attribute:kind"] == 1.0 and colour["category"] < 0.5
    assert halves[BOTH] == ceilings[BOTH] > max(shape[BOTH], colour[BOTH])
    _, rows = features_of(space.encoder_id, labelled.image_ids)
    exact = answers.by_vectors(labelled, everyone, project(space, rows))
    found = answers.by_search(labelled, everyone, colour_weight=None, places=10)
    assert p_at_10(labelled, exact[:, :10]) == pytest.approx(p_at_10(labelled, found), abs=0.01)
    assert (exact[:, 0] == found[:, 0]).mean() > 0.9  # halfvec rounds what nearly ties


def test_the_judged_fit_goes_from_type_to_colour_and_is_compared_with_what_was_learned(
    space: Space, labelled: Labelled
) -> None:
    _, rows = features_of(space.encoder_id, labelled.image_ids)
    everyone = np.arange(len(labelled))

    points = list(dial_curve(space, rows, queries=everyone, classes=labelled.classes, groups=everyone))
    assert tuple(weight for weight, _ in points) == TENTHS
    types, colours, both = ([figures[label].mean for _, figures in points] for label in labelled.classes)
    assert types[0] == 1.0 > types[-1] and colours[-1] == 1.0 > colours[0]
    assert both[5] == 0.3 > max(both[0], both[-1])
    learned = shop.built(space.encoder, projection=Space.Kind.LEARNED, photos=48, labels="category", answers=False)
    found = held_out.compare(space, learned)
    assert space.fit is not None and found["photos"] == len(space.fit.held_out or ()) > 5
    parts = found["labels"]["category"]
    assert set(parts) == {"all", "seen"}  # of three classes all are learned from
    assert set(parts["all"]["contestants"]) == {"pca", "pca+colour", "learned", "learned+colour"}
    low, mean, high = parts["all"]["gain"]
    ours, theirs = (parts["all"]["contestants"][name]["map@50"][1] for name in ("learned", "pca"))
    assert low <= mean <= high and mean == pytest.approx(ours - theirs, abs=2e-4)


class MeanColours:
    """An encoder that sees the mean colour of a photo and nothing else."""

    side, dimensions, pooling, recipe = 48, DIMENSIONS, "mean", 2

    def maps(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        raise NotImplementedError

    def features(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        row = np.zeros(DIMENSIONS, np.float32)
        row[:3] = pixels.reshape(-1, 3).mean(axis=0) / 255
        row[3] = 1.0
        return np.concatenate([row, colour_histogram(pixels)])


def test_a_changed_photo_finds_itself_where_the_encoder_sees_it_alike(encoder: Encoder, tmp_path: Path) -> None:
    """Four flat photos: grey darkened by a stop is the darker grey, which answers first; the coloured ones stay themselves."""
    colours = [(188, 188, 188), (137, 137, 137), (200, 30, 30), (30, 30, 200)]
    seeing, paths, rows = MeanColours(), [], []
    for number, colour in enumerate(colours):
        paths.append(tmp_path / f"{number}.png")
        Image.new("RGB", (64, 64), colour).save(paths[-1])
        rows.append(seeing.features(np.full((48, 48, 3), colour, np.uint8)))
    add_photos(encoder, np.array(rows), ["flat"] * 4, paths=paths)
    space = build_space(SpaceOptions(encoder=encoder))
    activate(space.name, force=True)
    labelled = shop.searchable(space, "category")
    said: list[str] = []
    found = robustness.measure(labelled, np.arange(4), space=space, encoder=seeing, say=said.append)
    assert list(found) == ["plain"] and found["plain"]["photos"] == 4
    shares = {name: mean for name, (_, mean, _) in found["plain"]["first"].items()}
    assert set(shares) == set(VARIANTS)
    for unchanged in ("canvas 4 ×, border's colour", "JPEG 50", "half size", "mirrored", "10 % cropped"):
        assert shares[unchanged] == 1.0, unchanged
    assert shares["one stop darker"] == 0.75
