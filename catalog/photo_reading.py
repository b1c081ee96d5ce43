"""The one reader of photo files, for upload, index and query alike.

What a file says of itself is not believed: bytes and pixels are bounded before anything is decoded, and a file that
cannot be read ends in a `PhotoError` whose `reason` counts and whose text is for people. Errors of the storage that
the bytes come from are left as they are: those may pass, a bad photo does not.
"""

from __future__ import annotations

import io
import math
import struct
import zlib
from dataclasses import dataclass
from typing import BinaryIO, Literal

from django.conf import settings
from PIL import Image, UnidentifiedImageError

from catalog.photo_colours import to_rgb

Reason = Literal["not_an_image", "truncated", "too_large", "bomb", "duplicate"]

# Pillow's name of a format → the extension its files are stored under. MPO is what some phones write as JPEG.
EXTENSIONS = {
    "JPEG": "jpg",
    "MPO": "jpg",
    "PNG": "png",
    "WEBP": "webp",
    "GIF": "gif",
    "BMP": "bmp",
    "TIFF": "tif",
}
_OPENED_AS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF", b"GIF8", b"BM", b"II*\x00", b"MM\x00*")
_ORIENTATION_TAG = 0x0112
# Memory for decoding whole, in times the four bytes a pixel that Pillow keeps; measured with Pillow 13. libwebp holds three
# canvases of its own, libtiff may hold the file's only strip.
_TIMES_MEMORY = {"PNG": 1, "GIF": 1, "BMP": 1, "TIFF": 2, "WEBP": 4}
# EXIF orientation → what sets the picture upright (CIPA DC-008, 4.6.4).
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# What Pillow's decoders are seen to raise on damaged files.
_DAMAGED = (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, struct.error, zlib.error)


class PhotoError(Exception):
    """A file that is no usable photo. `reason` is a short code; the text says what is wrong and what would do."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason: Reason = reason


@dataclass(frozen=True)
class PhotoFacts:
    """What the header says: width and height in pixels as seen upright, and the extension of the format."""

    width: int
    height: int
    extension: str


def inspect_photo(file: BinaryIO) -> PhotoFacts:
    """Read the header of a photo without decoding it.

    Raises PhotoError: `too_large` (MAX_PHOTO_BYTES), `bomb` (`_most_pixels`), `not_an_image`, `truncated`.
    """
    with _open(_bounded_bytes(file)) as image:
        width, height = image.size
        # Pillow turns a TIFF by itself, and its size says so already.
        if _orientation(image) >= 5 and image.format != "TIFF":
            width, height = height, width
        return PhotoFacts(width=width, height=height, extension=EXTENSIONS[image.format or ""])


def decode_photo(file: BinaryIO, *, at_least: int | None = None) -> Image.Image:
    """Decode a photo to RGB, upright by its EXIF orientation, transparency laid onto white; first frame of several.

    `at_least`: the side in pixels that will be cut from it; a JPEG is then decoded at the smallest of 1/8, 1/4, 1/2
    and 1/1 whose sides are still twice that, which is several times faster, and what is larger than 4 million pixels
    once decoded is shrunk to sides still twice that. Raises PhotoError as `inspect_photo` does.
    """
    image = _open(_bounded_bytes(file))
    try:
        if at_least is not None:
            image.draft(None, (2 * at_least, 2 * at_least))
        image.load()
        upright = _UPRIGHT.get(_orientation(image))
        rgb = to_rgb(image, at_least=at_least)
    except Image.DecompressionBombError as error:
        raise _bomb(image) from error
    except _DAMAGED as error:
        raise PhotoError("truncated", f"the picture is damaged or cut short ({error}); save it again") from error
    return rgb if upright is None else rgb.transpose(upright)


def _bounded_bytes(file: BinaryIO) -> bytes:
    data = file.read(settings.MAX_PHOTO_BYTES + 1)
    if len(data) > settings.MAX_PHOTO_BYTES:
        limit = settings.MAX_PHOTO_BYTES / 1024**2
        raise PhotoError("too_large", f"the file is larger than {limit:g} MB; send a smaller one")
    return data


def _open(data: bytes) -> Image.Image:
    """Identify the format and bound the pixels; nothing is decoded yet."""
    if not data:
        raise PhotoError("not_an_image", "the file is empty")
    try:
        image = Image.open(io.BytesIO(data), formats=_OPENED_AS)
    except UnidentifiedImageError as error:
        if data.startswith(_SIGNATURES):
            raise PhotoError("truncated", "the picture is damaged or cut short in its header; save it again") from error
        known = "JPEG, PNG, WebP, GIF, BMP or TIFF"
        raise PhotoError("not_an_image", f"the file is not a photo; send {known}") from error
    except Image.DecompressionBombError as error:
        raise _bomb(None) from error
    except _DAMAGED as error:
        raise PhotoError("truncated", f"the picture's header is damaged ({error}); save it again") from error
    if image.width * image.height > _most_pixels(image):
        raise _bomb(image)
    return image


def _most_pixels(image: Image.Image) -> int:
    """MAX_PHOTO_PIXELS for a JPEG that may be decoded small, MAX_WHOLE_PHOTO_PIXELS or a fraction of it for others."""
    times = _TIMES_MEMORY.get(image.format or "")
    if times is None:
        if not image.info.get("progressive"):
            return settings.MAX_PHOTO_PIXELS
        # A progressive one is put together from coefficients of two bytes, whole, whatever it is decoded to.
        areas = [across * down for _, across, down, _ in getattr(image, "layer", ())]
        times = math.ceil(2 * sum(areas) / max([*areas, 1]) / 4) or 1
    return min(settings.MAX_PHOTO_PIXELS, settings.MAX_WHOLE_PHOTO_PIXELS // times)


def _bomb(image: Image.Image | None) -> PhotoError:
    if image is None:
        return PhotoError("bomb", "the picture claims too many pixels to be decoded; send a smaller one")
    kind = "progressive JPEG" if image.info.get("progressive") else image.format
    return PhotoError(
        "bomb",
        f"the picture claims {image.width} × {image.height} pixels, more than {_most_pixels(image):,} are not decoded of "
        f"this kind ({kind}); send a smaller one",
    )


def _orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 where there is none or the EXIF block is damaged: that alone never spoils a photo."""
    try:
        return int(Image.Image.getexif(image).get(_ORIENTATION_TAG, 1))
    except _DAMAGED:
        return 1
