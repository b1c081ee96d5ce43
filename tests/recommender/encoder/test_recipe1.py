"""Recipe 1 has landed: the pixels that it makes of a photo never change, whatever later recipes do."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from recommender.encoder.preprocess import framed_photo, photo_to_pixels

GOLDEN = np.load(Path(__file__).parent / "golden" / "recipe1.npz")
FILES = sorted(name.removeprefix("file_") for name in GOLDEN.files if name.startswith("file_"))


@pytest.mark.parametrize("name", FILES)
def test_the_pixels_of_recipe_1_are_those_of_the_first_release(name: str) -> None:
    """A turned JPEG, a cut-out, a swapped colour profile, 16 bits, an object on plain ground and CMYK; whole and cropped."""
    data = GOLDEN[f"file_{name}"].tobytes()
    assert np.array_equal(photo_to_pixels(io.BytesIO(data), side=32, recipe=1), GOLDEN[f"whole_{name}"])
    cropped = photo_to_pixels(io.BytesIO(data), side=32, recipe=1, crop=(0.1, 0.2, 0.5, 0.7))
    assert np.array_equal(cropped, GOLDEN[f"crop_{name}"])


def test_recipe_1_sees_the_centre() -> None:
    _, box = framed_photo(io.BytesIO(GOLDEN["file_plain"].tobytes()), side=32, recipe=1)
    assert box == pytest.approx((3.75 / 90 + 15 / 90, 3.75 / 60, 1 - 18.75 / 90, 1 - 3.75 / 60))
