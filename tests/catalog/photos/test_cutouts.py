"""Cut-outs are framed by what is visible of them, on a ground that they stand out from."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from catalog.photos.cutouts import GREY, laid_on_ground
from catalog.photos.reading import decode_framed
from tests.catalog.photos.files import encoded, noise, tiff

SIDE = 64
BOX = (40, 20, 100, 80)  # of the disc in a picture of 160 × 120
SEEN = (70 - 34.8, 50 - 34.8, 70 + 34.8, 50 + 34.8)


def cutout(colour: tuple[int, int, int], size: tuple[int, int] = (160, 120)) -> Image.Image:
    image = Image.new("RGBA", size, (0, 0, 0, 0))
    ImageDraw.Draw(image).ellipse((BOX[0], BOX[1], BOX[2] - 1, BOX[3] - 1), fill=(*colour, 255))
    return image


def seen(data: bytes) -> tuple[NDArray[np.uint8], tuple[float, ...]]:
    return decode_framed(io.BytesIO(data), side=SIDE, crop=(0.0, 0.0, 1.0, 1.0))


def boxed(box: tuple[float, ...], size: tuple[int, int] = (160, 120)) -> list[float]:
    return np.multiply(box, (*size, *size)).tolist()


@pytest.mark.parametrize(
    ("colour", "ground"),
    [((255, 255, 255), GREY), ((240, 240, 240), GREY), ((20, 90, 160), (255, 255, 255)), ((0, 0, 0), (255, 255, 255))],
)
def test_a_cut_out_stands_out_from_its_ground(colour: tuple[int, int, int], ground: tuple[int, int, int]) -> None:
    pixels, box = seen(encoded(cutout(colour)))
    assert boxed(box) == pytest.approx(list(SEEN))
    assert pixels[0, 0].tolist() == list(ground)
    assert pixels[SIDE // 2, SIDE // 2].tolist() == list(colour)


def test_white_on_transparency_is_not_a_blank_picture() -> None:
    white, _ = seen(encoded(cutout((255, 255, 255))))
    blank, _ = seen(encoded(Image.new("RGB", (160, 120), "white")))
    assert np.abs(white.astype(int) - blank).mean() > 30


def test_a_canvas_of_nothing_changes_nothing() -> None:
    one, _ = seen(encoded(cutout((200, 30, 30))))
    wide = Image.new("RGBA", (320, 480), (0, 0, 0, 0))
    wide.paste(cutout((200, 30, 30)), (77, 200))
    other, _ = seen(encoded(wide))
    assert np.abs(one.astype(int) - other).mean() < 2


def test_a_photo_on_transparency_is_a_photo() -> None:
    photo = noise(90, 70)
    image = Image.new("RGBA", (160, 120), (0, 0, 0, 0))
    image.paste(photo, (30, 20))
    pixels, box = seen(encoded(image))
    alone, _ = seen(encoded(photo))
    assert np.array_equal(pixels, alone)
    assert boxed(box) == pytest.approx([75 - 30.625, 55 - 30.625, 75 + 30.625, 55 + 30.625])


def test_a_packshot_that_is_opaque_is_framed_by_its_object() -> None:
    image = Image.new("RGB", (160, 120), "white")
    ImageDraw.Draw(image).ellipse((BOX[0], BOX[1], BOX[2] - 1, BOX[3] - 1), fill=(20, 90, 160))
    plain, box = seen(encoded(image))
    opaque, same = seen(encoded(image.convert("RGBA")))
    assert np.array_equal(plain, opaque) and box == same
    assert boxed(box) == pytest.approx(list(SEEN))


@pytest.mark.parametrize("colour", [(0, 0, 0, 0), (255, 0, 0, 5)])
def test_where_nothing_is_visible_the_picture_is_blank(colour: tuple[int, int, int, int]) -> None:
    pixels, box = seen(encoded(Image.new("RGBA", (160, 120), colour)))
    assert (pixels > 245).all()
    assert boxed(box) == pytest.approx([27.5, 7.5, 132.5, 112.5])


@pytest.mark.parametrize("mode", ["LA", "P", "tRNS", "grey tRNS", "16 bits", "La"])
def test_every_kind_of_transparency_is_framed(mode: str) -> None:
    """White, on transparency that the file tells in six ways."""
    image = cutout((255, 255, 255))
    alpha = image.getchannel("A")
    if mode == "LA":
        data = encoded(image.convert("LA"))
    elif mode == "P":
        palette = alpha.point(lambda value: value > 0).convert("P")
        palette.putpalette([255, 255, 255, 255, 255, 255])
        data = encoded(palette, transparency=b"\x00\xff")
    elif mode == "tRNS":
        data = encoded(Image.merge("RGB", [alpha] * 3), transparency=(0, 0, 0))
    elif mode == "grey tRNS":
        data = encoded(alpha, transparency=0)
    elif mode == "16 bits":
        data = encoded(Image.fromarray(np.asarray(alpha).astype(np.uint16) * 257), transparency=0)
    else:
        raw = Image.merge("LA", [alpha, alpha]).tobytes()
        tags = {256: 160, 257: 120, 258: [8, 8], 259: 1, 262: 1, 273: -1, 277: 2, 278: 120, 279: len(raw), 338: 1}
        data = tiff(tags, raw)
    pixels, box = seen(data)
    assert boxed(box) == pytest.approx(list(SEEN))
    assert pixels[0, 0].tolist() == list(GREY)
    assert pixels[SIDE // 2, SIDE // 2].tolist() == [255, 255, 255]


def test_a_crop_chooses_the_ground_by_what_it_shows() -> None:
    image = cutout((255, 255, 255), (320, 120))
    ImageDraw.Draw(image).ellipse((200, 20, 300, 100), fill=(0, 0, 0, 255))
    assert laid_on_ground(image, (0, 0, 160, 120))[2] == GREY
    assert laid_on_ground(image, (160, 0, 320, 120))[2] == (255, 255, 255)
    assert laid_on_ground(image, (60, 40, 80, 60))[1:] == (None, (255, 255, 255))  # opaque all over
