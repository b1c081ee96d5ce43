"""JPEGs without their end: taken where every row is there, refused where decoders would make rows up."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from catalog.photos.reading import PhotoError, decode_photo
from tests.catalog.photos.files import encoded, noise, one_scan_a_component

MANNERS: list[dict[str, object]] = [
    {},
    {"optimize": True},
    {"progressive": True},
    {"restart_marker_blocks": 1},
    {"restart_marker_rows": 1},
    {"progressive": True, "restart_marker_rows": 1},
]


@pytest.mark.parametrize("manner", MANNERS, ids=str)
@pytest.mark.parametrize("size", [(64, 64), (61, 43)])
def test_only_the_end_may_be_missing(manner: dict[str, object], size: tuple[int, int]) -> None:
    whole = encoded(noise(*size), "JPEG", quality=80, **manner)
    pixels = np.asarray(decode_photo(io.BytesIO(whole)))
    for missing in (1, 2):
        assert np.array_equal(np.asarray(decode_photo(io.BytesIO(whole[:-missing]))), pixels)
    start = whole.rindex(b"\xff\xda") + 20
    for end in {*range(len(whole) - 60, len(whole) - 3), *range(start, len(whole) - 60, 211)}:
        with pytest.raises(PhotoError) as error:
            decode_photo(io.BytesIO(whole[:end]))
        assert error.value.reason == "truncated", len(whole) - end


@pytest.mark.parametrize("manner", MANNERS, ids=str)
@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_plain_picture_is_taken_only_as_it_was(manner: dict[str, object], level: int) -> None:
    """Of a picture of one colour the last rows may be missing and known all the same."""
    whole = encoded(Image.new("RGB", (64, 64), (level, level, level)), "JPEG", **manner)
    for missing in range(1, len(whole) - whole.rindex(b"\xff\xda")):
        try:
            read = decode_photo(io.BytesIO(whole[:-missing]))
        except PhotoError as error:
            assert error.reason == "truncated" and missing > 2
        else:
            assert read.getcolors() == decode_photo(io.BytesIO(whole)).getcolors(), missing


def test_a_missing_scan_is_missed() -> None:
    whole = encoded(noise(64, 64), "JPEG", progressive=True)
    scans = [at for at in range(len(whole)) if whole[at : at + 2] == b"\xff\xda"]
    tables = whole.rindex(b"\xff\xc4", 0, scans[-1])
    for end in (scans[-1], scans[1], tables):
        with pytest.raises(PhotoError, match="cut short"):
            decode_photo(io.BytesIO(whole[:end]))
    with pytest.raises(PhotoError, match="cut short"):
        decode_photo(io.BytesIO(one_scan_a_component(noise(64, 64))[:-2]))


def test_one_decoded_at_a_smaller_scale_is_taken_too() -> None:
    whole = encoded(noise(1000, 800), "JPEG", quality=80)
    small = decode_photo(io.BytesIO(whole[:-2]), at_least=100)
    assert small.size == (250, 200)
    assert np.array_equal(np.asarray(small), np.asarray(decode_photo(io.BytesIO(whole), at_least=100)))
