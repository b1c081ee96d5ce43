"""What a photo file may claim of itself, judged by its header before anything is decoded.

Free of Django and of settings: decoder processes import it, and the bounds that are settings come as values.
"""

from __future__ import annotations

import math

from PIL import Image, TiffImagePlugin

from catalog.photos.errors import PhotoError
from catalog.photos.exchange import Bounds
from catalog.photos.jpeg import JpegScans

# The longest side that a JPEG can have. Pillow stores a pointer and padding for each row of pixels, so a picture one pixel
# wide and longer than this would take several times the memory of its pixels.
MOST_SIDE = 65_535
# Strips or tiles of one TIFF: one a row at the longest side allowed.
MOST_PIECES = 65_535
# Memory that decoding takes at its peak, as a multiple of the four bytes a pixel of the decoded picture; measured with
# Pillow 13: libtiff unpacks a whole strip, which may be the whole picture.
_TIMES_MEMORY = {"PNG": 1, "GIF": 1, "BMP": 1, "TIFF": 2, "WEBP": 1, "AVIF": 1, "HEIF": 1}
# That of a WebP in Pillow's own decoder, which allocates three canvases. Larger ones are decoded by `catalog.photos.webp`.
WEBP_TIMES_MEMORY = 4
# Formats whose decoders hold the picture in its own colours, in RGB and as Pillow's: together within the decoder process's
# reserve for three channels and 8 bits, twice that with transparency. Deeper ones of the largest size run into its limit.
_IN_PLANES = {"AVIF", "HEIF"}


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
    elif image.format in _IN_PLANES and image.has_transparency_data:
        times *= 2
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
