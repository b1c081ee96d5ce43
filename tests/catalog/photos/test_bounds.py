"""What a header claims is judged before anything is decoded, and what it hides is held by the decoder's own bounds."""

from __future__ import annotations

import contextlib
import io
import sys
import threading
import zlib

import psutil
import pytest
from PIL import Image
from pytest_django import Settings

from catalog.photos.decoder_pool import decoder_pool
from catalog.photos.reading import PhotoError, decode_photo, inspect_photo
from tests.catalog.photos.files import (
    black_png,
    encoded,
    many_scans,
    noise,
    one_scan_a_component,
    png_chunk,
    strips_tiff,
    tiff,
    tile_tiff,
)


def refused(data: bytes) -> PhotoError:
    """What both readers say, which is the same."""
    errors = []
    for read in (inspect_photo, decode_photo):
        with pytest.raises(PhotoError) as error:
            read(io.BytesIO(data))
        errors.append(error.value)
    assert str(errors[0]) == str(errors[1])
    return errors[0]


@pytest.mark.parametrize("progressive", [True, False])
def test_a_jpeg_of_many_scans_is_refused_by_its_header(progressive: bool) -> None:
    error = refused(many_scans(64, 101, progressive=progressive))
    assert (error.reason, "more than 100 scans; save it as a plain" in str(error)) == ("bomb", True)
    facts = inspect_photo(io.BytesIO(many_scans(64, 100, progressive=progressive)))
    assert (facts.width, facts.height) == (64, 64)
    if progressive:
        assert decode_photo(io.BytesIO(many_scans(64, 100))).size == (64, 64)


def test_scans_of_a_thumbnail_and_of_further_pictures_are_not_counted() -> None:
    exif = b"Exif\0\0" + b"\xff\xda\x00\x02" * 200
    more = many_scans(64, 200)
    assert decode_photo(io.BytesIO(encoded(noise(64, 64), "JPEG", exif=exif) + more)).size == (64, 64)


def test_a_jpeg_of_many_segments_is_refused_by_its_header() -> None:
    data = encoded(noise(8, 8), "JPEG")
    error = refused(data[:2] + b"\xff\xfe\x00\x02" * 5_000 + data[2:])
    assert (error.reason, "more than 5,000 segments" in str(error)) == ("bomb", True)


def test_a_sequential_jpeg_of_several_scans_is_bounded_as_a_progressive_one(settings: Settings) -> None:
    settings.MAX_WHOLE_PHOTO_PIXELS = 64 * 64 - 1
    image = noise(64, 64)
    assert inspect_photo(io.BytesIO(encoded(image, "JPEG"))).width == 64
    assert "(progressive JPEG)" in str(refused(encoded(image, "JPEG", progressive=True)))
    error = refused(one_scan_a_component(image))
    assert (error.reason, "(JPEG of several scans)" in str(error)) == ("bomb", True)


def test_a_tile_larger_than_any_picture_is_refused_by_its_header() -> None:
    error = refused(tile_tiff(side=7_200))
    assert error.reason == "bomb"
    assert "7200 × 7200 pixels unpack to 51,840,000 bytes each, more than 50,000,000" in str(error)
    assert decode_photo(io.BytesIO(tile_tiff(side=512))).size == (100, 100)


def test_a_strip_larger_than_its_picture_counts_as_large_as_that() -> None:
    assert decode_photo(io.BytesIO(strips_tiff(width=8, height=8, rows=2**31))).size == (8, 8)


def test_a_tiff_of_very_many_pieces_is_refused_by_its_header() -> None:
    tags = {256: 1000, 257: 1000, 258: 8, 259: 8, 262: 1, 277: 1, 322: 2, 323: 4, 324: -1, 325: 1}
    error = refused(tiff(tags, b"x"))
    assert (error.reason, "TIFF of 125,000 strips or tiles, more than 65,535" in str(error)) == ("bomb", True)
    assert decode_photo(io.BytesIO(strips_tiff(width=2, height=1000, rows=1))).size == (2, 1000)


