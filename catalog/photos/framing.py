"""Where in a photo the thing is that it shows, told from the plain ground around it, whatever canvas the photo lies on.

A photo on plain ground is framed by the object that stands on it. A photo that was laid onto a wider canvas is cut back to
itself first, as often as there are canvases. Of any other photo the centre is seen. Free of Django, because decoder processes
do the framing. Whole numbers alone decide, so that every machine frames alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from catalog.photos.squares import WHITE, Colour, Frame, Part, square

# The share of the shorter side that is seen of a photo without plain ground: ImageNet's evaluation crop.
CENTRE = 0.875
# Margin around an object, in hundredths of its longer side.
MARGIN = 8
# Ground and object are looked for in a picture reduced by a whole factor to at most this many pixels a side.
LOOK = 200
# The border strip that tells the ground, in thousandths of the shorter side.
_STRIP = 25
# Levels (of 255, in each channel) around the strip's median that count as ground, and the hundredths of the strip that must be
# ground: a studio's shadows and gradients pass, walls and meadows do not.
_GROUND_WITHIN, _PLAIN = 16, 80
# What differs by more levels than this from the ground in any channel belongs to the object; so does what is more opaque.
OBJECT_BEYOND = 20
# A canvas is drawn by a program: one colour, but for a level of rounding in lossy formats. Photographed ground is noisy.
_DRAWN_WITHIN, _DRAWN = 1, 95
# On a drawn canvas a photo's own noise tells it from the canvas, even where it has the canvas's colour.
_PHOTO_BEYOND = 2
# Hundredths of a row or column that must differ for it to be part of an object: specks are not.
_LEAST_SHARE = 1
# A photo on a canvas fills the box around it and reaches along each of its sides; objects have corners missing. In hundredths
# of the box and of a side: on a drawn canvas and on other plain ground.
_DRAWN_PHOTO, _PLAIN_PHOTO = (88, 55), (97, 90)
# A smaller thing than this, in pixels of the look, is taken for an object.
_LEAST_PHOTO = 16
# Look closer while the object is less than this many hundredths of what was looked at, at most so often.
_CLOSE_ENOUGH, _MOST_LOOKS = 70, 4
_MOST_CANVASES = 4

Planes = tuple[NDArray[np.uint8], ...]
Mask = NDArray[np.bool_]
# A part of a picture → what of it is not ground: bool (rows, columns), one for `factor` × `factor` pixels.
MaskOf = Callable[[Part, int], Mask]


@dataclass(frozen=True)
class _Ground:
    """`is_drawn`: of exactly one colour."""

    colour: Colour
    is_drawn: bool


@dataclass(frozen=True, eq=False)
class _Found:
    """The box around what is not ground, and the mask inside that box."""

    box: Part
    mask: Mask

    def is_photo(self, least: tuple[int, int]) -> bool:
        """Whether it is a rectangle. `least`: hundredths of the box and of each side that must not be ground."""
        if min(self.mask.shape) < _LEAST_PHOTO:
            return False
        fill, side = least
        # Two rows for each side: the outermost may hold little of the photo.
        edges = (self.mask[:2], self.mask[-2:], self.mask[:, :2].T, self.mask[:, -2:].T)
        reached = min(int(edge.sum(axis=1).max()) * 100 // edge.shape[1] for edge in edges)
        return int(self.mask.sum()) * 100 >= fill * self.mask.size and reached >= side


def framed(image: Image.Image, part: Part, *, alpha: Image.Image | None = None, ground: Colour = WHITE) -> Frame:
    """Frame what a part of an RGB picture shows.

    `alpha`: a picture "L" of the same size, how opaque each pixel was before it was laid onto `ground`; None: everything is
    opaque.
    """
    if alpha is not None:
        mask_of = _visible(alpha)
        cutout = _located(mask_of, part)
        if cutout is None:
            return Frame(_centre(part), part, ground)
        if not cutout.is_photo(_DRAWN_PHOTO):
            return Frame(_around(cutout.box), part, ground)
        part = _sharpened(cutout.box, mask_of, part)
    for _ in range(_MOST_CANVASES):
        own_ground = _plain_ground(planes(image, part, reduction(part)))
        if own_ground is None:
            break
        photo = _photo_on_canvas(image, part, own_ground)
        if photo is None:
            found = _located(_differing(image, own_ground.colour, OBJECT_BEYOND), part)
            return Frame(_centre(part) if found is None else _around(found.box), part, own_ground.colour)
        part = photo
    return Frame(_centre(part), part)


def _centre(part: Part) -> tuple[float, float, float, float]:
    left, top, right, bottom = part
    return square((left + right) / 2, (top + bottom) / 2, CENTRE * min(right - left, bottom - top))


def _around(part: Part) -> tuple[float, float, float, float]:
    left, top, right, bottom = part
    side = max(right - left, bottom - top) * (100 + 2 * MARGIN) / 100
    return square((left + right) / 2, (top + bottom) / 2, side)


def _plain_ground(border_of: Planes) -> _Ground | None:
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
    return _Ground(colour, 100 * (count - int(beyond(edges, colour, _DRAWN_WITHIN).sum())) >= _DRAWN * count)


def _photo_on_canvas(image: Image.Image, part: Part, ground: _Ground) -> Part | None:
    """The photo that was laid onto a canvas of that colour; None where it is an object that stands on the ground."""
    mask_of = _differing(image, ground.colour, _PHOTO_BEYOND if ground.is_drawn else OBJECT_BEYOND)
    found = _located(mask_of, part)
    if found is None or found.box == part or not found.is_photo(_DRAWN_PHOTO if ground.is_drawn else _PLAIN_PHOTO):
        return None
    return _sharpened(found.box, mask_of, part)


def _located(mask_of: MaskOf, part: Part) -> _Found | None:
    """The box around what is not ground; None where everything is. Small things are looked at again from closer by."""
    window = part
    for _ in range(_MOST_LOOKS):
        factor = reduction(window)
        mask = mask_of(window, factor)
        rows = np.flatnonzero(mask.sum(axis=1) * 100 >= mask.shape[1] * _LEAST_SHARE)
        columns = np.flatnonzero(mask.sum(axis=0) * 100 >= mask.shape[0] * _LEAST_SHARE)
        if not len(rows) or not len(columns):
            return None
        top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
        x, y = window[:2]
        box = (
            *(x + left * factor, y + top * factor),
            *(min(x + right * factor, window[2]), min(y + bottom * factor, window[3])),
        )
        longest = max(box[2] - box[0], box[3] - box[1])
        if 100 * longest >= _CLOSE_ENOUGH * max(window[2] - x, window[3] - y):
            break
        margin = max(longest * MARGIN // 100, factor)
        window = (
            *(max(part[0], box[0] - margin), max(part[1], box[1] - margin)),
            *(min(part[2], box[2] + margin), min(part[3], box[3] + margin)),
        )
    return _Found(box, mask[top:bottom, left:right])


def _sharpened(box: Part, mask_of: MaskOf, part: Part) -> Part:
    """The sides of a rectangle, known to a pixel of the look, in pixels of the picture: where half of a row is not ground."""
    reach = 2 * reduction(box)
    left, top, right, bottom = box

    def moved(start: int, end: int, rows: bool) -> NDArray[np.intp]:
        strip = (left, start, right, end) if rows else (start, top, end, bottom)
        mask = mask_of(strip, 1)
        inside = np.flatnonzero(mask.sum(axis=1 if rows else 0) * 2 >= mask.shape[1 if rows else 0])
        return inside + start

    tops = moved(max(part[1], top - reach), min(bottom, top + reach), True)
    bottoms = moved(max(top, bottom - reach), min(part[3], bottom + reach), True)
    lefts = moved(max(part[0], left - reach), min(right, left + reach), False)
    rights = moved(max(left, right - reach), min(part[2], right + reach), False)
    return (
        int(lefts[0]) if len(lefts) else left,
        int(tops[0]) if len(tops) else top,
        int(rights[-1]) + 1 if len(rights) else right,
        int(bottoms[-1]) + 1 if len(bottoms) else bottom,
    )


def reduction(part: Part) -> int:
    """The whole factor by which a part is reduced to be looked at."""
    return -(-max(part[2] - part[0], part[3] - part[1]) // LOOK)


def planes(image: Image.Image, part: Part, factor: int) -> Planes:
    """The channels of a part, uint8 (rows, columns) each, a mean of `factor` × `factor` pixels."""
    seen = image.crop(part) if factor == 1 else image.reduce(factor, box=part)
    return tuple(np.asarray(channel) for channel in seen.split())


def _differing(image: Image.Image, colour: Colour, levels: int) -> MaskOf:
    return lambda part, factor: beyond(planes(image, part, factor), colour, levels)


def _visible(alpha: Image.Image) -> MaskOf:
    return lambda part, factor: planes(alpha, part, factor)[0] > OBJECT_BEYOND


def beyond(channels: Sequence[NDArray[np.uint8]], colour: Colour, levels: int) -> Mask:
    """Where any channel differs from the colour by more than `levels`."""
    differs = np.zeros(channels[0].shape, np.bool_)
    for plane, value in zip(channels, colour, strict=True):
        least, most = max(0, value - levels), min(255, value + levels)
        # Below the least, the difference of unsigned numbers wraps around to more than the span.
        differs |= np.subtract(plane, np.uint8(least)) > most - least
    return differs
