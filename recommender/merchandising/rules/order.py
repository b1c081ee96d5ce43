"""The order in which what a caller asks for and what rules say is obeyed, in words: of two that disagree the earlier has its way."""

from __future__ import annotations

ORDER = (
    "What the shopper asks for: filters and excluded products stand above every rule. Where a category is chosen, “same category"
    " only” does nothing; where stock is, neither rule about stock does.",
    "Never show: what is hidden is in no answer, pinned or not, with all of its variant group.",
    "In stock only.",
    "In stock first: what is sold out stands behind everything in stock; while it is sold out, a pinned product keeps no place.",
    "Pins: a pinned product stands at its place however unlike it is, of another category too. Where too few others match, it stands at"
    " their end. Of several pins at one place the first in the order below has it, the others the next free places.",
    "Same category only.",
    "Boost and bury: all factors that concern a product are multiplied. They rank the nearest 400, and change no score.",
    "Among rules of one kind: for a product before for a category (the deeper one first), before for a brand, before everywhere; and the"
    " newer before the older.",
)
