"""Photo file → the square of pixels an encoder is fed. The only decoder and resizer, for index and query alike."""

from __future__ import annotations

import math
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from catalog.photos.reading import HashedPixels, decode_framed, decode_hashed, decode_square
from catalog.photos.squares import Box, Crop, Square
from recommender.encoder.recipes import RECIPES

# ImageNet's evaluation crop; against squashing or letterboxing it gains .03 to .08 of P@10.
CENTRE = 0.875
# The smallest width and height of a crop, in fractions of the photo: about a pixel of a small one, too little to see anything on.
LEAST_CROP = 0.001


def photo_to_pixels(file: BinaryIO, *, side: int, recipe: int, crop: Crop | None = None) -> NDArray[np.uint8]:
    """Photo → uint8 (side, side, 3) RGB: what an encoder of that recipe is fed. See `framed_photo`."""
    return framed_photo(file, side=side, recipe=recipe, crop=crop)[0]


def hashed_pixels(file: BinaryIO, *, side: int, recipe: int) -> HashedPixels:
    """`photo_to_pixels` of a whole photo together with the perceptual hashes of that photo. Raises PhotoError."""
    if RECIPES[recipe].framed:
        return decode_hashed(file, framed_side=side)
    return decode_hashed(file, square=Square(side, CENTRE, checked_crop(None)))


def framed_photo(file: BinaryIO, *, side: int, recipe: int, crop: Crop | None = None) -> tuple[NDArray[np.uint8], Box]:
    """Photo → uint8 (side, side, 3) RGB, and the box of the upright photo that these pixels show, in fractions of its width
    and height: below 0 or above 1 where the photo was padded.

    `recipe`: a number of `recommender.encoder.recipes.RECIPES`. `crop`: x, y, width, height as fractions of the upright
    photo, taken before anything else. Raises catalog.photos.reading.PhotoError for a file that is no usable photo and
    ValueError for a crop outside it.
    """
    fractions = checked_crop(crop)
    if RECIPES[recipe].framed:
        return decode_framed(file, side=side, crop=fractions)
    return decode_square(file, square=Square(side, CENTRE, fractions))


def image_to_pixels(image: Image.Image, *, side: int, crop: Crop | None = None) -> NDArray[np.uint8]:
    """RGB picture of any size → uint8 (side, side, 3): the crop's centre square of 87.5 %, bicubic with antialiasing."""
    return np.array(Square(side, CENTRE, checked_crop(crop)).cut(image))


def checked_crop(crop: Crop | None) -> Crop:
    """The crop itself, the whole photo for None. Raises ValueError unless it is a rectangle inside the photo.

    Its sides are LEAST_CROP of the photo's or more: of less there is no pixel, and of the least numbers no reciprocal.
    """
    if crop is None:
        return 0.0, 0.0, 1.0, 1.0
    x, y, w, h = crop
    inside = x >= 0 and y >= 0 and w >= LEAST_CROP and h >= LEAST_CROP and x + w <= 1 + 1e-6 and y + h <= 1 + 1e-6
    if not (inside and all(math.isfinite(value) for value in crop)):
        what = f"x,y,width,height as fractions inside the photo (0 to 1), sides of {LEAST_CROP:g} or more"
        raise ValueError(f"crop must be {what}, not {crop}")
    return crop
