"""A closer look at parts of a picture: reduced to few pixels, where its ground is plain and what differs from it.

Free of Django, because decoder processes look. Whole numbers alone decide, so that every machine sees alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from catalog.photos.squares import Colour, Part

# Ground and object are looked for in a picture reduced by an even factor to at most this many pixels a side.
LOOK = 200
# The border strip that tells the ground, in thousandths of the shorter side.
_STRIP = 25
# Levels (of 255, in each channel) around the strip's median that count as ground, and the hundredths of the strip that must be
# ground: a studio's shadows and gradients pass, walls and meadows do not.
_GROUND_WITHIN, _PLAIN = 16, 80
# A canvas is drawn by a program: one colour, but for a level of rounding in lossy formats. Photographed ground is noisy.
_DRAWN_WITHIN, _DRAWN = 1, 95

Planes = tuple[NDArray[np.uint8], ...]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Ground:
    """The plain ground of a picture. `is_drawn`: it is of exactly one colour."""

    colour: Colour
    is_drawn: bool


class Looks:
    """A picture, looked at part by part. Each look is made once."""

    def __init__(self, image: Image.Image) -> None:
        self._image = image
        self._made: dict[tuple[Part, int], Planes] = {}

    def planes(self, part: Part, factor: int) -> Planes:
        """The channels of a part, uint8 (rows, columns) each, one value for `factor` × `factor` pixels."""
        key = part, factor
        if key not in self._made:
            self._made[key] = planes(self._image, part, factor)
        return self._made[key]


def plain_ground(border_of: Planes) -> Ground | None:
    """The median colour of the border strip; None unless the strip is plain."""
    height, width = border_of[0].shape
    strip = max(1, (min(height, width) * _STRIP + 500) // 1000)
    if min(height, width) <= 2 * strip:
        return None
    edges = [
        np.concatenate(
            [
                *(plane[:strip].ravel(), plane[-strip:].ravel()),
                *(plane[strip:-strip, :strip].ravel(), plane[strip:-strip, -strip:].ravel()),
            ]
        )
        for plane in border_of
    ]
    count = len(edges[0])
    median = [int(np.searchsorted(np.cumsum(np.bincount(edge, minlength=256)), count // 2, "right")) for edge in edges]
    colour = median[0], median[1], median[2]
    if 100 * (count - int(beyond(edges, colour, _GROUND_WITHIN).sum())) < _PLAIN * count:
        return None
    return Ground(colour, 100 * (count - int(beyond(edges, colour, _DRAWN_WITHIN).sum())) >= _DRAWN * count)


def reduction(part: Part) -> int:
    """The whole factor by which a part is reduced to be looked at: 1 or even."""
    longest = max(part[2] - part[0], part[3] - part[1])
    return 1 if longest <= LOOK else 2 * -(-longest // (2 * LOOK))


def planes(image: Image.Image, part: Part, factor: int) -> Planes:
    """The channels of a part, uint8 (rows, columns) each, one value for `factor` × `factor` pixels: the mean of four of them.

    Four are enough against noise, and take a fifth of the time that all of them take.
    """
    if factor == 1:
        seen = image.crop(part)
    else:
        step = factor // 2
        width, height = part[2] - part[0], part[3] - part[1]
        size = max(1, width // step), max(1, height // step)
        box = (*part[:2], part[0] + min(width, size[0] * step), part[1] + min(height, size[1] * step))
        seen = image.resize(size, Image.Resampling.NEAREST, box=box).reduce(2)
    return tuple(np.asarray(channel) for channel in seen.split())


def beyond(channels: Sequence[NDArray[np.uint8]], colour: Colour, levels: int) -> Mask:
    """Where any channel differs from the colour by more than `levels`."""
    differs = np.zeros(channels[0].shape, np.bool_)
    for plane, value in zip(channels, colour, strict=True):
        least, most = max(0, value - levels), min(255, value + levels)
        # Below the least, the difference of unsigned numbers wraps around to more than the span.
        differs |= np.subtract(plane, np.uint8(least)) > most - least
    return differs
