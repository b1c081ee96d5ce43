"""Answers of the shop: by the product's own search in the active space, or by exact comparison of arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recommender.bench.relevance.figures import collapsed
from recommender.bench.relevance.labelled import Labelled, Numbers
from recommender.evaluation.rank import Contestant, score
from recommender.evaluation.scores import K
from recommender.search.filters import SearchOptions
from recommender.search.similarity import similar_to_each

# Answered beyond those wanted: products that share a file are found twice and count once.
_SPARE = 10
_BATCH = 50


def by_search(shop: Labelled, queries: Numbers, *, colour_weight: float | None, places: int = K) -> Numbers:
    """Product ids int64 (queries, places) as `similar` answers them through the index; -1 where there are no more.

    `colour_weight` None: the space's own.
    """
    options = SearchOptions(limit=places + _SPARE, color_weight=colour_weight)
    rows: list[list[int]] = []
    for start in range(0, len(queries), _BATCH):
        products = shop.product_ids[queries[start : start + _BATCH]].tolist()
        answers = similar_to_each(product_ids=products, options=options)
        rows += [[one.product_id for one in answers[product].found] for product in products]
    return collapsed(rows, shop, queries, places)


def by_vectors(shop: Labelled, queries: Numbers, vectors: NDArray[np.float32]) -> Numbers:
    """The same by exact cosine of unit rows float32 (rows of the shop, d)."""
    everyone = np.arange(len(shop))
    contestant = Contestant("exact", vectors)
    ranked = score(contestant, queries=queries, classes=np.zeros(len(shop), np.int32), groups=everyone).ranked
    answered: Numbers = np.where(ranked >= 0, shop.product_ids[ranked], -1)
    return answered
