"""The figures of merit, and how sure they are. Pure functions of arrays.

For a query and its ranked gallery (the query itself and its duplicate group are not in it), with R relevant photos:

- P@k: relevant ones among the first k, divided by k.
- AP@50: the sum of P@r over the ranks r ≤ 50 that hold a relevant one, divided by min(50, R). mAP@50 is its mean.
- Recall@k: 1 where a relevant one is among the first k, else 0, as metric learning counts it.

Queries with R = 0 are not asked. Means are over queries. Intervals: 95 %, bootstrap over duplicate groups, because
photos of one product are not independent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from recommender.records.reading import Interval

K = 50
METRICS = ("p@1", "p@10", "map@50", "recall@5", "recall@10")
RESAMPLES = 2000
_SEED = 50


@dataclass(frozen=True, eq=False)
class Scores:
    """One row a query. `values`: float64 (queries,) of each of METRICS. `ranked`: int64 (queries, ≤ 50), gallery rows."""

    values: Mapping[str, NDArray[np.float64]]
    ranked: NDArray[np.int64]


def scores_of(hits: NDArray[np.bool_], relevant: NDArray[np.int64], ranked: NDArray[np.int64]) -> Scores:
    """hits bool (queries, ≤ 50): whether each rank is relevant; relevant int64 (queries,): R, at least 1."""
    if hits.shape[1] < K:
        hits = np.pad(hits, ((0, 0), (0, K - hits.shape[1])))
    precision = np.cumsum(hits, axis=1) / np.arange(1, K + 1)
    average = (precision * hits).sum(axis=1) / np.minimum(K, relevant)
    values = {
        "p@1": hits[:, 0].astype(np.float64),
        "p@10": hits[:, :10].mean(axis=1),
        "map@50": average,
        "recall@5": hits[:, :5].any(axis=1).astype(np.float64),
        "recall@10": hits[:, :10].any(axis=1).astype(np.float64),
    }
    return Scores(values, ranked)


def interval(values: NDArray[np.float64], groups: NDArray[np.int64]) -> Interval:
    """The mean of values float64 (queries,) with its interval; groups int64 (queries,) are drawn whole. NaN if empty."""
    if not len(values):
        return Interval(float("nan"), float("nan"), float("nan"))
    codes = np.unique(groups, return_inverse=True)[1]
    counts = np.bincount(codes).astype(np.float64)
    sums = np.bincount(codes, weights=values)
    drawn = _draws(len(counts))
    means = (drawn @ sums) / (drawn @ counts)
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(float(low), float(values.mean()), float(high))


@lru_cache(maxsize=4)
def _draws(groups: int) -> NDArray[np.float32]:
    """How often each group is drawn in each resample: float32 (RESAMPLES, groups), by a fixed seed."""
    drawn = np.random.default_rng(_SEED).integers(groups, size=(RESAMPLES, groups))
    drawn += np.arange(RESAMPLES)[:, None] * groups
    times = np.bincount(drawn.reshape(-1), minlength=RESAMPLES * groups)
    return times.reshape(RESAMPLES, groups).astype(np.float32)


def summary(scores: Scores, groups: NDArray[np.int64], rows: NDArray[np.bool_] | None = None) -> dict[str, Interval]:
    """Each metric over all queries, or over those of the mask; rounded as it is kept and shown."""
    chosen = slice(None) if rows is None else rows
    return {name: rounded(interval(scores.values[name][chosen], groups[chosen])) for name in METRICS}


def rounded(one: Interval) -> Interval:
    """To four decimals: intervals are wider."""
    return Interval(*(round(value, 4) for value in one))
