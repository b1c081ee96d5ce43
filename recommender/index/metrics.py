"""The metrics of spaces: the operator that measures each in Postgres, and the score that an answer shows."""

from __future__ import annotations

# pgvector's operators, by which Postgres compares vectors exactly whatever engine proposes them.
OPERATORS = {"cosine": "<=>", "l2": "<->", "ip": "<#>", "l1": "<+>"}


def score(metric: str, distance: float) -> float:
    """Higher is more alike: cosine similarity, inner product, or 1 / (1 + distance) for l2 and l1.

    Vectors are unit, so the first two lie in [-1, 1]; half precision and rounding may carry a distance a little beyond.
    """
    if metric in ("cosine", "ip"):
        return max(-1.0, min(1.0, 1.0 - distance if metric == "cosine" else -distance))
    return 1.0 / (1.0 + distance)
