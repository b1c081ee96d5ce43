"""A colour histogram → the few colours that people see in it, for display and for searching by one of them.

The bins are soft: a plain colour is spread over the eight bins around it so that their centroid is the colour itself. So a
histogram is a mixture of such spreads, and expectation-maximisation finds the colours and shares that made it (Dempster,
Laird and Rubin 1977).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from recommender.encoder.colour import Rgb
from recommender.encoder.colour_tables import BINS, COLOUR_BINS, HIGHEST, LOWEST, UNIT, lab_of_codes

SEEDS, ROUNDS = 8, 12
# Colours nearer to each other than this in Lab are one, and a colour with less than LEAST_SHARE of the whole is none.
APART, LEAST_SHARE = 18.0, 0.04
# What colours this near to each other in Lab lie beyond the bins is averaged.
ALIKE = 2.5

_CENTRES = np.stack(
    np.meshgrid(
        *(np.linspace(low, high, n) for low, high, n in zip(LOWEST, HIGHEST, BINS, strict=True)), indexing="ij"
    ),
    axis=-1,
).reshape(COLOUR_BINS, 3)
_WIDTHS = np.array([(high - low) / (n - 1) for low, high, n in zip(LOWEST, HIGHEST, BINS, strict=True)])
# sRGB (IEC 61966-2-1) from XYZ by D65, whose white point is _WHITE.
_WHITE = np.array([0.95047, 1.0, 1.08883])
_FROM_XYZ = np.array(
    [[3.2404542, -1.5371385, -0.4985314], [-0.9692660, 1.8760108, 0.0415560], [0.0556434, -0.2040259, 1.0572252]]
)


def dominant_colours(histogram: NDArray[np.float32], most: int = 5) -> list[tuple[Rgb, float]]:
    """The colours of a row of `colour_histogram`, float32 (196,), each with its share of the whole, the largest first.

    Shares are 0 to 1 and add up to at most 1; none for a row of zeros.
    """
    shares = np.square(histogram.astype(np.float64))
    if not shares.any():
        return []
    shares /= shares.sum()
    colours, parts = _merged(*_fitted(shares, *_seeds(shares)))
    order = np.argsort(-parts, kind="stable")[:most]
    return [(_rgb(colours[at] + _beyond(colours[at])), float(parts[at])) for at in order if parts[at] >= LEAST_SHARE]


def _seeds(shares: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where to begin: the blocks of 2 × 2 × 2 bins that hold most, one after the other, each without what the last ones held."""
    left = shares.reshape(BINS).copy()
    centres = _CENTRES.reshape(*BINS, 3)
    colours, parts = [], []
    for _ in range(SEEDS):
        blocks = np.lib.stride_tricks.sliding_window_view(left, (2, 2, 2)).sum(axis=(3, 4, 5))
        l, a, b = np.unravel_index(int(blocks.argmax()), blocks.shape)  # noqa: E741
        block = np.s_[l : l + 2, a : a + 2, b : b + 2]
        part = left[block].sum()
        if part <= 0:
            break
        colours.append((left[block][..., None] * centres[block]).sum(axis=(0, 1, 2)) / part)
        parts.append(part)
        left[block] = 0
    return np.array(colours), np.array(parts)


def _fitted(
    shares: NDArray[np.float64], colours: NDArray[np.float64], parts: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """colours float64 (n, 3) in Lab and their shares (n,), nearer to the mixture that the bins' `shares` (196,) are of."""
    for _ in range(ROUNDS):
        near = 1 - np.abs(_CENTRES[None] - colours[:, None]) / _WIDTHS
        spread = np.clip(near, 0, None).prod(axis=2) * parts[:, None]
        whole = spread.sum(axis=0)
        owned = spread * np.divide(shares, whole, out=np.zeros_like(shares), where=whole > 0)
        parts = owned.sum(axis=1)
        kept = parts > 1e-6
        owned, parts = owned[kept], parts[kept]
        colours = owned @ _CENTRES / parts[:, None]
    return colours, parts


def _merged(
    colours: NDArray[np.float64], parts: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of colours nearer than APART one, between them by their shares; the nearest two first."""
    while len(parts) > 1:
        distances = np.linalg.norm(colours[:, None] - colours[None], axis=2)
        np.fill_diagonal(distances, np.inf)
        one, other = sorted(int(at) for at in np.unravel_index(int(distances.argmin()), distances.shape))
        if distances[one, other] >= APART:
            break
        pair = parts[[one, other]]
        colours[one], parts[one] = pair @ colours[[one, other]] / pair.sum(), pair.sum()
        colours, parts = np.delete(colours, other, axis=0), np.delete(parts, other)
    return colours, parts


def _beyond(lab: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far the colours that are counted at `lab` lie outside the outermost bins, float64 (3,); 0 inside.

    A third of sRGB does, the most vivid: taken for the edge itself, a pure blue would be shown as purple.
    """
    counted, beyond = _counted()
    distances = np.square(counted - lab).sum(axis=1)
    mean: NDArray[np.float64] = beyond[distances <= distances.min() + ALIKE**2].mean(axis=0)
    return mean


@lru_cache(maxsize=1)
def _counted() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where the colour of each code is counted in Lab, float64 (32768, 3), and how far beyond that it lies."""
    lab = lab_of_codes() / UNIT
    counted = np.clip(lab, LOWEST, HIGHEST)
    return counted, lab - counted


def _rgb(lab: NDArray[np.float64]) -> Rgb:
    """CIELAB (D65) → the nearest sRGB by clipping each channel."""
    y = (lab[0] + 16) / 116
    roots = np.array([y + lab[1] / 500, y, y - lab[2] / 200])
    xyz = np.where(roots > 6 / 29, roots**3, 3 * (6 / 29) ** 2 * (roots - 4 / 29)) * _WHITE
    light = np.clip(_FROM_XYZ @ xyz, 0, 1)
    channels = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    red, green, blue = (round(255 * float(channel)) for channel in channels)
    return red, green, blue
