"""The square that is cut out of a picture for an encoder. Free of Django, because decoder processes do the cutting."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image


@dataclass(frozen=True)
class Square:
    """A square in the middle of a part of a picture, resized to `side` pixels.

    `crop`: the part, as x, y, width and height in fractions of the picture. `share`: the square's side as a fraction of the
    part's shorter side.
    """

    side: int
    share: float
    crop: tuple[float, float, float, float]

    def box(self, width: int, height: int) -> tuple[float, float, float, float]:
        """The square in a picture of `width` × `height` pixels: left, top, right, bottom in pixels."""
        x, y, w, h = self.crop
        square = self.share * min(w * width, h * height)
        left = (x + w / 2) * width - square / 2
        top = (y + h / 2) * height - square / 2
        return max(left, 0.0), max(top, 0.0), min(left + square, float(width)), min(top + square, float(height))

    def cut(self, image: Image.Image) -> Image.Image:
        """`side` × `side` pixels, bicubic with antialiasing."""
        box = self.box(image.width, image.height)
        return image.resize((self.side, self.side), Image.Resampling.BICUBIC, box=box)
