"""The metrics of spaces: how each is measured, in Postgres and here, and the score that an answer shows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# pgvector's operators, by which Postgres compares vectors exactly whatever engine proposes them.
OPERATORS = {"cosine": "<=>", "l2": "<->", "ip": "<#>", "l1": "<+>"}


def distance(metric: str, a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """The distance of two vectors float32 (d,) as the metric's operator in Postgres measures it."""
    a64, b64 = a.astype(np.float64), b.astype(np.float64)
    if metric == "cosine":
        return float(1 - a64 @ b64 / (np.linalg.norm(a64) * np.linalg.norm(b64)))
    if metric == "ip":
        return float(-(a64 @ b64))
    return float(np.linalg.norm(a64 - b64, ord=1 if metric == "l1" else 2))


def score(metric: str, distance: float) -> float:
    """Higher is more alike: cosine similarity, inner product, or 1 / (1 + distance) for l2 and l1.

    Vectors are unit, so the first two lie in [-1, 1]; half precision and rounding may carry a distance a little beyond.
    """
    if metric in ("cosine", "ip"):
        return max(-1.0, min(1.0, 1.0 - distance if metric == "cosine" else -distance))
    return 1.0 / (1.0 + distance)
