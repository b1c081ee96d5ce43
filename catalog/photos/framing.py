"""Where in a photo the thing is that it shows, told from the plain ground around it, whatever canvas the photo lies on.

A photo on plain ground is framed by the object that stands on it. A photo that was laid onto a wider canvas is cut back to
itself first, as often as there are canvases. Of any other photo the centre is seen. Free of Django, because decoder processes
do the framing. Whole numbers alone decide, so that every machine frames alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from catalog.photos.ground import Ground, Looks, Mask, beyond, plain_ground, reduction
from catalog.photos.squares import WHITE, Colour, Frame, Part, square

# The share of the shorter side that is seen of a photo without plain ground: ImageNet's evaluation crop.
CENTRE = 0.875
# Margin around an object, in hundredths of its longer side.
MARGIN = 8
# What differs by more levels than this from the ground in any channel belongs to the object; so does what is more opaque.
OBJECT_BEYOND = 20
# On a drawn canvas a photo's own noise tells it from the canvas, even where it has the canvas's colour. A lossy format spreads
# that noise over some pixels of the canvas (a JPEG over its block), where it differs by little: levels of either.
_PHOTO_BEYOND, _RINGING = 2, 8
_RINGING_PIXELS = 16
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

# A part of a picture → what of it is not ground: bool (rows, columns), one for `factor` × `factor` pixels.
MaskOf = Callable[[Part, int], Mask]


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
        mask_of = _visible(Looks(alpha))
        cutout = _located(mask_of, part)
        if cutout is None:
            return Frame(_centre(part), part, ground)
        if not cutout.is_photo(_DRAWN_PHOTO):
            return Frame(_around(cutout.box), part, ground)
        part = _sharpened(cutout.box, mask_of, mask_of, part)
    looks = Looks(image)
    for _ in range(_MOST_CANVASES):
        own_ground = plain_ground(looks.planes(part, reduction(part)))
        if own_ground is None:
            break
        photo = _photo_on_canvas(looks, part, own_ground)
        if photo is None:
            found = _located(_differing(looks, own_ground.colour, OBJECT_BEYOND), part)
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


def _photo_on_canvas(looks: Looks, part: Part, ground: Ground) -> Part | None:
    """The photo that was laid onto a canvas of that colour; None where it is an object that stands on the ground."""
    if not ground.is_drawn:
        mask_of = _differing(looks, ground.colour, OBJECT_BEYOND)
        found = _located(mask_of, part)
        return None if found is None else _cut_back(found, part, _PLAIN_PHOTO, mask_of, mask_of)
    fine, coarse = (_differing(looks, ground.colour, levels) for levels in (_PHOTO_BEYOND, _RINGING))
    outer, inner = _located(fine, part), _located(coarse, part)
    if outer is None:
        return None
    photo = _cut_back(outer, part, _DRAWN_PHOTO, fine, coarse)
    if photo is None and inner is not None:
        apart = max(abs(one - other) for one, other in zip(outer.box, inner.box, strict=True))
        if apart <= max(_RINGING_PIXELS, 2 * reduction(inner.box)):
            within = _Found(inner.box, fine(inner.box, reduction(inner.box)))
            photo = _cut_back(within, part, _DRAWN_PHOTO, fine, coarse)
    return photo


def _cut_back(found: _Found, part: Part, least: tuple[int, int], fine: MaskOf, coarse: MaskOf) -> Part | None:
    if found.box == part or not found.is_photo(least):
        return None
    return _sharpened(found.box, fine, coarse, part)


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


def _sharpened(box: Part, fine: MaskOf, coarse: MaskOf, part: Part) -> Part:
    """The sides of a photo on a canvas, known to a pixel of the look, in pixels of the picture."""
    reach = 2 * reduction(box)
    left, top, right, bottom = box

    def edge(start: int, end: int, axis: int, backwards: bool) -> int | None:
        """The outermost row (axis 1) or column (axis 0) of the photo from `start` to `end`."""
        strip = (left, start, right, end) if axis else (start, top, end, bottom)
        differing = [mask_of(strip, 1).sum(axis=axis)[:: -1 if backwards else 1] for mask_of in (fine, coarse)]
        at = _edge(*differing, length=right - left if axis else bottom - top)
        return None if at is None else (end - 1 - at if backwards else start + at)

    first_row = edge(max(part[1], top - reach), min(bottom, top + reach), 1, False)
    last_row = edge(max(top, bottom - reach), min(part[3], bottom + reach), 1, True)
    first_column = edge(max(part[0], left - reach), min(right, left + reach), 0, False)
    last_column = edge(max(left, right - reach), min(part[2], right + reach), 0, True)
    return (
        left if first_column is None else first_column,
        top if first_row is None else first_row,
        right if last_column is None else last_column + 1,
        bottom if last_row is None else last_row + 1,
    )


def _edge(fine: NDArray[np.intp], coarse: NDArray[np.intp], *, length: int) -> int | None:
    """Where a photo begins, by how many pixels of each row differ from the canvas, outermost row first.

    Where the first row that differs at all does so over half of its length, it is the photo's: nothing was lost. Else the
    rows before the photo hold the ringing of a lossy format.
    """
    differs, mostly = np.flatnonzero(100 * fine >= length), np.flatnonzero(2 * fine >= length)
    surely = np.flatnonzero(2 * coarse >= length)
    if not len(mostly):
        return None
    return int(mostly[0] if differs[0] == mostly[0] or not len(surely) else surely[0])


def _differing(looks: Looks, colour: Colour, levels: int) -> MaskOf:
    return lambda part, factor: beyond(looks.planes(part, factor), colour, levels)


def _visible(alpha: Looks) -> MaskOf:
    return lambda part, factor: alpha.planes(part, factor)[0] > OBJECT_BEYOND
