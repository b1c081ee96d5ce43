"""Perceptual hashes of a picture: whether two files show the same, whatever their size, quality or side.

A picture has four 64-bit hashes: whole, mirrored, its middle 90 %, and that mirrored. A hash tells which of the 64 lowest
frequencies of the picture, 32 × 32 in grey, are above their median (as `phash` of the package ImageHash does, which takes all
pixels and the faintest frequencies into account). Free of Django, because decoder processes hash what they decode.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_EDGE = 0.05  # what the middle lacks of each side
_GREY, _FREQUENCIES = 32, 8
# Of a large picture 256 × 256 pixels are taken and averaged four by four, which takes a seventh of the time that all of them
# take: .3 ms instead of 2.2 at 400 × 533. Copies of 30 photos differed by the same few bits: JPEG-50 .3 on average and 2
# at most, other sizes .8 and 4, 10 % cut off 1.1 and 6.
_SAMPLED, _AVERAGED = 256, 4
# The first rows of the discrete cosine transform (type II, not normalised): frequency × pixel.
_COSINES = 2 * np.cos(np.pi * np.outer(np.arange(_FREQUENCIES), 2 * np.arange(_GREY) + 1) / (2 * _GREY))
# Mirroring a picture changes the sign of its odd horizontal frequencies and nothing else.
_MIRRORED = np.where(np.arange(_FREQUENCIES) % 2, -1.0, 1.0)
# What is fainter than a wave of a quarter of a grey level counts as nothing. A symmetric picture, as most drawn ones are, lacks
# half of the frequencies, so their median is nothing as well, and noise would decide half of the bits: copies of a drawn
# placeholder in six qualities and sizes were 14 bits apart, and are 1. Photos keep their bits.
_FAINT = 256.0

PictureHashes = tuple[int, int, int, int]


def picture_hashes(image: Image.Image) -> PictureHashes:
    """Picture in RGB, or in RGBA, which is laid on white → unsigned 64-bit hashes: whole, mirrored, middle, middle mirrored."""
    is_large = min(image.size) > _SAMPLED
    if is_large:
        image = image.resize((_SAMPLED, _SAMPLED), Image.Resampling.NEAREST)
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    grey = (image.reduce(_AVERAGED) if is_large else image).convert("L")
    width, height = grey.size
    whole = _strengths(grey, (0, 0, width, height))
    middle = _strengths(grey, (width * _EDGE, height * _EDGE, width * (1 - _EDGE), height * (1 - _EDGE)))
    return _bits(whole), _bits(whole * _MIRRORED), _bits(middle), _bits(middle * _MIRRORED)


def _strengths(grey: Image.Image, box: tuple[float, float, float, float]) -> NDArray[np.float64]:
    """The lowest frequencies of the part, vertical × horizontal."""
    small = np.asarray(grey.resize((_GREY, _GREY), Image.Resampling.LANCZOS, box=box), np.float64)
    strengths: NDArray[np.float64] = _COSINES @ small @ _COSINES.T
    strengths[np.abs(strengths) < _FAINT] = 0.0
    return strengths


def _bits(strengths: NDArray[np.float64]) -> int:
    """64 bits, the lowest frequency first: whether each is above the median of all."""
    ordered = np.sort(strengths, axis=None)
    half = len(ordered) // 2
    median = (ordered[half - 1] + ordered[half]) / 2
    return int.from_bytes(np.packbits(strengths > median).tobytes(), "big")
