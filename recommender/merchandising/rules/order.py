"""The order in which what a caller asks for and what rules say is obeyed, in words: of two that disagree the earlier has its way.

docs/merchandising.md has the same list; a test compares them, and another holds answers against it.
"""

from __future__ import annotations

ORDER = (
    "What the shopper asks for: filters and excluded products stand above every rule. Where a category is chosen, "
    '"same category only" does nothing; where stock is, neither rule about stock does.',
    "Never show: what is hidden is in no answer, pinned or not, with all of its variant group.",
    "In stock only.",
    "In stock first: what is sold out stands behind everything in stock; while it is sold out, a pinned product keeps no place.",
    "Pins: a pinned product stands at its place however unlike it is, of another category too, below a least score or confidence "
    "too. Where too few others match, it stands at their end. Of several pins at one place the first in the order of point 8 has "
    "it, the others the next free places. Of several variants of one group one is shown.",
    "Same category only. It does nothing for a product without a category, nor for searches by a photo or a colour.",
    "Boost and bury: all factors that concern a product are multiplied with its score. They rank the nearest 400, and change no "
    "score that an answer shows. A least score or confidence is held against the score itself.",
    "Among rules of one kind: for a product before for a category (the deeper one first), before for a brand, before everywhere; "
    "and the newer before the older.",
)
