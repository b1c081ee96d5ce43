"""Figures of answers by every label, and the ceiling that the sizes of the classes put above them. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from recommender.bench.relevance.labelled import Labelled, Numbers
from recommender.evaluation.rank import relevant_of
from recommender.evaluation.scores import K, interval, rounded, scores_of

METRICS = ("p@1", "p@10", "map@50")

# [low, mean, high] of each of METRICS; the bounds are those of the 95 % interval.
Figures = dict[str, list[float]]


def by_label(shop: Labelled, queries: Numbers, answered: Numbers) -> dict[str, Figures]:
    """By label, over the queries (rows of the shop) that share its class with another row.

    `answered`: product ids int64 (queries, ≤ 50), best first, -1 beyond the last; none of the query's own group.
    """
    found = {}
    for label, classes in shop.classes.items():
        relevant = relevant_of(queries, classes, np.arange(len(shop)))
        asking = (classes[queries] >= 0) & (relevant > 0)
        if asking.any():
            theirs = _classes_of(answered[asking], shop.member_classes[label])
            hits = (theirs == classes[queries[asking]][:, None]) & (answered[asking] >= 0)
            found[label] = of_hits(hits, relevant[asking], queries[asking])
    return found


def of_hits(hits: NDArray[np.bool_], relevant: Numbers, groups: Numbers) -> Figures:
    """`hits`: bool (queries, ≤ 50), whether each rank is relevant. `relevant`: int64 (queries,), 1 and more."""
    values = scores_of(hits, relevant, np.zeros(hits.shape, np.int64)).values
    return {name: list(rounded(interval(values[name], groups))) for name in METRICS}


def ceilings(shop: Labelled, queries: Numbers) -> dict[str, dict[str, float]]:
    """By label the figures of perfect answers: a class of fewer than eleven rows cannot fill ten places.

    `queries`: how many ask by that label; `of_ten`: the share of them that have ten others to find.
    """
    found = {}
    for label, classes in shop.classes.items():
        relevant = relevant_of(queries, classes, np.arange(len(shop)))
        relevant = relevant[(classes[queries] >= 0) & (relevant > 0)]
        if len(relevant):
            found[label] = {
                "queries": len(relevant),
                "classes": len(np.unique(classes[classes >= 0])),
                "of_ten": round(float((relevant >= 10).mean()), 4),
                "p@1": 1.0,
                "p@10": round(float(np.minimum(relevant, 10).mean() / 10), 4),
                "map@50": 1.0,
            }
    return found


def collapsed(rows: list[list[int]], shop: Labelled, queries: Numbers, places: int = K) -> Numbers:
    """Answers as product ids → int64 (queries, places): the first of each duplicate group, none of the query's own."""
    found = np.full((len(rows), places), -1, np.int64)
    for number, (products, query) in enumerate(zip(rows, queries.tolist(), strict=True)):
        seen, kept = {query}, []
        for product in products:
            group = shop.members.get(product, -1)
            if group >= 0 and group not in seen:
                seen.add(group)
                kept.append(product)
        found[number, : len(kept[:places])] = kept[:places]
    return found


def _classes_of(products: Numbers, classes: Mapping[int, int]) -> NDArray[np.int32]:
    ids = np.array(sorted(classes), np.int64)
    values = np.array([classes[one] for one in ids.tolist()], np.int32)
    places = np.minimum(np.searchsorted(ids, products), len(ids) - 1)
    found: NDArray[np.int32] = np.where(ids[places] == products, values[places], -1)
    return found
