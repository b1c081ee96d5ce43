"""The steps of every answer, in order. A new step is a file beside this one and a line here.

The order is that of `before` and of `after`. Pins stand first: their tier has no least score and is filled by nothing. Fallback
stands behind what sets the least score, which the tier it adds does not have, and before what narrows and parts tiers, so that its
own is narrowed and parted too. What drops stands before emphasis and diversity, which choose among what is left; repeats stand
behind groups, so that few photos are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from recommender.search.ranking.base import Step
from recommender.search.ranking.diversity import Diversity
from recommender.search.ranking.emphasis import Emphasise
from recommender.search.ranking.fallback import Fallback
from recommender.search.ranking.group import Group
from recommender.search.ranking.narrowing import Hide, SameCategory
from recommender.search.ranking.pins import Pins
from recommender.search.ranking.repeats import Repeats
from recommender.search.ranking.stock import Stock
from recommender.search.ranking.threshold import Threshold

Steps = Sequence[Step[Any]]

STEPS: Steps = (
    Pins(),
    Threshold(),
    Fallback(),
    Hide(),
    SameCategory(),
    Stock(),
    Group(),
    Repeats(),
    Emphasise(),
    Diversity(),
)
