"""A decoded picture of whatever mode → RGB on white, strip by strip.

A picture of 25 million pixels takes 100 MB in Pillow (four bytes a pixel, even for RGB), so no second one of that size is
made: each strip is converted, laid onto white and, where the whole is larger than needed, reduced at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

# Pictures up to this size are not reduced: a copy takes at most 16 MB.
_KEPT_WHOLE_PIXELS = 4_000_000
# Pixels that are converted at a time.
STRIP_PIXELS = 1_000_000


def to_rgb(image: Image.Image, *, at_least: int | None = None) -> Image.Image:
    """RGB, transparency laid onto white.

    `at_least`: the side in pixels that the caller needs. A picture of more than 4 million pixels is then reduced by the
    largest whole factor that leaves each side at least twice that: each new pixel is the mean of a square of old ones,
    taken after transparency was laid onto white.
    """
    factor = _factor(image, at_least)
    if factor == 1 and image.mode == "RGB" and not image.has_transparency_data:
        return image
    rows = max(1, STRIP_PIXELS // (image.width * factor)) * factor
    scale = _scale(image, rows) if _is_deep(image) else None
    rgb = Image.new("RGB", (-(-image.width // factor), -(-image.height // factor)))
    for top, part in _strips(image, rows):
        strip = _strip_to_rgb(part, scale)
        rgb.paste(strip if factor == 1 else strip.reduce(factor), (0, top // factor))
    return rgb


def _factor(image: Image.Image, at_least: int | None) -> int:
    if at_least is None or image.width * image.height <= _KEPT_WHOLE_PIXELS:
        return 1
    return max(1, min(image.size) // (2 * at_least))


def _strips(image: Image.Image, rows: int) -> Iterator[tuple[int, Image.Image]]:
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(top + rows, image.height)))


def _strip_to_rgb(strip: Image.Image, scale: _Scale | None) -> Image.Image:
    if scale is not None:
        return _to_grey(strip, scale).convert("RGB")
    if strip.mode == "La":
        strip = strip.convert("LA")  # Pillow's only conversion of this mode that keeps the transparency
    if strip.has_transparency_data:
        seen = strip.convert("RGBA")
        white = Image.new("RGBA", seen.size, "white")
        return Image.alpha_composite(white, seen).convert("RGB")
    return strip.convert("RGB")


def _is_deep(image: Image.Image) -> bool:
    """Whether it has one channel of more than 8 bits. Where there are several, Pillow reduces them to 8 bits itself."""
    return image.mode == "F" or image.mode.startswith("I")


@dataclass(frozen=True)
class _Scale:
    """How the values of a channel of more than 8 bits become grey levels.

    `most`: the value that is white; zero is black; `inverted`: the other way round. `unsigned`: the file's 32 bits are
    unsigned; Pillow, which has no such mode, shows the upper half as negative numbers.
    """

    most: float
    inverted: bool = False
    unsigned: bool = False

    def values(self, strip: Image.Image) -> NDArray[np.float64]:
        array = np.asarray(strip)
        return (array.view(np.uint32) if self.unsigned else array).astype(np.float64)


def _scale(image: Image.Image, rows: int) -> _Scale:
    """By the header for 16 bits; for 32 bits and floats, whose range no header tells, by the largest value there is."""
    bits, sample_format, inverted = 16, 1, False
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        tags = image.tag_v2
        bits = tags.get(TiffImagePlugin.BITSPERSAMPLE, (16,))[0]
        sample_format = tags.get(TiffImagePlugin.SAMPLEFORMAT, (1,))[0]
        inverted = tags.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == 0
    if image.mode.startswith("I;"):
        return _Scale(2.0**bits - 1, inverted)
    if image.mode == "I" and bits == 16:
        return _Scale(32767.0 if sample_format == 2 else 65535.0, inverted)
    scale = _Scale(0.0, inverted, unsigned=image.mode == "I" and sample_format == 1)
    reached = max(_most(scale.values(strip)) for _, strip in _strips(image, rows))
    steps = (1.0, 255.0, 65535.0) if image.mode == "F" else (255.0, 65535.0, 2.0**31 - 1, 2.0**32 - 1)
    most = next((step for step in steps if reached <= step), steps[-1])
    return _Scale(most, inverted, scale.unsigned)


def _most(values: NDArray[np.float64]) -> float:
    return float(np.max(values, initial=0.0, where=np.isfinite(values)))


def _to_grey(strip: Image.Image, scale: _Scale) -> Image.Image:
    """Scale to 8 bits. Pillow's own conversion would clip 16 bits at 255."""
    values = scale.values(strip)
    grey = np.clip(np.rint(np.nan_to_num(values / scale.most * 255.0)), 0, 255).astype(np.uint8)
    if scale.inverted:
        grey = 255 - grey
    if isinstance(transparent := strip.info.get("transparency"), int):
        grey[values == transparent] = 255
    return Image.fromarray(grey)
