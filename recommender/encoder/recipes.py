"""What is done around a network, photo → row of features, by number. A recipe that has landed never changes.

A row of features is the network's part, then, where the recipe counts colours, the colour histogram. Spaces of an old recipe
are served until they are retired, so every change of framing, preprocessing or colours, or of what a pooling computes, is a
new number. Which pooling an encoder has is no part of the recipe: `Encoder.pooling` says it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """`framed`: a photo on plain ground is cut to what stands on it, and colour profiles are applied; else the centre alone.

    `colour_bins`: numbers of the colour histogram in a row of features; 0: none.
    """

    framed: bool
    colour_bins: int


RECIPES: dict[int, Recipe] = {
    1: Recipe(framed=False, colour_bins=0),
    2: Recipe(framed=True, colour_bins=196),
}
CURRENT = max(RECIPES)
