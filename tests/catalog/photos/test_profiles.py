"""Colour profiles: applied to every kind of picture, ignored where they are damaged or of another kind."""

from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pytest
from django.test import Client
from PIL import Image, ImageCms

from catalog.photos.profiles import MOST_BYTES, srgb
from catalog.photos.reading import decode_framed, decode_photo
from tests.catalog.factories import make_image
from tests.catalog.photos.files import encoded, noise
from tests.catalog.photos.icc import grey_profile, red_ink_profile, srgb_profile, swapped_profile

WHOLE = (0.0, 0.0, 1.0, 1.0)


def read(image: Image.Image, profile: bytes, format: str = "PNG", **options: object) -> np.ndarray:
    return np.asarray(decode_photo(io.BytesIO(encoded(image, format, icc_profile=profile, **options))))


def test_a_profile_decides_which_channel_is_red() -> None:
    image = noise(40, 30)
    assert np.abs(read(image, swapped_profile()).astype(int) - np.asarray(image)[..., ::-1]).max() <= 1


def test_srgb_changes_nothing_and_costs_nothing() -> None:
    image = noise(40, 30)
    assert np.array_equal(read(image, srgb_profile()), np.asarray(image))
    image.info["icc_profile"] = srgb_profile()
    assert srgb(image) is None


@pytest.mark.parametrize("mode", ["P", "RGBA"])
def test_palettes_and_transparency_have_profiles_too(mode: str) -> None:
    image = Image.new("RGB", (8, 4), (200, 100, 20))
    made = image.quantize(4) if mode == "P" else image.convert("RGBA")
    if mode == "RGBA":
        made.paste((0, 0, 0, 0), (4, 0, 8, 4))
    pixels = read(made, swapped_profile()).astype(int)
    assert np.abs(pixels[:, :4] - (20, 100, 200)).max() <= 1
    assert (pixels[:, 4:] == 255).all() or mode == "P"


@pytest.mark.parametrize("mode", ["L", "LA", "16 bits"])
def test_grey_of_another_gamma(mode: str) -> None:
    """Linear grey of .2 is sRGB's 124."""
    if mode == "16 bits":
        image = Image.fromarray(np.full((4, 8), 51 * 257, np.uint16))
    else:
        image = Image.new("L", (8, 4), 51).convert(mode)
    assert np.abs(read(image, grey_profile(1.0)).astype(int) - 124).max() <= 2


def test_sixteen_bits_of_each_colour_are_transformed() -> None:
    values = np.asarray(noise(8, 8))
    image = Image.fromarray(values)
    file = io.BytesIO(encoded(image, "TIFF", icc_profile=swapped_profile()))
    assert np.abs(np.asarray(decode_photo(file)).astype(int) - values[..., ::-1]).max() <= 1


@pytest.mark.parametrize("format", ["TIFF", "JPEG"])
def test_inks_look_as_their_profile_says(format: str) -> None:
    cyan = Image.new("CMYK", (32, 32), (255, 0, 0, 0))
    red, green, blue = read(cyan, red_ink_profile(), format)[16, 16].astype(int)
    assert red > 200 and green < 60 and blue < 60
    red, green, blue = np.asarray(decode_photo(io.BytesIO(encoded(cyan, format))))[16, 16].astype(int)
    assert red < 60 and green > 200 and blue > 200


def test_lab_is_what_it_says() -> None:
    image = Image.new("RGB", (8, 8), (180, 70, 50))
    lab = ImageCms.profileToProfile(
        image, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    assert lab is not None
    assert np.abs(read(lab, swapped_profile(), "TIFF").astype(int) - (180, 70, 50)).max() <= 3


@pytest.mark.parametrize(
    "profile",
    [b"junk", b"junk" * 100, swapped_profile()[:200], grey_profile(1.0), red_ink_profile(), swapped_profile()[:-40]],
    ids=["short", "junk", "cut", "grey", "inks", "last tag cut"],
)
def test_a_profile_that_does_not_fit_is_ignored(profile: bytes) -> None:
    image = noise(40, 30)
    assert read(image, profile).shape == (30, 40, 3)
    if profile != swapped_profile()[:-40]:
        assert np.array_equal(read(image, profile), np.asarray(image))


def test_a_huge_profile_is_ignored() -> None:
    image = noise(4, 4)
    image.info["icc_profile"] = swapped_profile() + bytes(MOST_BYTES)
    assert srgb(image) is None


def test_any_damage_to_a_profile_leaves_the_photo_readable() -> None:
    generator = np.random.default_rng(3)
    good = {"RGB": swapped_profile(), "L": grey_profile(1.8), "CMYK": red_ink_profile()}
    for turn in range(60):
        mode = list(good)[turn % 3]
        profile = bytearray(good[mode])
        for at in generator.integers(0, len(profile), 6):
            profile[at] = generator.integers(0, 256)
        image = noise(12, 9).convert(mode)
        assert read(image, bytes(profile), "TIFF").shape == (9, 12, 3)


def test_what_is_framed_has_the_profile_too() -> None:
    image = noise(64, 64)
    pixels, _ = decode_framed(io.BytesIO(encoded(image, icc_profile=swapped_profile())), side=56, crop=WHOLE)
    assert np.abs(pixels.astype(int) - np.asarray(image)[4:60, 4:60, ::-1]).max() <= 1


@pytest.mark.django_db
def test_thumbnails_show_the_colours_of_the_profile(client: Client) -> None:
    image = make_image(data=encoded(Image.new("RGB", (60, 40), (250, 20, 20)), icc_profile=swapped_profile()))
    answer = client.get(f"/media/thumbnails/{image.digest}.jpg")
    red, green, blue = np.asarray(Image.open(io.BytesIO(answer.content)))[20, 30].astype(int)
    assert blue > 230 and red < 40 and green < 40


def test_a_photo_without_profile_loads_no_colour_engine() -> None:
    code = (
        "import io, sys; from PIL import Image; from catalog.photos import decoder_process; "
        "from catalog.photos.profiles import srgb; assert srgb(Image.new('RGB', (4, 4))) is None; "
        "assert not any('ImageCms' in name or 'imagingcms' in name for name in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
