"""The square that is cut out of a picture for an encoder. Free of Django, because decoder processes do the cutting."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PIL import Image

Box = tuple[float, float, float, float]  # left, top, right, bottom, in pixels of a picture or in fractions of its sides
Part = tuple[int, int, int, int]  # left, top, right, bottom in whole pixels
Colour = tuple[int, int, int]
Crop = tuple[float, float, float, float]  # x, y, width, height in fractions of a picture

WHITE: Colour = (255, 255, 255)


@dataclass(frozen=True)
class Square:
    """A square in the middle of a part of a picture, resized to `side` pixels.

    `crop`: the part, as x, y, width and height in fractions of the picture. `share`: the square's side as a fraction of the
    part's shorter side.
    """

    side: int
    share: float
    crop: Crop

    def box(self, width: int, height: int) -> Box:
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


@dataclass(frozen=True)
class Frame:
    """A square `box` in pixels of a picture, which may reach beyond it.

    Outside of `part`, which lies inside the picture, `ground` is shown.
    """

    box: Box
    part: Part
    ground: Colour = WHITE

    def scaled(self, old: tuple[int, int], new: tuple[int, int]) -> Frame:
        """The same frame in the same picture at another size. Stays square where the sizes' ratios differ by rounding."""
        x, y = new[0] / old[0], new[1] / old[1]
        left, top, right, bottom = self.box
        side = (right - left) * x
        part = round(self.part[0] * x), round(self.part[1] * y), round(self.part[2] * x), round(self.part[3] * y)
        return Frame(square((left + right) / 2 * x, (top + bottom) / 2 * y, side), part, self.ground)

    def cut(self, image: Image.Image, side: int) -> Image.Image:
        """RGB picture → `side` × `side` pixels, bicubic with antialiasing.

        Where the box reaches beyond the part, the part's pixels lie where those of a picture padded before would lie.
        """
        left, top, right, bottom = self.box
        inner = max(left, self.part[0]), max(top, self.part[1]), min(right, self.part[2]), min(bottom, self.part[3])
        if inner == self.box:
            return image.resize((side, side), Image.Resampling.BICUBIC, box=self.box)
        x0, x1, inner_left, inner_right = _cells(left, right, inner[0], inner[2], side)
        y0, y1, inner_top, inner_bottom = _cells(top, bottom, inner[1], inner[3], side)
        seen = image.resize(
            (x1 - x0, y1 - y0), Image.Resampling.BICUBIC, box=(inner_left, inner_top, inner_right, inner_bottom)
        )
        whole = Image.new("RGB", (side, side), self.ground)
        whole.paste(seen, (x0, y0))
        return whole


def whole_pixels(crop: Crop, size: tuple[int, int]) -> Part:
    """A crop of a picture of that width and height, rounded to at least one whole pixel."""
    left, right = _rounded(crop[0], crop[2], size[0])
    top, bottom = _rounded(crop[1], crop[3], size[1])
    return left, top, right, bottom


def _rounded(start: float, share: float, pixels: int) -> tuple[int, int]:
    first = min(round(start * pixels), pixels - 1)
    return first, min(max(round((start + share) * pixels), first + 1), pixels)


def square(middle_x: float, middle_y: float, side: float) -> Box:
    """The square of that side around a point."""
    return middle_x - side / 2, middle_y - side / 2, middle_x + side / 2, middle_y + side / 2


def _cells(start: float, end: float, inner_start: float, inner_end: float, side: int) -> tuple[int, int, float, float]:
    """Of `side` cells from `start` to `end`: those that lie wholly inside, first and past the last, and where they begin and end.

    Where none does (something narrower than a cell), one cell shows all that is inside.
    """
    cell = (end - start) / side
    first = max(0, math.ceil((inner_start - start) / cell))
    past = min(side, math.floor((inner_end - start) / cell))
    if past > first:
        return first, past, max(inner_start, start + first * cell), min(inner_end, start + past * cell)
    first = min(side - 1, max(0, math.floor(((inner_start + inner_end) / 2 - start) / cell)))
    return first, first + 1, inner_start, inner_end
