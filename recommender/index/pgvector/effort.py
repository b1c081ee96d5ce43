"""How much wider an index must be searched for a query that lies elsewhere than stored vectors do.

Every stored vector of a space with colour has the share α of its squared length in the colour part, and the graph joins those
that are near as a whole. A query that weighs the parts otherwise lies aside of them all, at an angle that follows from its own
share x: its cosine is √(αx) + √((1 − α)(1 − x)), 1 at the space's own weight. The farther aside, the less do the graph's
neighbourhoods tell of the query's.

Measured by `bench search` on 100,000 vectors of 192 + 64 at α = .2, recall@10 at ef_search 80 / 160 / 320 / 640: cosine .80
(w = .5) .986 / .996 / .999 / 1; .71 (.6) .965 / .988 / .996 / .997; .63 (.7) .895 / .957 / .984 / .994; .55 (.8) .752 / .875 /
.938 / .973; .50 (.9) .486 / .649 / .795 / .895; .45 (1) .256 / .418 / .591 / .756.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from recommender.models import Space

# Up to this cosine nothing more is needed; from there the effort rises by this power, fitted to what was measured.
_ENOUGH, _POWER = 0.75, 8


def effort_of(space: Space, vector: NDArray[np.float32]) -> float:
    """By what factor more candidates a query of this vector, float32 (d,), needs than one of the space's own weight; at least 1."""
    if not space.colour_dimensions:
        return 1.0
    colour = vector[space.shape_dimensions :]
    share = min(1.0, float(colour @ colour) / float(vector @ vector))
    cosine = math.sqrt(space.colour_weight * share) + math.sqrt((1 - space.colour_weight) * (1 - share))
    return max(1.0, (_ENOUGH / cosine) ** _POWER)
