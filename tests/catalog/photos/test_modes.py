"""Every mode that Pillow opens: read with its values scaled, or refused by name."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from catalog.photos.reading import PhotoError, decode_photo
from catalog.photos.rgb import to_rgb
from tests.catalog.photos.files import encoded, grey_tiff, tiff

RAMP = np.arange(256).reshape(16, 16)


def greys(data: bytes) -> NDArray[np.uint8]:
    image = decode_photo(io.BytesIO(data))
    assert image.mode == "RGB"
    array = np.asarray(image)
    assert (array[..., 0] == array[..., 1]).all() and (array[..., 1] == array[..., 2]).all()
    return array[..., 0]


@pytest.mark.parametrize("order", ["<", ">"])
def test_sixteen_bits_of_either_byte_order_are_scaled(order: str) -> None:
    values = (RAMP * 257).astype(np.uint16)
    assert np.array_equal(greys(grey_tiff(values, bits=16, order=order)), RAMP)
    halves = (RAMP * 128.5).astype(np.int16)
    assert np.array_equal(
        greys(grey_tiff(halves, bits=16, sample_format=2, order=order)), np.rint(halves / 32767 * 255)
    )


def test_twelve_bits_are_scaled() -> None:
    values = np.rint(RAMP * 4095 / 255).astype(np.uint16)
    assert np.array_equal(greys(grey_tiff(values, bits=12)), RAMP)


@pytest.mark.parametrize(("bits", "kind"), [(8, np.uint8), (16, np.uint16)])
def test_where_zero_is_white_the_picture_is_turned(bits: int, kind: type) -> None:
    values = (RAMP * (1 if bits == 8 else 257)).astype(kind)
    assert np.array_equal(greys(grey_tiff(values, bits=bits, photometric=0)), 255 - RAMP)


@pytest.mark.parametrize("white", [255, 65535, 2**31 - 1, 2**32 - 1])
def test_thirty_two_bits_are_scaled_by_what_they_reach(white: int) -> None:
    values = np.rint(RAMP.astype(np.float64) * white / 255).astype(np.uint32)
    assert np.array_equal(greys(grey_tiff(values, bits=32)), RAMP)


@pytest.mark.parametrize("order", ["<", ">"])
def test_what_lies_below_zero_is_black(order: str) -> None:
    values = (RAMP.astype(np.int32) - 128) * 2
    expected = np.clip(np.rint(values / 255 * 255), 0, 255)
    assert np.array_equal(greys(grey_tiff(values, bits=32, sample_format=2, order=order)), expected)


@pytest.mark.parametrize("white", [1.0, 255.0, 65535.0])
@pytest.mark.parametrize("order", ["<", ">"])
def test_floats_are_scaled_and_what_is_no_number_is_black(white: float, order: str) -> None:
    values = (RAMP * (white / 255)).astype(np.float32)
    values[0, :3] = [np.nan, -np.inf, np.inf]
    expected = RAMP.copy()
    expected[0, :3] = [0, 0, 255]
    assert np.array_equal(greys(grey_tiff(values, bits=32, sample_format=3, order=order)), expected)


def test_a_transparent_value_of_sixteen_bits_is_white() -> None:
    values = (RAMP * 257).astype(np.uint16)
    expected = RAMP.copy()
    expected[0, 3] = 255
    assert np.array_equal(greys(encoded(Image.fromarray(values), transparency=3 * 257)), expected)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK", "YCbCr", "LAB", "HSV"])
def test_colours_without_transparency(mode: str) -> None:
    """As Pillow shows them itself: 8 bits need no help of ours."""
    image = Image.new("RGB", (8, 4), (180, 70, 50))
    image.paste((80, 140, 170), (4, 0, 8, 4))
    if mode == "LAB":
        profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        made = ImageCms.profileToProfile(image, *profiles, outputMode="LAB")
    else:
        made = image.quantize(8) if mode == "P" else image.convert(mode)
    file = {"YCbCr": "JPEG", "HSV": None}.get(mode, "TIFF")
    if file is None:  # no format holds it
        read = to_rgb(made)
    else:
        options = {"quality": 100, "subsampling": 0} if file == "JPEG" else {}
        read = decode_photo(io.BytesIO(encoded(made, file, **options)))
    expected = np.asarray(image if mode in ("P", "LAB", "HSV", "YCbCr", "CMYK") else image.convert(mode).convert("RGB"))
    assert np.abs(np.asarray(read).astype(int) - expected).max() <= (3 if mode in ("LAB", "HSV", "YCbCr") else 0)


@pytest.mark.parametrize(("mode", "extra"), [("LA", 2), ("La", 1), ("RGBA", 2), ("RGBa", 1)])
def test_transparency_is_laid_onto_white_premultiplied_or_not(mode: str, extra: int) -> None:
    """A black that covers .4 of white, and a white: 153 and 255."""
    colours = 1 if mode[0] == "L" else 3
    black, white = bytes(colours) + b"\x66", b"\xff" * colours + b"\xff"
    data = black + white
    tags = {256: 2, 257: 1, 258: [8] * (colours + 1), 259: 1, 262: 1 if colours == 1 else 2, 273: -1}
    read = greys(tiff({**tags, 277: colours + 1, 278: 1, 279: len(data), 338: extra}, data))
    assert read.tolist() == [[153, 255]]


def test_a_palette_with_transparency_per_colour_is_laid_onto_white() -> None:
    image = Image.new("P", (2, 1), 0)
    image.putpalette([0, 0, 0, 10, 200, 30])
    image.putpixel((1, 0), 1)
    assert to_rgb(image.convert("PA")).getpixel((1, 0)) == (10, 200, 30)
    read = decode_photo(io.BytesIO(encoded(image, transparency=b"\x66\xff")))
    assert [read.getpixel((x, 0)) for x in range(2)] == [(153, 153, 153), (10, 200, 30)]


def test_sixteen_bits_of_each_colour_are_scaled() -> None:
    values = np.stack([RAMP, RAMP[::-1], RAMP.T], axis=-1)
    data = (values * 257).astype("<u2").tobytes()
    tags = {256: 16, 257: 16, 258: [16] * 3, 259: 1, 262: 2, 273: -1, 277: 3, 278: 16, 279: len(data)}
    read = decode_photo(io.BytesIO(tiff(tags, data)))
    assert np.array_equal(np.asarray(read), values)


@pytest.mark.parametrize("bits", [10, 14, 24, 64])
def test_a_depth_that_is_not_read_is_refused_by_name(bits: int) -> None:
    data = bytes(16 * 16 * bits // 8)
    tags = {256: 16, 257: 16, 258: bits, 259: 1, 262: 1, 273: -1, 277: 1, 278: 16, 279: len(data)}
    with pytest.raises(
        PhotoError, match=r"a TIFF of a kind that is not read \(unknown pixel mode\); save it as PNG"
    ) as e:
        decode_photo(io.BytesIO(tiff(tags, data)))
    assert e.value.reason == "unsupported"


def test_a_jpeg_of_twelve_bits_is_refused_by_name() -> None:
    data = encoded(Image.new("RGB", (8, 8)), "JPEG")
    frame = data.index(b"\xff\xc0")
    with pytest.raises(PhotoError, match="cannot handle 12-bit layers") as error:
        decode_photo(io.BytesIO(data[: frame + 4] + b"\x0c" + data[frame + 5 :]))
    assert error.value.reason == "unsupported"
