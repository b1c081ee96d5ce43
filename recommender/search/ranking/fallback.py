"""Fallback: a page that the threshold leaves short is filled from the query's category, up to `min_results`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from recommender.search.ranking.base import Query, Step


class Fallback(Step[None]):
    """Adds a last tier without threshold and diversity: the nearest of the same category, under the same filters."""

    def before(self, query: Query) -> Sequence[Query]:
        options = query.options
        bounded = options.min_score is not None or options.min_confidence is not None
        if not bounded or not options.min_results:
            return (query,)
        filled = replace(
            options, limit=options.min_results, min_score=None, min_confidence=None, min_results=0, diversity=0.0
        )
        return (query, replace(query, options=filled, same_category=True, depth=0, fallback="category"))
