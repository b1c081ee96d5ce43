"""A decoded picture of whatever mode → RGB on white, strip by strip.

A picture of 25 million pixels is 100 MB in Pillow (four bytes a pixel, RGB too), so no second one of its size is made:
each strip is converted, laid onto white and, where the whole is more than anybody will cut from, shrunk at once.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

# Up to here the picture is kept as it is: its copy is no more than 16 MB.
_KEPT_WHOLE_PIXELS = 4_000_000
_STRIP_PIXELS = 1_000_000


def to_rgb(image: Image.Image, *, at_least: int | None = None) -> Image.Image:
    """RGB, transparency laid onto white.

    `at_least`: the side in pixels that will be cut from it. A picture of more than 4 million pixels is then shrunk by
    the largest whole number that leaves each side twice that: each pixel is the mean of a square, taken after the
    transparent ones became white.
    """
    factor = _factor(image, at_least)
    if factor == 1 and image.mode == "RGB" and not image.has_transparency_data:
        return image
    width, height = image.size
    rows = max(1, _STRIP_PIXELS // (width * factor)) * factor
    white_is = _top(image, rows) if _is_deep(image) else None
    rgb = Image.new("RGB", (-(-width // factor), -(-height // factor)))
    for top in range(0, height, rows):
        strip = _strip_to_rgb(image.crop((0, top, width, min(top + rows, height))), white_is)
        rgb.paste(strip if factor == 1 else strip.reduce(factor), (0, top // factor))
    return rgb


def _factor(image: Image.Image, at_least: int | None) -> int:
    if at_least is None or image.width * image.height <= _KEPT_WHOLE_PIXELS:
        return 1
    return max(1, min(image.size) // (2 * at_least))


def _strip_to_rgb(strip: Image.Image, white_is: float | None) -> Image.Image:
    if white_is is not None:
        strip = _to_grey(strip, white_is)
    if strip.has_transparency_data:
        seen = strip.convert("RGBA")
        white = Image.new("RGBA", seen.size, "white")
        return Image.alpha_composite(white, seen).convert("RGB")
    return strip.convert("RGB")


def _is_deep(image: Image.Image) -> bool:
    """More than 8 bits a channel."""
    return image.mode == "F" or image.mode.startswith("I")


def _top(image: Image.Image, rows: int) -> float:
    """The value that is white: 1 or 255 of a float picture, 255 or 65535 of whole numbers, whichever its values reach."""
    if image.mode not in ("F", "I"):
        return 65535.0
    strips = (image.crop((0, top, image.width, min(top + rows, image.height))) for top in range(0, image.height, rows))
    most = max(float(np.fmax.reduce(np.asarray(strip), axis=None, initial=-np.inf)) for strip in strips)
    if image.mode == "F":
        return 1.0 if most <= 1.0 else 255.0
    return 255.0 if most <= 255 else 65535.0


def _to_grey(strip: Image.Image, white_is: float) -> Image.Image:
    """→ 8 bits. Pillow's own conversion clips 16 bits at 255 instead of scaling them."""
    scaled = np.nan_to_num(np.asarray(strip, dtype=np.float32) / white_is * 255.0)
    return Image.fromarray(np.clip(np.rint(scaled), 0, 255).astype(np.uint8))
