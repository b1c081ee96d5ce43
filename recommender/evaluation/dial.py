"""How the answers of a space change from shape alone to colour alone, on the photos that judge it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from recommender.evaluation.rank import Contestant, score
from recommender.evaluation.scores import interval, rounded
from recommender.models import Space
from recommender.projection.apply import beside, judged_projection_of
from recommender.records.reading import Interval

TENTHS = tuple(tenth / 10 for tenth in range(11))


def dial_curve(
    space: Space,
    features: NDArray[np.float32],
    *,
    queries: NDArray[np.int64],
    classes: NDArray[np.int32],
    groups: NDArray[np.int64],
) -> Iterator[tuple[float, Interval]]:
    """Each weight of colour from 0 to 1, and P@10 of the judged fit at that weight, by exact ranking.

    `features`: rows of the space's encoder float32 (photos, row width); the others as of `recommender.evaluation.rank.score`.
    Nothing for a space without a colour part.
    """
    projection = judged_projection_of(space)
    if projection.colour is None:
        return
    shape = projection.shape(features[:, : projection.shape_features])
    colour = projection.colour(features[:, projection.shape_features :])
    for weight in TENTHS:
        contestant = Contestant("dial", beside(shape, colour, weight))
        values = score(contestant, queries=queries, classes=classes, groups=groups).values["p@10"]
        yield weight, rounded(interval(values, groups[queries]))