@pytest.mark.parametrize("tags", [{322: 0, 323: 16, 324: -1}, {322: 16, 324: -1}, {278: 0, 273: -1}])
def test_strips_without_a_size_are_damage(tags: dict[int, int]) -> None:
    whole = {256: 16, 257: 16, 258: 8, 259: 8, 262: 1, 277: 1, 325: 1, 279: 1}
    assert refused(tiff(whole | tags, b"x")).reason == "truncated"


@pytest.mark.parametrize(("width", "height"), [(1, 24_900_000), (65_536, 1)])
def test_a_side_longer_than_any_jpeg_is_refused_by_its_header(width: int, height: int) -> None:
    error = refused(black_png(width, height))
    assert error.reason == "bomb"
    assert f"{width} × {height} pixels, sides of more than 65,535 are not decoded" in str(error)


@pytest.mark.skipif(sys.platform != "linux", reason="a decoder cannot bound its memory elsewhere")
@pytest.mark.parametrize(
    "name",
    ["tile", "tall", "narrow", "wide", "text", "profile", "segments", "jpeg", "webp", "avif", "no end"],
)
def test_no_process_grows_by_more_than_300_mb(name: str, settings: Settings) -> None:
    """This one keeps the picture, its decoder what decoding takes; each one's peak since its last start counts."""
    settings.PHOTO_SECONDS = 60.0  # on a busy machine a decoder may get little of the processor
    text = b"a\0\0" + zlib.compress(bytes(1024**2 - 1), 9)
    png = encoded(noise(8, 8))
    data = {
        "tile": lambda: tile_tiff(side=20_000),
        "tall": lambda: black_png(1, 24_900_000),
        "narrow": lambda: encoded(Image.new("RGBA", (381, 65_535)), compress_level=1),
        "wide": lambda: encoded(Image.new("RGBA", (65_535, 381)), compress_level=1),
        "text": lambda: png[:33] + png_chunk(b"zTXt", text) * 15_000 + png[33:],
        "profile": lambda: png[:33] + png_chunk(b"iCCP", b"a\0\0" + text[3:] * 900) + png[33:],
        "segments": lambda: b"\xff\xd8" + b"\xff\xfe\x00\x02" * 5_000_000,
        "jpeg": lambda: encoded(Image.new("RGB", (7_071, 7_071)), "JPEG"),
        "webp": lambda: encoded(Image.new("RGBA", (5_000, 5_000)), "WEBP", lossless=True, method=0),
        "avif": lambda: encoded(Image.new("RGB", (5_000, 5_000)), "AVIF", speed=10),
        "no end": lambda: encoded(Image.new("RGB", (7_071, 7_071)), "JPEG")[:-2],
    }[name]()
    decoder_pool().close()
    decode_photo(io.BytesIO(png))
    (decoder,) = decoder_pool().processes()
    with Growth(decoder, psutil.Process().pid) as growth:
        try:
            decode_photo(io.BytesIO(data))
        except PhotoError as error:
            assert error.reason in ("bomb", "truncated")
    assert max(growth.megabytes.values()) <= 300, growth.megabytes


class Growth:
    """By how many megabytes processes grow inside the block, looked at every 2 ms."""

    def __init__(self, *pids: int) -> None:
        self._processes = [psutil.Process(pid) for pid in pids]
        self._before = {process.pid: process.memory_info().rss for process in self._processes}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.megabytes = dict.fromkeys(pids, 0.0)

    def _look(self) -> None:
        while not self._ended.wait(0.002):
            for process in self._processes:
                with contextlib.suppress(psutil.NoSuchProcess):
                    grown = (process.memory_info().rss - self._before[process.pid]) / 1024**2
                    self.megabytes[process.pid] = max(self.megabytes[process.pid], grown)

    def __enter__(self) -> Growth:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
