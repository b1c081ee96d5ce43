"""Crops are rectangles inside the photo of which something can be seen; every other text is refused by name."""

from __future__ import annotations

import pytest

from catalog.parameters import InvalidParameter
from recommender.encoder.preprocess import LEAST_CROP, image_to_pixels, photo_to_pixels
from recommender.search.query_photos import parse_crop
from tests.catalog.factories import photo_bytes

TOO_SMALL = ["0,0,5e-324,5e-324", "0,0,1e-300,1", "0,0,1,1e-9", "0,0,0.000999,0.5", "0.9999,0,1e-4,1"]
NOT_INSIDE = [
    "nan,0,1,1",
    "0,0,nan,1",
    "0,0,1,inf",
    "-inf,0,1,1",
    "1e999,0,1,1",
    "0,0,0,1",
    "0,0,-1,1",
    "0.5,0,0.6,1",
    "1,0,1,1",
]
NO_NUMBERS = ["a,b,c,d", "0,0,1", "0,0,1,1,1", ",,,", "\0,0,1,1", "9" * 5000, "0;0;1;1", "0,0,0_1,1", "0,0,١,1"]


@pytest.mark.parametrize("text", TOO_SMALL)
def test_a_crop_of_no_pixel_is_refused_with_the_least(text: str) -> None:
    with pytest.raises(InvalidParameter, match=r"width and height must be 0\.001 of the photo or more") as told:
        parse_crop(text)
    assert told.value.parameter == "crop"


@pytest.mark.parametrize("text", NOT_INSIDE + NO_NUMBERS, ids=lambda text: text[:20])
def test_what_is_no_rectangle_inside_the_photo_is_refused(text: str) -> None:
    with pytest.raises(InvalidParameter, match="four fractions of the photo are needed") as told:
        parse_crop(text)
    assert told.value.parameter == "crop" and len(str(told.value)) < 300


def test_the_least_crop_is_read(tmp_path: object) -> None:
    import io

    crop = parse_crop(f"0.5,0.5,{LEAST_CROP},{LEAST_CROP}")
    assert crop == (0.5, 0.5, LEAST_CROP, LEAST_CROP)
    assert photo_to_pixels(io.BytesIO(photo_bytes(1)), side=8, recipe=1, crop=crop).shape == (8, 8, 3)


@pytest.mark.parametrize("side", [5e-324, LEAST_CROP / 2, float("nan")])
def test_the_decoder_itself_takes_no_smaller_one(side: float) -> None:
    from PIL import Image

    with pytest.raises(ValueError, match="crop must be"):
        image_to_pixels(Image.new("RGB", (64, 48)), side=8, crop=(0.0, 0.0, side, side))
