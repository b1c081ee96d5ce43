"""What a photo is framed by: exact boxes of drawn objects and photos, whatever canvas they lie on."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from catalog.photos.framing import framed
from catalog.photos.reading import decode_framed
from catalog.photos.squares import Colour, Crop, Frame
from tests.catalog.photos.files import encoded, noise

WHITE = (255, 255, 255)
WHOLE: Crop = (0.0, 0.0, 1.0, 1.0)
colours = st.tuples(*[st.integers(0, 255)] * 3)


def frame(image: Image.Image) -> Frame:
    return framed(image, (0, 0, *image.size))


def canvas(image: Image.Image, size: tuple[int, int], at: tuple[int, int], colour: Colour = WHITE) -> Image.Image:
    made = Image.new("RGB", size, colour)
    made.paste(image, at)
    return made


def disc(size: int, ground: Colour = WHITE, width: int = 0) -> Image.Image:
    """An ellipse that touches all four sides of its picture."""
    image = Image.new("RGB", (width or size, size), ground)
    ImageDraw.Draw(image).ellipse((0, 0, image.width - 1, size - 1), fill=(20, 90, 160))
    return image


def around(left: float, top: float, width: int, height: int) -> tuple[float, float, float, float]:
    side = max(width, height) * 1.16
    x, y = left + width / 2, top + height / 2
    return x - side / 2, y - side / 2, x + side / 2, y + side / 2


def centre(left: float, top: float, width: int, height: int) -> tuple[float, float, float, float]:
    side = 0.875 * min(width, height)
    x, y = left + width / 2, top + height / 2
    return x - side / 2, y - side / 2, x + side / 2, y + side / 2


@settings(max_examples=60, deadline=None)
@given(
    st.integers(40, 90),
    st.integers(40, 90),
    st.tuples(*[st.integers(8, 55)] * 4),
    st.sampled_from([WHITE, (240, 240, 240), (90, 20, 20), (0, 0, 0)]),
)
def test_an_object_on_plain_ground_is_framed_exactly(
    width: int, height: int, margins: tuple[int, int, int, int], ground: Colour
) -> None:
    """Pictures of at most 200 pixels a side are looked at pixel by pixel."""
    left, top, right, bottom = margins
    thing = disc(height, ground, width)
    image = canvas(thing, (left + width + right, top + height + bottom), (left, top), ground)
    found = frame(image)
    assert found.ground == ground
    assert found.box == pytest.approx(around(left, top, width, height))


@pytest.mark.parametrize("times", [1.5, 2, 3, 4, 10])
@pytest.mark.parametrize("ground", [WHITE, (180, 200, 190)])
def test_a_wider_canvas_shows_nearly_the_same(times: float, ground: Colour) -> None:
    thing = canvas(disc(120, ground, 90), (130, 150), (20, 10), ground)
    wide = canvas(thing, (round(130 * times), round(150 * times)), (0, round(150 * (times - 1) / 3)), ground)
    one, other = (np.asarray(frame(image).cut(image, 64)).astype(int) for image in (thing, wide))
    assert np.abs(one - other).mean() < 2
    box = frame(wide).box
    assert box == pytest.approx(around(20, 10 + round(150 * (times - 1) / 3), 90, 120), abs=2 * times)


@settings(max_examples=30, deadline=None)
@given(st.integers(60, 400), st.integers(60, 400), st.tuples(*[st.integers(20, 300)] * 4), colours)
def test_a_photo_is_cut_out_of_its_canvas_to_the_pixel(
    width: int, height: int, margins: tuple[int, int, int, int], colour: Colour
) -> None:
    left, top, right, bottom = margins
    image = canvas(noise(width, height), (left + width + right, top + height + bottom), (left, top), colour)
    assert frame(image).box == centre(left, top, width, height)


def test_a_photo_on_its_own_median_colour_is_cut_out_too() -> None:
    """The smooth ground of a photographed wall: most of it is within the tolerance of the canvas, none is one colour."""
    generator = np.random.default_rng(1)
    wall = np.clip(150 + generator.normal(0, 5, (300, 200, 3)) + np.linspace(-12, 12, 200)[:, None], 0, 255)
    photo = canvas(disc(120), (200, 300), (30, 60), (0, 0, 0))
    pixels = np.where(np.asarray(photo) == 0, wall, np.asarray(photo)).astype(np.uint8)
    image = canvas(Image.fromarray(pixels), (800, 1200), (300, 450), (150, 150, 150))
    own = frame(Image.fromarray(pixels)).box
    assert np.subtract(frame(image).box, (300, 450, 300, 450)).tolist() == pytest.approx(list(own))


def test_canvases_around_canvases_come_off() -> None:
    photo = noise(100, 140)
    image = canvas(canvas(photo, (300, 300), (90, 60), (10, 200, 30)), (700, 500), (200, 120), WHITE)
    assert frame(image).box == centre(290, 180, 100, 140)


def test_a_packshot_on_another_canvas_is_framed_by_its_object() -> None:
    packshot = canvas(disc(80), (120, 160), (20, 40))
    found = frame(canvas(packshot, (190, 195), (50, 20), (200, 210, 190)))
    assert found.box == pytest.approx(around(70, 60, 80, 80))
    assert (found.part, found.ground) == ((50, 20, 170, 180), WHITE)


def test_a_lossy_canvas_is_cut_off_as_well() -> None:
    gradient = np.add.outer(np.arange(200) // 2, np.arange(260) // 3).astype(np.uint8)
    photo = np.stack([gradient, gradient // 2 + 60, 255 - gradient], axis=-1) ^ (np.asarray(noise(260, 200)) & 31)
    image = canvas(Image.fromarray(photo), (520, 400), (131, 97), WHITE)
    read = Image.open(io.BytesIO(encoded(image, "JPEG", quality=85))).convert("RGB")
    assert frame(read).box == pytest.approx(centre(131, 97, 260, 200), abs=4)


@pytest.mark.parametrize("size", [(300, 200), (64, 64), (1000, 700), (3, 2)])
def test_noise_is_seen_by_its_centre(size: tuple[int, int]) -> None:
    assert frame(noise(*size)).box == centre(0, 0, *size)


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (900, 1), (2, 3), (200, 200), (5000, 40)])
def test_a_blank_picture_is_seen_by_its_centre(size: tuple[int, int]) -> None:
    image = Image.new("RGB", size, (10, 200, 30))
    assert frame(image).box == centre(0, 0, *size)
    assert (np.asarray(frame(image).cut(image, 32)) == (10, 200, 30)).all()


def test_a_rod_across_a_wide_picture_is_padded_to_a_square() -> None:
    image = canvas(Image.new("RGB", (1900, 8), (200, 0, 0)), (2000, 200), (50, 96))
    found = frame(image)
    pixels = np.asarray(found.cut(image, 64))
    assert found.box == pytest.approx(around(50, 100, 1900, 0), abs=25)
    assert (pixels[10] == 255).all() and (pixels[:, 32] != 255).any()


def test_margins_beyond_the_photo_show_its_ground() -> None:
    ground = (230, 225, 220)
    image = canvas(disc(180, ground), (200, 200), (10, 10), ground)
    pixels = np.asarray(frame(image).cut(image, 100))
    assert frame(image).box[0] < 0
    assert (pixels[:3] == ground).all() and (pixels[:, -3:] == ground).all()
    wider = canvas(image, (260, 260), (30, 30), ground)
    assert np.abs(pixels.astype(int) - np.asarray(frame(wider).cut(wider, 100))).max() <= 1


def seen(data: bytes, crop: Crop = WHOLE, side: int = 64) -> tuple[NDArray[np.uint8], tuple[float, ...]]:
    return decode_framed(io.BytesIO(data), side=side, crop=crop)


def test_a_crop_is_framed_as_if_the_photo_had_been_cut_before() -> None:
    image = canvas(disc(60), (200, 160), (20, 40))
    image.paste((200, 30, 30), (120, 0, 200, 160))
    pixels, box = seen(encoded(image), (0.05, 0.125, 0.5, 0.75))
    before, _ = seen(encoded(image.crop((10, 20, 110, 140))))
    assert np.array_equal(pixels, before)
    assert np.multiply(box, (200, 160, 200, 160)).tolist() == pytest.approx(list(around(20, 40, 60, 60)))


def test_a_turned_photo_is_framed_upright() -> None:
    image = canvas(disc(60), (200, 100), (10, 20))
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels, box = seen(encoded(image.transpose(Image.Transpose.ROTATE_90), exif=exif))
    upright, same = seen(encoded(image))
    assert np.array_equal(pixels, upright) and box == same


def test_what_is_small_in_a_large_jpeg_is_decoded_at_full_size() -> None:
    """At an eighth of the size, which would do for the whole photo, the stripes are grey."""
    stripes = np.zeros((200, 200, 3), np.uint8)
    stripes[:, ::4], stripes[:, 1::4] = 250, 250
    data = encoded(canvas(Image.fromarray(stripes), (2400, 2000), (1500, 900)), "JPEG", quality=95, subsampling=0)
    pixels, box = seen(data, side=128)
    assert pixels.std() > 60
    assert np.multiply(box, (2400, 2000, 2400, 2000)).tolist() == pytest.approx(
        list(centre(1500, 900, 200, 200)), abs=20
    )


def test_frames_do_not_depend_on_what_the_processor_can_do() -> None:
    """The bits of the framed pixels, with NumPy's vector instructions and without."""
    code = (
        "import hashlib, sys, numpy as np; from PIL import Image; from tests.catalog.photos.test_framing import *\n"
        "digest = hashlib.sha256()\n"
        "for image in pictures(): digest.update(np.asarray(frame(image).cut(image, 64)).tobytes())\n"
        "print(digest.hexdigest())"
    )
    found = np.show_config(mode="dicts")["SIMD Extensions"]["found"]
    environment = os.environ | {"NPY_DISABLE_CPU_FEATURES": " ".join(found)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env=environment, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    here = hashlib.sha256()
    for image in pictures():
        here.update(np.asarray(frame(image).cut(image, 64)).tobytes())
    assert done.stdout.split()[-1] == here.hexdigest()


def pictures() -> list[Image.Image]:
    return [
        noise(300, 200),
        canvas(disc(150, width=90), (500, 400), (33, 90)),
        canvas(noise(180, 233), (700, 600), (111, 57), (250, 240, 230)),
        canvas(disc(180), (200, 200), (10, 10)),
    ]
