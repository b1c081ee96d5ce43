"""Maximal marginal relevance: an answer whose items are alike to the query but not to each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def choose(*, relevance: NDArray[np.float32], vectors: NDArray[np.float32], diversity: float, count: int) -> list[int]:
    """Numbers of the chosen candidates, in order of choice.

    `relevance`: float32 (n,), best first. `vectors`: float32 (n, d), unit rows. Each step takes the candidate with the
    highest (1 - diversity) · relevance - diversity · (cosine to the most alike already chosen); ties go to the earlier
    (Carbonell and Goldstein, SIGIR 1998). The first is always the most relevant.
    """
    nearest_chosen = np.full(len(relevance), -np.inf, np.float32)
    open_ = np.ones(len(relevance), bool)
    chosen: list[int] = []
    while len(chosen) < min(count, len(relevance)):
        worth = (1 - diversity) * relevance - diversity * nearest_chosen if chosen else relevance
        best = int(np.argmax(np.where(open_, worth, -np.inf)))
        chosen.append(best)
        open_[best] = False
        nearest_chosen = np.maximum(nearest_chosen, vectors @ vectors[best])
    return chosen


def unit_rows(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows of length 1; a row of zeros stays."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(norms == 0, 1, norms)).astype(np.float32)
