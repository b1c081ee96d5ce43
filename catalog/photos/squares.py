"""The square that is cut out of a picture for an encoder. Free of Django: decoder processes cut it."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image


@dataclass(frozen=True)
class Square:
    """The centre square of a part of a picture, and the side in pixels that it is brought to.

    `crop`: x, y, width, height of the part as fractions of the picture. `share`: of the part's shorter side.
    """

    side: int
    share: float
    crop: tuple[float, float, float, float]

    def box(self, width: int, height: int) -> tuple[float, float, float, float]:
        """Where it lies in a picture of that size, in pixels: left, top, right, bottom."""
        x, y, w, h = self.crop
        square = self.share * min(w * width, h * height)
        left = (x + w / 2) * width - square / 2
        top = (y + h / 2) * height - square / 2
        return max(left, 0.0), max(top, 0.0), min(left + square, float(width)), min(top + square, float(height))

    def cut(self, image: Image.Image) -> Image.Image:
        """`side` × `side` pixels, bicubic with antialiasing."""
        box = self.box(image.width, image.height)
        return image.resize((self.side, self.side), Image.Resampling.BICUBIC, box=box)
