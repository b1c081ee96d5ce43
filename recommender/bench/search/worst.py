"""The worst queries: how many find fewer than half of their true ten, which a mean recall near 1 does not tell.

Twenty thousand products ask, in batches and without HTTP; what is true is computed by NumPy. They ask twice: as products do,
where a query that the index led away from its own photo is asked again; and the index alone, by their vectors, as a query
photo does that is not in the catalogue.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catalog.filters.chosen import Filters
from recommender.bench.search.gallery import Gallery, Vectors
from recommender.index.registry import vector_index
from recommender.index.search import VectorSearch
from recommender.index.types import SpaceQuery
from recommender.models import Space
from recommender.projection.apply import unit

QUERIES = 20_000
K = 10
_BATCH = 500
_BLOCK = (1000, 20_000)  # queries and vectors: 80 MB of cosines at a time, however large the gallery
_ROUNDING = 1e-6  # by which two ways of computing one cosine in float32 differ, at most

Numbers = NDArray[np.int64]


def measure(space: Space, gallery: Gallery, *, queries: int = QUERIES) -> dict[str, Any]:
    """The verdict on answers to products, and as `index_alone` that on the index by itself.

    Of so many products drawn by a fixed seed, or of all where there are fewer.
    """
    asking, farthest = draw(gallery, queries=queries)
    found = {by_vector: answers(space, gallery.vectors, asking, by_vector=by_vector) for by_vector in (False, True)}
    return {
        **verdict(gallery.vectors, asking, found[False], farthest),
        "index_alone": verdict(gallery.vectors, asking, found[True], farthest),
    }


def draw(gallery: Gallery, *, queries: int = QUERIES) -> tuple[Numbers, NDArray[np.float32]]:
    """The products that ask, int64, and the cosine of each to its tenth nearest."""
    asking = np.random.default_rng(5).permutation(len(gallery))[:queries]
    return asking, tenth_cosines(gallery.vectors, asking)


def tenth_cosines(
    vectors: Vectors, queries: Numbers, *, k: int = K, block: tuple[int, int] = _BLOCK
) -> NDArray[np.float32]:
    """float32 (queries,): the cosine of each query, a row's number, to the k-th nearest other row of `vectors`.

    `block`: how many queries are compared with how many vectors at a time.
    """
    found = np.empty(len(queries), np.float32)
    for start in range(0, len(queries), block[0]):
        numbers = queries[start : start + block[0]]
        found[start : start + block[0]] = _best(vectors, numbers, min(k, len(vectors) - 1), block[1]).min(axis=1)
    return found


def verdict(
    vectors: Vectors, queries: Numbers, found: Sequence[Sequence[int]], farthest: NDArray[np.float32], *, k: int = K
) -> dict[str, Any]:
    """Of each query's true k, those that are among the rows `found` for it.

    Any other row counts that is as near as the k-th, `farthest`: which of several equally near ones is answered makes no
    difference. `recall`: the mean share found; `worst`: how many queries found fewer than half, `worst_share` of all;
    `found`: how many queries found 0, 1, … k.
    """
    counts = np.zeros(k + 1, np.int64)
    for number, answer, least in zip(queries.tolist(), found, farthest, strict=True):
        rows = np.unique(np.asarray([row for row in answer if row != number], np.int64))
        cosines = unit(vectors[rows]) @ unit(vectors[number : number + 1])[0]
        counts[min(k, int((cosines >= least - _ROUNDING).sum()))] += 1
    worst = int(counts[: (k + 1) // 2].sum())
    return {
        "queries": len(queries),
        "recall": round(float(counts @ np.arange(k + 1)) / (k * len(queries)), 4),
        "worst": worst,
        "worst_share": round(worst / len(queries), 6),
        "found": counts.tolist(),
    }


def _best(vectors: Vectors, numbers: Numbers, k: int, block: int) -> NDArray[np.float32]:
    """float32 (numbers, k): the highest cosines of each to the other rows, in no order; more than k vectors a block.

    After the first block only cosines above the least of the k so far are looked at, which few are.
    """
    asked = unit(vectors[numbers])
    for start in range(0, len(vectors), block):
        cosines = asked @ unit(vectors[start : start + block]).T
        own = np.flatnonzero((numbers >= start) & (numbers < start + cosines.shape[1]))
        cosines[own, numbers[own] - start] = -np.inf
        if not start:
            best = np.partition(cosines, -k, axis=1)[:, -k:]
            continue
        rows, columns = np.nonzero(cosines > best.min(axis=1)[:, None])
        ends = np.searchsorted(rows, np.arange(len(numbers) + 1))
        for row in np.unique(rows):
            nearer = cosines[row, columns[ends[row] : ends[row + 1]]]
            best[row] = np.partition(np.concatenate([best[row], nearer]), -k)[-k:]
    return best


def answers(space: Space, vectors: Vectors, queries: Numbers, *, by_vector: bool = False) -> list[list[int]]:
    """The rows that are found for each, its own product left out; nothing completes an answer that is short.

    `by_vector`: the index is not told whose vector asks, so that it cannot notice that it looked elsewhere.
    """
    index = VectorSearch(vector_index(), exact_below=0, completes=False)
    found: list[list[int]] = []
    for start in range(0, len(queries), _BATCH):
        asked = [
            SpaceQuery(
                vector=vectors[number],
                filters=Filters().excluding(products=[number + 1]),
                own=None if by_vector else number + 1,
            )
            for number in queries[start : start + _BATCH].tolist()
        ]
        for hits in index.search_many(space=space, queries=asked, k=K):
            found.append([hit.product_id - 1 for hit in hits])
    return found
