"""Reads photo files: the one way for uploads, for photos that are embedded and for photos that are searched with.

Files are not trusted: their size is limited, their header is judged before anything is decoded, and decoding happens in a
separate process with a deadline and a memory limit. A file that cannot be read raises `PhotoError`, whose `reason` is for
programs and whose text is for people. Errors of the storage that the bytes come from are passed on unchanged: they may go
away by themselves, a bad photo does not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO, TypeVar

import numpy as np
from django.conf import settings
from numpy.typing import NDArray
from PIL import Image

from catalog.photos.decoder_child import Decoder
from catalog.photos.decoder_pool import DecodersBusy, decoder_pool
from catalog.photos.errors import PhotoError, Reason
from catalog.photos.exchange import EXTENSIONS, STRIP_PIXELS, Bounds, PhotoFacts
from catalog.photos.hashes import PictureHashes
from catalog.photos.squares import Box, Crop, Square

__all__ = [
    "EXTENSIONS",
    "DecodersBusy",
    "HashedPixels",
    "PhotoError",
    "PhotoFacts",
    "Reason",
    "decode_framed",
    "decode_hashed",
    "decode_photo",
    "decode_square",
    "derived_file",
    "inspect_photo",
]

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class HashedPixels:
    """Pixels uint8 (side, side, 3) RGB cut out of a photo, and the perceptual hashes of the whole photo."""

    pixels: NDArray[np.uint8]
    hashes: PictureHashes


def inspect_photo(file: BinaryIO) -> PhotoFacts:
    """Read the header of a photo without decoding it.

    Raises PhotoError: `too_large` (MAX_PHOTO_BYTES), `bomb` (more pixels, scans, strips or memory than are decoded),
    `not_an_image`, `unsupported`, `truncated`, `too_slow` (PHOTO_SECONDS); and DecodersBusy: try again later.
    """
    return _decoded(file, _request(facts_only=True), _facts)


def decode_photo(file: BinaryIO, *, at_least: int | None = None) -> Image.Image:
    """Decode a photo to RGB: its colour profile applied, turned upright by its EXIF orientation, transparency laid onto white,
    first frame of several.

    `at_least`: the side in pixels that the caller needs. A JPEG is then decoded at the smallest of 1/8, 1/4, 1/2 and 1/1
    whose sides are at least twice that, which is several times faster; a picture of more than 4 million decoded pixels
    is reduced to sides of at least twice that. Raises PhotoError as `inspect_photo` does.
    """
    return _decoded(file, _request(at_least=at_least), _picture)


def derived_file(file: BinaryIO, *, format: str) -> bytes:
    """What is served instead of a photo (`catalog.derivatives`): upright, in sRGB, transparency kept, without any of its other
    data, as a file of that format of `catalog.derivatives.FORMATS`. It is encoded in the decoder process.

    Raises PhotoError as `inspect_photo` does.
    """
    return _decoded(file, _request(derivative=format), _encoded)


def decode_square(file: BinaryIO, *, square: Square) -> tuple[NDArray[np.uint8], Box]:
    """Decode a photo without its colour profile and cut a square out of it. Raises PhotoError.

    uint8 (side, side, 3) RGB, and the box of the upright photo that it shows, in fractions of its width and height. The
    square is cut in the decoder process, so that only its pixels travel to this one.
    """
    return _decoded(file, _request(square=square), _seen)


def decode_framed(file: BinaryIO, *, side: int, crop: Crop) -> tuple[NDArray[np.uint8], Box]:
    """Decode a photo and frame what it shows (`catalog.photos.framing`) inside the crop. Raises PhotoError.

    uint8 (side, side, 3) RGB, and the box of the upright photo that it shows, in fractions of its width and height: below 0
    or above 1 where the photo was padded with its own ground. `crop`: x, y, width and height in fractions.
    """
    return _decoded(file, _request(framed={"side": side, "crop": crop}), _seen)


def decode_hashed(file: BinaryIO, *, square: Square | None = None, framed_side: int = 0) -> HashedPixels:
    """As `decode_square` or, of the whole photo, `decode_framed`, with the photo's hashes. Raises PhotoError.

    Whoever decodes a photo has its hashes for 2 % of the time that it takes to embed it; reading it once more takes ten
    times that.
    """
    framed = None if square else {"side": framed_side, "crop": (0.0, 0.0, 1.0, 1.0)}
    return _decoded(file, _request(square=square, framed=framed, hashed=True), _hashed)


def _decoded(file: BinaryIO, request: dict[str, Any], result: Callable[[dict[str, Any], Decoder], T]) -> T:
    return decoder_pool().decode(_bounded_bytes(file), request, seconds=settings.PHOTO_SECONDS, result=result)


def _bounded_bytes(file: BinaryIO) -> bytes:
    data = file.read(settings.MAX_PHOTO_BYTES + 1)
    if len(data) > settings.MAX_PHOTO_BYTES:
        limit = settings.MAX_PHOTO_BYTES / 1024**2
        raise PhotoError("too_large", f"the file is larger than {limit:g} MB; send a smaller one")
    return data


def _request(
    *,
    facts_only: bool = False,
    at_least: int | None = None,
    square: Square | None = None,
    framed: dict[str, Any] | None = None,
    hashed: bool = False,
    derivative: str = "",
) -> dict[str, Any]:
    return {
        "bounds": Bounds(pixels=settings.MAX_PHOTO_PIXELS, whole_pixels=settings.MAX_WHOLE_PHOTO_PIXELS),
        "facts_only": facts_only,
        "at_least": at_least,
        "square": square,
        "framed": framed,
        "hashed": hashed,
        "derivative": derivative,
    }


def _facts(answer: dict[str, Any], decoder: Decoder) -> PhotoFacts:
    return PhotoFacts(width=answer["width"], height=answer["height"], extension=answer["extension"])


def _picture(answer: dict[str, Any], decoder: Decoder) -> Image.Image:
    """Read strip by strip: for a large picture there is no memory for a second copy."""
    width, height = answer["width"], answer["height"]
    rows = max(1, STRIP_PIXELS // width)
    if height <= rows:
        return Image.frombytes("RGB", (width, height), decoder.read(3 * width * height))
    image = Image.new("RGB", (width, height))
    for top in range(0, height, rows):
        size = width, min(rows, height - top)
        image.paste(Image.frombytes("RGB", size, decoder.read(3 * size[0] * size[1], at=3 * width * top)), (0, top))
    return image


def _encoded(answer: dict[str, Any], decoder: Decoder) -> bytes:
    return bytes(decoder.read(answer["encoded"]))


def _seen(answer: dict[str, Any], decoder: Decoder) -> tuple[NDArray[np.uint8], Box]:
    width, height = answer["width"], answer["height"]
    left, top, right, bottom = answer["box"]
    pixels = np.frombuffer(decoder.read(3 * width * height), np.uint8).reshape(height, width, 3)
    return pixels, (left, top, right, bottom)


def _hashed(answer: dict[str, Any], decoder: Decoder) -> HashedPixels:
    whole, mirrored, middle, middle_mirrored = answer["hashes"]
    return HashedPixels(_seen(answer, decoder)[0], (whole, mirrored, middle, middle_mirrored))
