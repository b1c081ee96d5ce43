"""A decoded picture of whatever mode → RGB on white, strip by strip.

A picture of 25 million pixels takes 100 MB in Pillow (four bytes a pixel, even for RGB), so no second one of that size is
made: each strip is converted, laid onto white and, where the whole is larger than needed, reduced at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

from catalog.photos.exchange import STRIP_PIXELS

# Pictures up to this size are not reduced: a copy takes at most 16 MB.
_KEPT_WHOLE_PIXELS = 4_000_000

ToSrgb = Callable[[Image.Image], Image.Image]


def to_rgb(image: Image.Image, *, at_least: int | None = None, to_srgb: ToSrgb | None = None) -> Image.Image:
    """RGB, transparency laid onto white.

    `at_least`: the side in pixels that the caller needs. A picture of more than 4 million pixels is then reduced by the
    largest whole factor that leaves each side at least twice that: each new pixel is the mean of a square of old ones,
    taken after transparency was laid onto white. `to_srgb`: what applies the picture's colour profile to a strip of it.
    """
    factor = _factor(image, at_least)
    if factor == 1 and to_srgb is None and image.mode == "RGB" and not image.has_transparency_data:
        return image
    return _converted(image, factor, "RGB", to_srgb)


def to_rgba(image: Image.Image, *, at_least: int | None = None, to_srgb: ToSrgb | None = None) -> Image.Image:
    """RGBA, reduced as `to_rgb` does."""
    return _converted(image, _factor(image, at_least), "RGBA", to_srgb)


def strips(image: Image.Image, rows: int | None = None) -> Iterator[tuple[int, Image.Image]]:
    """The picture in strips of so many rows, or of some STRIP_PIXELS pixels, each with the row that it begins at."""
    rows = rows or max(1, STRIP_PIXELS // image.width)
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(top + rows, image.height)))


def _converted(image: Image.Image, factor: int, mode: str, to_srgb: ToSrgb | None) -> Image.Image:
    rows = max(1, STRIP_PIXELS // (image.width * factor)) * factor
    scale = _scale(image, rows) if _is_deep(image) else None
    whole = Image.new(mode, (-(-image.width // factor), -(-image.height // factor)))
    for top, part in strips(image, rows):
        strip = _seen(part, scale, to_srgb)
        strip = strip.convert("RGBA") if mode == "RGBA" else _on_white(strip)
        whole.paste(strip if factor == 1 else strip.reduce(factor), (0, top // factor))
    return whole


def _factor(image: Image.Image, at_least: int | None) -> int:
    if at_least is None or image.width * image.height <= _KEPT_WHOLE_PIXELS:
        return 1
    return max(1, min(image.size) // (2 * at_least))


def _seen(strip: Image.Image, scale: _Scale | None, to_srgb: ToSrgb | None) -> Image.Image:
    """RGB or RGBA, or a mode that Pillow converts to either."""
    if scale is not None:
        strip = _to_grey(strip, scale)
    elif strip.mode == "La":
        strip = strip.convert("LA")  # Pillow's only conversion of this mode that keeps the transparency
    return strip if to_srgb is None else to_srgb(strip)


def _on_white(strip: Image.Image) -> Image.Image:
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
    reached = max(_most(scale.values(strip)) for _, strip in strips(image, rows))
    steps = (1.0, 255.0, 65535.0) if image.mode == "F" else (255.0, 65535.0, 2.0**31 - 1, 2.0**32 - 1)
    most = next((step for step in steps if reached <= step), steps[-1])
    return _Scale(most, inverted, scale.unsigned)


def _most(values: NDArray[np.float64]) -> float:
    return float(np.max(values, initial=0.0, where=np.isfinite(values)))


def _to_grey(strip: Image.Image, scale: _Scale) -> Image.Image:
    """Scale to 8 bits, "L", or "LA" where a value is transparent. Pillow's own conversion would clip 16 bits at 255."""
    values = scale.values(strip)
    grey = np.clip(np.rint(np.nan_to_num(values / scale.most * 255.0)), 0, 255).astype(np.uint8)
    if scale.inverted:
        grey = 255 - grey
    seen = Image.fromarray(grey)
    if isinstance(transparent := strip.info.get("transparency"), int):
        seen.putalpha(Image.fromarray(np.where(values == transparent, 0, 255).astype(np.uint8)))
    return seen
