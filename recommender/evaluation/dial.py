"""How the answers of a space change from shape alone to colour alone, on the photos that judge it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from recommender.evaluation.rank import Contestant, score, scored
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
    classes: Mapping[str, NDArray[np.int32]],
    groups: NDArray[np.int64],
) -> Iterator[tuple[float, Mapping[str, Interval]]]:
    """Each weight of colour from 0 to 1, and by label P@10 of the judged fit at that weight, by exact ranking.

    `features`: rows of the space's encoder float32 (photos, row width). `classes`: by label, int32 (photos,); every query has
    somebody to find by each. The others as of `recommender.evaluation.rank.score`. Nothing for a space without a colour part.
    """
    projection = judged_projection_of(space)
    if projection.colour is None:
        return
    shape = projection.shape(features[:, : projection.shape_features])
    colour = projection.colour(features[:, projection.shape_features :])
    for weight in TENTHS:
        contestant = Contestant("dial", beside(shape, colour, weight))
        anything = np.zeros(len(features), np.int32)
        ranked = score(contestant, queries=queries, classes=anything, groups=groups).ranked
        figures = {}
        for label, one in classes.items():
            values = scored(ranked, queries=queries, classes=one, groups=groups).values["p@10"]
            figures[label] = rounded(interval(values, groups[queries]))
        yield weight, figures
