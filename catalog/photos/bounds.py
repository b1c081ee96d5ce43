"""What a photo file may claim of itself, judged by its header before anything is decoded.

Free of Django and of settings: decoder processes import it, and the bounds that are settings come as values.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

from PIL import Image, TiffImagePlugin

Reason = Literal["not_an_image", "unsupported", "truncated", "too_large", "bomb", "too_slow", "busy", "duplicate"]

# The longest side that a JPEG can have. Pillow stores a pointer and padding for each row of pixels, so a picture one pixel
# wide and longer than this would take several times the memory of its pixels.
MOST_SIDE = 65_535
# Scans of one JPEG. Encoders write about 10; decoding a scan visits every pixel, however few bytes the scan has.
MOST_SCANS = 100
# Segments of one JPEG. 20 MB of metadata takes about 320.
MOST_SEGMENTS = 5_000
# Strips or tiles of one TIFF: one a row at the longest side allowed.
MOST_PIECES = 65_535
# Memory that decoding takes at its peak, as a multiple of the four bytes a pixel of the decoded picture; measured with
# Pillow 13. libwebp allocates three canvases of its own, and libtiff unpacks a whole strip, which may be the whole picture.
_TIMES_MEMORY = {"PNG": 1, "GIF": 1, "BMP": 1, "TIFF": 2, "WEBP": 4}
# 0xFF and a byte that begins a segment: neither stuffing, fill bytes, TEM, restarts nor SOI (ITU-T T.81, table B.1).
_JPEG_MARKER = re.compile(rb"\xff([^\x00\x01\xff\xd0-\xd8])", re.DOTALL)
_END_OF_IMAGE, _START_OF_SCAN = 0xD9, 0xDA


class PhotoError(Exception):
    """A file that cannot be used as a photo. `reason` is a short code; the text says what is wrong and how to mend it."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason: Reason = reason


@dataclass(frozen=True)
class Bounds:
    """The most pixels that are decoded.

    `pixels`: of a JPEG that can be decoded at a reduced size. `whole_pixels`: of any other photo; a fraction of it for
    formats whose decoders need more memory than the pixels.
    """

    pixels: int
    whole_pixels: int


@dataclass(frozen=True)
class JpegScans:
    """How many scans a JPEG has, and how many colour components its first scan carries."""

    count: int
    first_components: int


def jpeg_scans(data: bytes) -> JpegScans:
    """Walk over the segments of a JPEG's first picture. Raises PhotoError `bomb` for more of them than photos have."""
    scans = first = 0
    at = 2
    for _ in range(MOST_SEGMENTS):
        found = _JPEG_MARKER.search(data, at)
        if found is None or found[1][0] == _END_OF_IMAGE:
            return JpegScans(scans, first)
        at = found.end()
        if found[1][0] == _START_OF_SCAN:
            scans += 1
            first = first or int.from_bytes(data[at + 2 : at + 3], "big")
            if scans > MOST_SCANS:
                raise PhotoError(
                    "bomb",
                    f"the picture is a JPEG of more than {MOST_SCANS} scans; save it as a plain (baseline) JPEG",
                )
        at += max(2, int.from_bytes(data[at : at + 2], "big"))
    raise PhotoError(
        "bomb", f"the picture is a JPEG of more than {MOST_SEGMENTS:,} segments; save it again without its metadata"
    )


def check_header(image: Image.Image, bounds: Bounds, scans: JpegScans | None) -> None:
    """Judge a picture that is opened and not yet decoded. `scans`: None unless it is a JPEG. Raises PhotoError `bomb`."""
    claims = f"the picture claims {image.width} × {image.height} pixels"
    if max(image.size) > MOST_SIDE:
        raise PhotoError("bomb", f"{claims}, sides of more than {MOST_SIDE:,} are not decoded; send a smaller one")
    most = _most_pixels(image, bounds, scans)
    if image.width * image.height > most:
        raise PhotoError(
            "bomb",
            f"{claims}, more than {most:,} are not decoded of this kind ({_kind(image, scans)}); send a smaller one",
        )
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        _check_pieces(image, bounds)


def _most_pixels(image: Image.Image, bounds: Bounds, scans: JpegScans | None) -> int:
    """`bounds.pixels` for a JPEG that can be decoded at a reduced size; else `bounds.whole_pixels` or a fraction of it."""
    times = _TIMES_MEMORY.get(image.format or "")
    if times is None:
        if not _is_held_whole(image, scans):
            return bounds.pixels
        # Its coefficients (two bytes each) are all held at full size, even where the output is reduced.
        areas = [across * down for _, across, down, _ in getattr(image, "layer", ())]
        times = math.ceil(2 * sum(areas) / max([*areas, 1]) / 4) or 1
    return min(bounds.pixels, bounds.whole_pixels // times)


def _is_held_whole(image: Image.Image, scans: JpegScans | None) -> bool:
    """Whether a JPEG's components come in several scans (progressive or not): decoders then hold all its coefficients."""
    components = len(getattr(image, "layer", ()))
    return bool(image.info.get("progressive")) or (scans is not None and 0 < scans.first_components < components)


def _kind(image: Image.Image, scans: JpegScans | None) -> str:
    if image.info.get("progressive"):
        return "progressive JPEG"
    return "JPEG of several scans" if _is_held_whole(image, scans) else image.format or "unknown"


def _check_pieces(image: TiffImagePlugin.TiffImageFile, bounds: Bounds) -> None:
    """Bound the size of one strip or tile, which libtiff unpacks at once, and their number, which it keeps a list of."""
    tags = image.tag_v2
    width, height = tags[TiffImagePlugin.IMAGEWIDTH], tags[TiffImagePlugin.IMAGELENGTH]
    if TiffImagePlugin.TILEWIDTH in tags or TiffImagePlugin.TILELENGTH in tags:
        across, down = tags.get(TiffImagePlugin.TILEWIDTH), tags.get(TiffImagePlugin.TILELENGTH)
    else:
        across, down = width, min(height, tags.get(TiffImagePlugin.ROWSPERSTRIP, height))
    if not (isinstance(across, int) and isinstance(down, int) and across > 0 and down > 0):
        raise PhotoError("truncated", "the picture's header is damaged (TIFF strips without a size); save it again")
    bits = tags.get(TiffImagePlugin.BITSPERSAMPLE, (1,))
    unpacked = across * down * max(bits) * max(len(bits), tags.get(TiffImagePlugin.SAMPLESPERPIXEL, 1)) // 8
    most = 4 * bounds.whole_pixels // _TIMES_MEMORY["TIFF"]
    if unpacked > most:
        raise PhotoError(
            "bomb",
            f"the picture is a TIFF whose strips or tiles of {across} × {down} pixels unpack to {unpacked:,} bytes each, "
            f"more than {most:,} are not decoded; save it with smaller ones, or as JPEG or PNG",
        )
    pieces = math.ceil(width / across) * math.ceil(height / down)
    if pieces > MOST_PIECES:
        raise PhotoError(
            "bomb",
            f"the picture is a TIFF of {pieces:,} strips or tiles, more than {MOST_PIECES:,} are not decoded; save it as "
            "JPEG or PNG",
        )
