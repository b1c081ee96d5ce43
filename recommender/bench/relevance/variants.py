"""A photo as somebody else might send it: on a wider canvas, packed, smaller, mirrored, cut, lighter, darker, marked.

Pure functions: an RGB picture in, the bytes of a photo file out, the same for the same picture. PNG, which keeps every pixel,
but where JPEG is the point. "Border" is the strip of 2.5 % of the shorter side along all four sides.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageOps

from catalog.photos.squares import WHITE, Colour

Variant = Callable[[Image.Image], bytes]

CANVASES = (1.5, 2.0, 3.0, 4.0)
# The ground is plain where this share of the border lies within so many levels (of 255, in each channel) of its median.
PLAIN_SHARE, PLAIN_WITHIN = 0.8, 16
_BORDER = 0.025
_KEPT_BY_CROP = 0.9
_MARK, _MARK_SHARE = 128, 0.4


def plain_ground(picture: Image.Image) -> bool:
    """Whether the picture was taken on plain ground, as packshots are."""
    border = _border(picture)
    near = np.abs(border - np.median(border, axis=0)).max(axis=1) <= PLAIN_WITHIN
    return bool(near.mean() >= PLAIN_SHARE)


def border_colour(picture: Image.Image) -> Colour:
    """The median of the border, channel by channel."""
    red, green, blue = np.median(_border(picture), axis=0).astype(int).tolist()
    return red, green, blue


def canvas(picture: Image.Image, *, times: float, colour: Colour | None = None) -> bytes:
    """The picture in the middle of a canvas so many times as wide and as high, its own pixels unchanged.

    `colour` None: the border's.
    """
    size = round(times * picture.width), round(times * picture.height)
    ground = Image.new("RGB", size, border_colour(picture) if colour is None else colour)
    ground.paste(picture, ((size[0] - picture.width) // 2, (size[1] - picture.height) // 2))
    return _png(ground)


def jpeg(picture: Image.Image, *, quality: int) -> bytes:
    """Packed by JPEG at a quality of 1 to 95."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def half_size(picture: Image.Image) -> bytes:
    """Half as wide and half as high, one pixel at least."""
    size = max(1, picture.width // 2), max(1, picture.height // 2)
    return _png(picture.resize(size, Image.Resampling.BICUBIC))


def mirror(picture: Image.Image) -> bytes:
    """Left and right exchanged."""
    return _png(ImageOps.mirror(picture))


def cropped(picture: Image.Image) -> bytes:
    """A tenth of the width and of the height cut away, half of it on either side."""
    width, height = (max(1, round(_KEPT_BY_CROP * side)) for side in picture.size)
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return _png(picture.crop((left, top, left + width, top + height)))


def exposed(picture: Image.Image, *, stops: int) -> bytes:
    """Exposed by so many stops more: each doubles the linear light of sRGB, a negative one halves it."""
    levels = np.arange(256) / 255
    light = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)  # IEC 61966-2-1
    light = np.minimum(light * 2.0**stops, 1)
    levels = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    table = np.round(levels * 255).astype(np.uint8)
    return _png(Image.fromarray(table[np.asarray(picture)]))


def watermarked(picture: Image.Image) -> bytes:
    """Four by four grey, half transparent marks over all of it: a ring that is crossed out."""
    mask = Image.new("L", picture.size, 0)
    draw = ImageDraw.Draw(mask)
    wide, high = picture.width / 4, picture.height / 4
    radius = min(wide, high) * 0.35
    line = max(1, round(radius / 5))
    for row in range(4):
        for column in range(4):
            x, y = (column + 0.5) * wide, (row + 0.5) * high
            box = (x - radius, y - radius, x + radius, y + radius)
            draw.ellipse(box, outline=round(255 * _MARK_SHARE), width=line)
            draw.line((x - radius, y + radius, x + radius, y - radius), fill=round(255 * _MARK_SHARE), width=line)
    marked = picture.copy()
    marked.paste((_MARK, _MARK, _MARK), (0, 0), mask)
    return _png(marked)


VARIANTS: Mapping[str, Variant] = {
    **{f"canvas {times:g} ×, border's colour": partial(canvas, times=times) for times in CANVASES},
    **{f"canvas {times:g} ×, white": partial(canvas, times=times, colour=WHITE) for times in CANVASES},
    "JPEG 50": partial(jpeg, quality=50),
    "half size": half_size,
    "mirrored": mirror,
    "10 % cropped": cropped,
    "one stop lighter": partial(exposed, stops=1),
    "one stop darker": partial(exposed, stops=-1),
    "tiled watermark": watermarked,
}


def _border(picture: Image.Image) -> NDArray[np.int64]:
    """The pixels of the border, int64 (pixels, 3)."""
    pixels = np.asarray(picture).astype(np.int64)
    strip = max(1, round(_BORDER * min(picture.size)))
    inner = np.zeros(pixels.shape[:2], bool)
    inner[strip:-strip, strip:-strip] = True
    border: NDArray[np.int64] = pixels[~inner]
    return border


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
