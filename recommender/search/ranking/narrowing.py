"""Hide and same category: rules that are conditions of the question, so that the index finds nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from catalog.filters.entries.category import Category
from recommender.search.ranking.base import Query, Step


class Hide(Step[None]):
    """Asks for nothing that a rule hides, pinned products among it."""

    def before(self, query: Query) -> Sequence[Query]:
        hidden = query.rules.hidden
        if hidden is None:
            return (query,)
        return (replace(query, options=replace(query.options, filters=query.options.filters.having(hidden))),)


class SameCategory(Step[None]):
    """Asks for products of the categories of those that ask, but for pins.

    The caller's own categories stand above the rule; and where no product asks, or none of them has a category, it does nothing.
    """

    def before(self, query: Query) -> Sequence[Query]:
        chosen = query.options.filters.get(Category) is not None
        if query.pinned or chosen or not query.rules.same_category or not query.categories:
            return (query,)
        return (replace(query, same_category=True),)
