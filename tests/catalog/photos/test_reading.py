"""The reader of photo files: what it accepts, how it sets pictures right, and what it says of bad ones."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pytest_django import Settings

from catalog.photos.reading import PhotoError, PhotoFacts, decode_photo, inspect_photo

RED, GREEN, BLUE, WHITE = (220, 20, 20), (20, 200, 20), (20, 20, 220), (255, 255, 255)


def quarters(width: int = 96, height: int = 64) -> Image.Image:
    """Red | green over blue | white: every orientation of it is told apart."""
    image = Image.new("RGB", (width, height), WHITE)
    image.paste(RED, (0, 0, width // 2, height // 2))
    image.paste(GREEN, (width // 2, 0, width, height // 2))
    image.paste(BLUE, (0, height // 2, width // 2, height))
    return image


def encoded(image: Image.Image, format: str = "PNG", **options: object) -> io.BytesIO:
    file = io.BytesIO()
    image.save(file, format, **options)
    file.seek(0)
    return file


def corners(image: Image.Image) -> list[tuple[int, int, int]]:
    w, h = image.size
    return [image.getpixel((x, y)) for y in (h // 4, 3 * h // 4) for x in (w // 4, 3 * w // 4)]


def near(a: list[tuple[int, int, int]], b: list[tuple[int, int, int]]) -> bool:
    return bool(np.abs(np.array(a) - np.array(b)).max() <= 12)


@pytest.mark.parametrize(
    ("format", "extension", "options"),
    [
        ("JPEG", "jpg", {"quality": 95, "subsampling": 0}),
        ("PNG", "png", {}),
        ("WEBP", "webp", {"lossless": True}),
        ("GIF", "gif", {}),
        ("BMP", "bmp", {}),
        ("TIFF", "tif", {}),
        ("AVIF", "avif", {"quality": 90}),
    ],
)
def test_each_format_is_read(format: str, extension: str, options: dict[str, object]) -> None:
    assert inspect_photo(encoded(quarters(), format, **options)) == PhotoFacts(96, 64, extension)
    image = decode_photo(encoded(quarters(), format, **options))
    assert (image.mode, image.size) == ("RGB", (96, 64))
    assert near(corners(image), [RED, GREEN, BLUE, WHITE])


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_sets_the_picture_upright(format: str, orientation: int) -> None:
    from PIL import ImageOps

    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95, "subsampling": 0} if format == "JPEG" else {}
    file = encoded(quarters(), format, exif=exif, **options)
    with Image.open(file) as opened:
        expected = ImageOps.exif_transpose(opened).convert("RGB")
    file.seek(0)
    facts = inspect_photo(file)
    file.seek(0)
    image = decode_photo(file)
    assert (facts.width, facts.height) == image.size == ((96, 64) if orientation < 5 else (64, 96))
    assert np.array_equal(np.asarray(image), np.asarray(expected))
    if orientation == 6:  # turned a quarter clockwise: what was bottom left is now top left
        assert near(corners(image), [BLUE, RED, WHITE, GREEN])


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", [0, 9, 65_535])
def test_an_orientation_that_is_none_leaves_the_picture_as_it_is(format: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95, "subsampling": 0} if format == "JPEG" else {}
    file = encoded(quarters(), format, exif=exif, **options)
    facts = inspect_photo(file)
    file.seek(0)
    image = decode_photo(file)
    assert (facts.width, facts.height) == image.size == (96, 64)
    assert near(corners(image), [RED, GREEN, BLUE, WHITE])


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("kind", [2, 5, 10, 11, 12, 7, 99])
@pytest.mark.parametrize("count", [0, 1, 3, 2**31])
def test_an_orientation_of_another_type_does_not_spoil_the_photo(format: str, kind: int, count: int) -> None:
    """Text, fractions, floats and types that there are not, in one, none or very many values."""
    block = b"MM\0*" + struct.pack(">IHHHII", 8, 1, 0x0112, kind, count, 26) + bytes(4) + b"right side up"
    file = encoded(quarters(), format, exif=b"Exif\0\0" + block)
    facts = inspect_photo(file)
    file.seek(0)
    assert (facts.width, facts.height) == decode_photo(file).size == (96, 64)


@given(block=st.binary(max_size=80))
def test_fuzz_no_exif_block_spoils_a_photo(block: bytes) -> None:
    for format in ("JPEG", "PNG", "WEBP"):
        file = encoded(Image.new("RGB", (6, 4)), format, exif=b"Exif\0\0MM\0*" + block)
        assert sorted(decode_photo(file).size) == [4, 6]


def test_a_damaged_exif_block_does_not_spoil_the_photo() -> None:
    file = encoded(quarters(), "JPEG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff broken", quality=95)
    assert decode_photo(file).size == (96, 64)


def test_transparency_is_laid_onto_white() -> None:
    image = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    image.paste((0, 0, 255, 255), (4, 0, 8, 8))
    read = decode_photo(encoded(image))
    assert read.getpixel((1, 1)) == (255, 255, 255)
    assert read.getpixel((6, 6)) == (0, 0, 255)
    half = decode_photo(encoded(Image.new("LA", (4, 4), (0, 128))))
    assert half.getpixel((0, 0)) == (127, 127, 127)


def test_a_palette_with_a_transparent_colour_is_laid_onto_white() -> None:
    image = Image.new("P", (8, 8), 0)
    image.putpalette([0, 0, 0, 10, 200, 30])
    image.paste(1, (4, 0, 8, 8))
    for options, left in (({}, (0, 0, 0)), ({"transparency": 0}, (255, 255, 255))):
        read = decode_photo(encoded(image, "PNG", **options))
        assert (read.getpixel((1, 1)), read.getpixel((6, 6))) == (left, (10, 200, 30))


def test_a_transparent_colour_of_an_rgb_png_is_laid_onto_white() -> None:
    image = Image.new("RGB", (8, 8), (1, 2, 3))
    assert decode_photo(encoded(image, "PNG", transparency=(1, 2, 3))).getpixel((0, 0)) == (255, 255, 255)


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    ramp = (np.arange(256, dtype=np.uint16) * 257).reshape(16, 16)
    for format in ("PNG", "TIFF"):
        read = decode_photo(encoded(Image.fromarray(ramp), format))
        assert read.mode == "RGB"
        assert np.array_equal(np.asarray(read)[..., 0].ravel(), np.arange(256))


def test_float_and_bilevel_pictures_are_read() -> None:
    ramp = np.linspace(0, 1, 256, dtype=np.float32).reshape(16, 16)
    read = decode_photo(encoded(Image.fromarray(ramp), "TIFF"))
    assert np.array_equal(np.asarray(read)[..., 0].ravel(), np.arange(256))
    assert decode_photo(encoded(Image.new("1", (4, 4), 1))).getpixel((0, 0)) == (255, 255, 255)


def test_cmyk_is_read_as_rgb() -> None:
    read = decode_photo(encoded(quarters().convert("CMYK"), "JPEG", quality=95, subsampling=0))
    assert near(corners(read), [RED, GREEN, BLUE, WHITE])


def test_a_large_jpeg_is_decoded_at_a_smaller_scale_but_never_below_twice_the_side() -> None:
    file = encoded(quarters(2000, 1500), "JPEG", quality=90)
    image = decode_photo(file, at_least=224)
    assert image.size == (1000, 750)  # a quarter, 500 × 375, would be less than twice 224
    file.seek(0)
    assert decode_photo(file).size == (2000, 1500)


def test_an_animation_gives_its_first_frame() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, BLUE)]
    file = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert near([decode_photo(file).getpixel((0, 0))], [RED])


@pytest.mark.parametrize(
    "data", [b"", b"hello, I am a text", b"%PDF-1.7 ...", b"<svg xmlns='http://www.w3.org/2000/svg'/>"]
)
def test_what_is_no_photo_is_said_to_be_none(data: bytes) -> None:
    for read in (inspect_photo, decode_photo):
        with pytest.raises(PhotoError) as error:
            read(io.BytesIO(data))
        assert error.value.reason == "not_an_image"


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_a_file_cut_short_is_truncated(format: str) -> None:
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 255, (64, 64, 3), dtype=np.uint8))
    whole = encoded(noise, format).getvalue()
    for kept in (len(whole) // 2, 16):
        with pytest.raises(PhotoError) as error:
            decode_photo(io.BytesIO(whole[:kept]))
        assert error.value.reason == "truncated", (format, kept)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_flipped_bytes_never_raise_anything_else() -> None:
    rng = np.random.default_rng(7)
    noise = Image.fromarray(rng.integers(0, 255, (32, 32, 3), dtype=np.uint8))
    for format in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"):
        whole = np.frombuffer(encoded(noise, format).getvalue(), np.uint8)
        for _ in range(60):
            data = whole.copy()
            at = rng.integers(0, min(len(data), 400), 4)
            data[at] = rng.integers(0, 256, 4)
            for read in (inspect_photo, decode_photo):
                try:
                    read(io.BytesIO(data.tobytes()))
                except PhotoError as error:
                    assert error.reason in {"not_an_image", "unsupported", "truncated", "bomb"}


def test_too_many_bytes_and_too_many_pixels_are_refused(settings: Settings) -> None:
    file = encoded(quarters())
    settings.MAX_PHOTO_PIXELS = 96 * 64 - 1
    for read in (inspect_photo, decode_photo):
        file.seek(0)
        with pytest.raises(PhotoError, match="96 × 64") as error:
            read(file)
        assert error.value.reason == "bomb"
    settings.MAX_PHOTO_BYTES = 100
    file.seek(0)
    with pytest.raises(PhotoError) as error:
        inspect_photo(file)
    assert error.value.reason == "too_large"


def test_a_header_that_claims_a_huge_picture_is_a_bomb() -> None:
    import struct
    import zlib

    body = b"IHDR" + struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    with pytest.raises(PhotoError) as error:
        inspect_photo(io.BytesIO(data + b"\x00\x00\x00\x00IDAT"))
    assert error.value.reason == "bomb"


def test_an_error_of_the_storage_stays_what_it_is() -> None:
    class Away(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise ConnectionError("storage away")

    with pytest.raises(ConnectionError):
        decode_photo(Away())


def gradients(width: int, height: int) -> Image.Image:
    """Colours and an alpha channel that change everywhere."""
    across, down = np.linspace(0, 255, width), np.linspace(0, 255, height)[:, None]
    bands = [across + 0 * down, down + 0 * across, (across + down) / 2, (across * 7 + down * 3) % 256]
    return Image.fromarray(np.stack(bands, axis=-1).astype(np.uint8))


def on_white(image: Image.Image) -> Image.Image:
    seen = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen).convert("RGB")


@pytest.mark.parametrize("mode", ["RGBA", "RGB", "LA", "L", "P"])
def test_a_large_picture_is_shrunk_as_the_whole_one_would_be(mode: str) -> None:
    image = gradients(2503, 1999)
    image = image.convert("RGB").quantize(64) if mode == "P" else image.convert(mode)
    file = encoded(image, "PNG", compress_level=1)
    small = decode_photo(file, at_least=300)
    assert small.size == (835, 667)  # by 3: by 4 the short side, 500, would be less than twice 300
    assert np.array_equal(np.asarray(small), np.asarray(on_white(image).reduce(3)))
    file.seek(0)
    assert np.array_equal(np.asarray(decode_photo(file)), np.asarray(on_white(image)))


def test_sixteen_bits_are_scaled_alike_in_every_strip() -> None:
    values = np.linspace(0, 65535, 2500, dtype=np.uint16)[:, None].repeat(2000, axis=1)
    small = decode_photo(encoded(Image.fromarray(values), "PNG", compress_level=1), at_least=250)
    scaled = Image.fromarray(np.rint(values / 257).astype(np.uint8))
    assert np.array_equal(np.asarray(small), np.asarray(scaled.reduce(4).convert("RGB")))
    dark_above = np.zeros((2500, 2000), np.float32)
    dark_above[2000:] = 200.0
    read = decode_photo(encoded(Image.fromarray(dark_above), "TIFF", compression="tiff_lzw"))
    assert read.getpixel((5, 2499)) == (200, 200, 200)


def test_up_to_four_million_pixels_nothing_is_shrunk() -> None:
    image = gradients(2000, 2000)
    read = decode_photo(encoded(image, "PNG", compress_level=1), at_least=100)
    assert np.array_equal(np.asarray(read), np.asarray(on_white(image)))
