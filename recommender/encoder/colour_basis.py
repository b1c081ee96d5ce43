"""Makes the mean and the axes of `fixed_colour_basis`: they fit no shop in particular, for spaces that nothing can fit yet.

They are those of random mixtures: one to three colours, more often greyish than saturated, each from full light to some
shade, and a tenth of white as a photo's ground leaves it. Measured with the colour part at .2 of a score on 4,000 packshots:
1.36 times as many answers of the same type and colour as by shape alone, 1.41 times with axes fitted on the packshots
themselves; 1.28 times with mixtures of evenly drawn sRGB colours, whose mean is farther from that of any shop.

Eigenvectors come out a little different from each BLAS, so the numbers are shipped: `python -m
recommender.encoder.colour_basis` makes the file anew.
"""

from __future__ import annotations

import colorsys

import numpy as np
from numpy.typing import NDArray

from recommender.encoder.colour import BASIS_FILE, BASIS_SCALE, Rgb, colour_row
from recommender.encoder.colour_tables import COLOUR_BINS

DIMENSIONS = 64
MIXTURES, MOST_COLOURS, SHADES, DARKEST = 4_000, 3, 16, 0.6
GREYISH = 1.5  # the power of an even random number that is a colour's saturation
DARKEST_VALUE = 0.05
GROUND: tuple[Rgb, float] = ((253, 253, 253), 0.1)


def made_anew() -> NDArray[np.int16]:
    """What the file holds, int16 (1 + DIMENSIONS, 196), from the mixtures; its last digits are this machine's BLAS's."""
    rows = _mixtures().astype(np.float64)
    mean = rows.mean(axis=0)
    _, _, axes = np.linalg.svd(rows - mean, full_matrices=False)
    axes = axes[:DIMENSIONS]
    largest = axes[np.arange(DIMENSIONS), np.abs(axes).argmax(axis=1)]
    numbers = np.concatenate([mean[None], axes * np.sign(largest)[:, None]])
    made: NDArray[np.int16] = np.rint(numbers * BASIS_SCALE).astype(np.int16)
    return made


def _mixtures() -> NDArray[np.float32]:
    random = np.random.default_rng(0).random
    rows = np.empty((MIXTURES, COLOUR_BINS), np.float32)
    for number in range(MIXTURES):
        count = 1 + int(MOST_COLOURS * random())
        weights = -np.log(1 - random(count))
        weights /= weights.sum() * SHADES
        shaded: list[tuple[Rgb, float]] = [GROUND]
        for weight in weights:
            value = DARKEST_VALUE + (1 - DARKEST_VALUE) * random()
            colour = np.array(colorsys.hsv_to_rgb(random(), random() ** GREYISH, value)) * 255
            for shade in np.linspace(DARKEST, 1, SHADES):
                red, green, blue = (int(part) for part in colour * shade)
                shaded.append(((red, green, blue), float(weight)))
        rows[number] = colour_row(shaded)
    return rows


if __name__ == "__main__":
    np.save(BASIS_FILE, made_anew())
