"""Perceptual hashes of a picture: whether two files show the same, whatever their size, quality or side.

A picture has four 64-bit hashes: whole, mirrored, its middle 90 %, and that mirrored. A hash tells which of the 64 lowest
frequencies of the picture, 32 × 32 in grey, are above their median; up to 512 pixels a side it has the bits of `phash` of
the package ImageHash. Free of Django, because decoder processes hash what they decode.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_MIDDLE = 0.9
_GREY, _FREQUENCIES = 32, 8
# A larger picture is averaged down to sides of at least this: the hash sees 32 × 32, and resampling all pixels takes longer.
_ENOUGH = 256
# The first rows of the discrete cosine transform (type II, not normalised): frequency × pixel.
_COSINES = 2 * np.cos(np.pi * np.outer(np.arange(_FREQUENCIES), 2 * np.arange(_GREY) + 1) / (2 * _GREY))
# Mirroring a picture changes the sign of its odd horizontal frequencies and nothing else.
_MIRRORED = np.where(np.arange(_FREQUENCIES) % 2, -1.0, 1.0)
# What is 0 in a symmetric picture comes out as some 1e-11: rounded, it stays 0 and its bit does not depend on the machine.
_DECIMALS = 6


def picture_hashes(image: Image.Image) -> tuple[int, int, int, int]:
    """RGB picture → unsigned 64-bit hashes: whole, mirrored, middle, middle mirrored."""
    reduced = image.reduce(factor) if (factor := min(image.size) // _ENOUGH) > 1 else image
    grey = reduced.convert("L")
    width, height = grey.size
    edge = (1 - _MIDDLE) / 2
    left, top, right, bottom = map(round, (width * edge, height * edge, width * (1 - edge), height * (1 - edge)))
    whole, middle = _strengths(grey), _strengths(grey.crop((left, top, right, bottom)))
    return _bits(whole), _bits(whole * _MIRRORED), _bits(middle), _bits(middle * _MIRRORED)


def _strengths(grey: Image.Image) -> NDArray[np.float64]:
    """The lowest frequencies, vertical × horizontal."""
    small = np.asarray(grey.resize((_GREY, _GREY), Image.Resampling.LANCZOS), np.float64)
    return np.round(_COSINES @ small @ _COSINES.T, _DECIMALS)


def _bits(strengths: NDArray[np.float64]) -> int:
    """64 bits, the lowest frequency first: whether each is above the median of all."""
    return int.from_bytes(np.packbits(strengths > np.median(strengths)).tobytes(), "big")
