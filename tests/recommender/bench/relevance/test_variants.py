"""Pixels of changed photos, exactly."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from recommender.bench.relevance import variants

GROUND, OBJECT = (200, 210, 220), (180, 20, 30)


@pytest.fixture
def packshot() -> Image.Image:
    """100 × 80, a red box with one green edge on light ground."""
    pixels = np.full((80, 100, 3), GROUND, np.uint8)
    pixels[20:60, 30:70] = OBJECT
    pixels[20:60, 30] = (0, 200, 0)
    return Image.fromarray(pixels)


def opened(data: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(data)) as picture:
        return np.array(picture.convert("RGB"))


def test_a_canvas_leaves_the_pixels_of_the_photo_unchanged(packshot: Image.Image) -> None:
    pixels = opened(variants.canvas(packshot, times=2.0))
    assert pixels.shape == (160, 200, 3)
    assert np.array_equal(pixels[40:120, 50:150], np.asarray(packshot))
    around = np.ones((160, 200), bool)
    around[40:120, 50:150] = False
    assert (pixels[around] == GROUND).all()
    white = opened(variants.canvas(packshot, times=1.5, colour=variants.WHITE))
    assert white.shape == (120, 150, 3) and (white[0] == 255).all()
    assert np.array_equal(white[20:100, 25:125], np.asarray(packshot))


def test_the_colour_of_the_border_is_its_median(packshot: Image.Image) -> None:
    assert variants.border_colour(packshot) == GROUND
    packshot.paste((0, 0, 0), (0, 0, 40, 5))
    assert variants.border_colour(packshot) == GROUND


@pytest.mark.parametrize(("covered", "plain"), [(0, True), (60, True), (75, False)])
def test_ground_is_plain_where_four_fifths_of_the_border_are_alike(
    packshot: Image.Image, covered: int, plain: bool
) -> None:
    """The border is 2 pixels wide, 704 in all; so many columns are black at the top, and 6 pixels of the left side."""
    packshot.paste((0, 0, 0), (0, 0, covered, 5))
    assert variants.plain_ground(packshot) is plain
    shades = Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 60, 3)).astype(np.uint8))
    assert not variants.plain_ground(shades)


def test_jpeg_packs_and_the_others_keep_every_pixel(packshot: Image.Image) -> None:
    packed = variants.jpeg(packshot, quality=50)
    with Image.open(io.BytesIO(packed)) as picture:
        assert (picture.format, picture.size) == ("JPEG", (100, 80))
    pixels = np.asarray(packshot)
    assert np.array_equal(opened(variants.mirror(packshot)), pixels[:, ::-1])
    assert np.array_equal(opened(variants.cropped(packshot)), pixels[4:76, 5:95])
    half = opened(variants.half_size(packshot))
    assert half.shape == (40, 50, 3) and (half[0, 0] == GROUND).all() and (half[20, 30] == OBJECT).all()


@pytest.mark.parametrize(
    ("stops", "levels"), [(1, {0: 0, 64: 90, 128: 176, 188: 255, 255: 255}), (-1, {0: 0, 128: 92, 255: 188})]
)
def test_a_stop_doubles_or_halves_linear_light(stops: int, levels: dict[int, int]) -> None:
    picture = Image.fromarray(np.array([[[level] * 3 for level in levels]], np.uint8))
    assert opened(variants.exposed(picture, stops=stops))[0, :, 0].tolist() == list(levels.values())


def test_a_watermark_lies_in_sixteen_places_and_lets_the_photo_through() -> None:
    marked = opened(variants.watermarked(Image.new("RGB", (160, 160), "white")))
    changed = (marked != 255).any(axis=2)
    assert 0.05 < changed.mean() < 0.25
    tiles = changed.reshape(4, 40, 4, 40).transpose(0, 2, 1, 3).reshape(16, 40, 40)
    assert all(np.array_equal(tile, tiles[0]) for tile in tiles)
    assert np.unique(marked).tolist() == [204, 255]  # 255 − .4 · (255 − 128)


def test_the_smallest_photo_can_be_changed_in_every_way() -> None:
    picture = Image.new("RGB", (1, 1), "red")
    for name, change in variants.VARIANTS.items():
        assert opened(change(picture)).size >= 3, name
        assert change(picture) == change(picture), name
