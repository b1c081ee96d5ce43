"""Threshold: nothing less alike than `min_score`, or of less confidence than `min_confidence`.

Confidence never falls as the score rises, so a deeper search finds nothing more once one candidate is below either.
"""

from __future__ import annotations

from collections.abc import Mapping

from recommender.search.ranking.base import Candidate, Candidates, Query, Step


class Threshold(Step[None]):
    """Drops what is below the least score or the least confidence that the query allows."""

    def applies(self, query: Query) -> bool:
        return query.options.min_score is not None or query.options.min_confidence is not None

    def after(self, candidates: Candidates, *, query: Query, known: Mapping[int, None]) -> Candidates:
        return tuple(one for one in candidates if alike_enough(one, query))


def alike_enough(candidate: Candidate, query: Query) -> bool:
    """Whether the candidate reaches the query's least score and least confidence; any does where there is none."""
    least, sure = query.options.min_score, query.options.min_confidence
    if least is not None and candidate.score < least:
        return False
    return sure is None or query.scale is None or query.scale.confidence(candidate.score) >= sure
