"""AVIF, HEIC and HEIF: read as other photos are, whatever else is in their boxes."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms
from pytest_django import Settings

from catalog.photos.reading import PhotoError, PhotoFacts, decode_photo, inspect_photo
from tests.catalog.photos.files import encoded, noise
from tests.catalog.photos.test_reading import BLUE, GREEN, RED, WHITE, corners, near, quarters

HEIC = Path(__file__).parent / "heic"


def heic(name: str) -> bytes:
    return (HEIC / f"{name}.heic").read_bytes()


def refused(data: bytes) -> PhotoError:
    with pytest.raises(PhotoError) as error:
        decode_photo(io.BytesIO(data))
    return error.value


def patched(data: bytes, box: bytes, old: bytes, new: bytes) -> bytes:
    """The file with `old` replaced in the box of that type."""
    at = data.index(box)
    return data[:at] + data[at:].replace(old, new, 1)


@pytest.mark.parametrize("name", ["quarters", "several", "second"])
def test_the_primary_picture_of_a_heic_is_read(name: str) -> None:
    assert inspect_photo(io.BytesIO(heic(name))) == PhotoFacts(96, 64, "heif")
    image = decode_photo(io.BytesIO(heic(name)))
    assert (image.mode, image.size) == ("RGB", (96, 64))
    assert near(corners(image), [RED, GREEN, BLUE, WHITE])


def test_a_heic_is_turned_once_though_its_exif_says_so_again() -> None:
    assert inspect_photo(io.BytesIO(heic("turned"))) == PhotoFacts(64, 96, "heif")
    image = decode_photo(io.BytesIO(heic("turned")))
    assert image.size == (64, 96)
    assert near(corners(image), [BLUE, RED, WHITE, GREEN])


@pytest.mark.parametrize("brand", [b"mif1", b"heix", b"heim", b"msf1"])
def test_every_brand_of_heif_is_known(brand: bytes) -> None:
    data = heic("quarters")
    assert decode_photo(io.BytesIO(data[:8] + brand + data[12:])).size == (96, 64)
    assert inspect_photo(io.BytesIO(data[:8] + b"MiHB" + data[12:])).extension == "heif"  # by its compatible brands


def test_transparency_of_a_heic_is_laid_onto_white() -> None:
    read = np.asarray(decode_photo(io.BytesIO(heic("alpha48"))))
    assert (read[:2] > 240).all()  # transparent above
    assert not (read[-6:, :20] > 240).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_avif_is_turned_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    jpeg = decode_photo(io.BytesIO(encoded(quarters(), "JPEG", exif=exif, quality=95)))
    data = encoded(quarters(), "AVIF", exif=exif, quality=90)
    image, facts = decode_photo(io.BytesIO(data)), inspect_photo(io.BytesIO(data))
    assert (facts.width, facts.height) == image.size == ((96, 64) if orientation < 5 else (64, 96))
    assert facts.extension == "avif"
    assert near(corners(image), corners(jpeg))


@pytest.mark.parametrize(
    "block", [b"", b"II*\0", b"no EXIF at all", b"\xff" * 40, b"MM\0*\0\0\0\x08\xff\xff" + b"\x01\x12" * 9]
)
def test_a_broken_exif_block_does_not_spoil_an_avif_or_a_heic(block: bytes) -> None:
    exif = Image.Exif()
    exif[0x010F] = "x" * 60
    data = encoded(quarters(), "AVIF", exif=exif, quality=90)
    written = exif.tobytes().removeprefix(b"Exif\0\0")
    assert written in data
    spoilt = data.replace(written, block.ljust(len(written), b"\0")[: len(written)])
    assert near(corners(decode_photo(io.BytesIO(spoilt))), [RED, GREEN, BLUE, WHITE])
    turned = heic("turned")
    at = turned.index(b"Exif\0\0", turned.index(b"mdat"))
    spoilt = turned[: at + 6] + block.ljust(20, b"\0")[:20] + turned[at + 26 :]
    assert decode_photo(io.BytesIO(spoilt)).size == (64, 96)


def test_an_avif_with_transparency_in_grey_or_animated_is_read() -> None:
    rgba = quarters().convert("RGBA")
    rgba.putalpha(0)
    assert decode_photo(io.BytesIO(encoded(rgba, "AVIF"))).getcolors() == [(96 * 64, WHITE)]
    assert decode_photo(io.BytesIO(encoded(quarters().convert("L"), "AVIF"))).mode == "RGB"
    frames = encoded(quarters(), "AVIF", save_all=True, append_images=[Image.new("RGB", (96, 64))], quality=90)
    assert near(corners(decode_photo(io.BytesIO(frames))), [RED, GREEN, BLUE, WHITE])


def test_a_colour_profile_of_an_avif_is_applied() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = encoded(quarters(), "AVIF", icc_profile=lab, quality=90)
    assert near(corners(decode_photo(io.BytesIO(data))), [RED, GREEN, BLUE, WHITE])


@pytest.mark.parametrize("format", ["AVIF", "HEIF"])
def test_pixels_are_bounded_by_the_header(format: str, settings: Settings) -> None:
    data = encoded(quarters(), "AVIF") if format == "AVIF" else heic("quarters")
    settings.MAX_WHOLE_PHOTO_PIXELS = 96 * 64 - 1
    for read in (inspect_photo, decode_photo):
        with pytest.raises(
            PhotoError, match=rf"96 × 64 pixels, more than 6,143 are not decoded of this kind \({format}\)"
        ) as error:
            read(io.BytesIO(data))
        assert error.value.reason == "bomb"
    settings.MAX_WHOLE_PHOTO_PIXELS = 96 * 64
    assert decode_photo(io.BytesIO(data)).size == (96, 64)


def test_one_with_transparency_may_have_half_the_pixels(settings: Settings) -> None:
    settings.MAX_WHOLE_PHOTO_PIXELS = 48 * 48 * 2 - 1
    assert refused(heic("alpha48")).reason == "bomb"
    settings.MAX_WHOLE_PHOTO_PIXELS += 1
    assert decode_photo(io.BytesIO(heic("alpha48"))).size == (48, 48)


@pytest.mark.parametrize("width", [16, 4096, 70_000])
def test_a_header_that_says_another_size_gives_no_picture_of_a_third_size(width: int) -> None:
    """`ispe` is the size that the boxes say. libavif scales what it decodes to that; libheif gives what it decodes."""
    size = (96).to_bytes(4, "big") + (64).to_bytes(4, "big")
    claimed = width.to_bytes(4, "big") + (64).to_bytes(4, "big")
    error = refused(patched(heic("quarters"), b"ispe", size, claimed))
    assert error.reason == ("bomb" if width > 65_535 else "truncated")
    data = patched(encoded(quarters(), "AVIF"), b"ispe", size, claimed)
    if width > 65_535:
        assert refused(data).reason in ("bomb", "truncated")
    else:
        assert decode_photo(io.BytesIO(data)).size == (width, 64)


def test_one_cut_short_is_truncated() -> None:
    for data in (encoded(noise(64, 64), "AVIF"), heic("quarters")):
        for kept in (len(data) - 40, len(data) // 2, 40, 16):
            assert refused(data[:kept]).reason == "truncated", kept
