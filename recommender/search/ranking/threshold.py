"""Threshold: nothing less alike than `min_score`."""

from __future__ import annotations

from collections.abc import Mapping

from recommender.search.ranking.base import Candidate, Candidates, Query, Step


class Threshold(Step[None]):
    """Drops what is less alike than the least score that the query allows."""

    def applies(self, query: Query) -> bool:
        return query.options.min_score is not None

    def after(self, candidates: Candidates, *, query: Query, known: Mapping[int, None]) -> Candidates:
        return tuple(one for one in candidates if alike_enough(one, query))


def alike_enough(candidate: Candidate, query: Query) -> bool:
    """Whether the candidate reaches the query's least score; any does where there is none."""
    least = query.options.min_score
    return least is None or candidate.score >= least
