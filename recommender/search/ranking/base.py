"""The contract of a ranking step, and the values that steps take and give.

A step is a class in a file of its own and a line in `steps.py`. Two examples, a condition and a rule that drops:

    class InStockOnly(Step[None]):
        def before(self, query: Query) -> Sequence[Query]:
            filters = query.options.filters.having(Stock(True))
            return [replace(query, options=replace(query.options, filters=filters))]

    class NoOddProducts(Step[None]):
        def after(self, candidates: Candidates, *, query: Query, known: Mapping[int, None]) -> Candidates:
            return tuple(one for one in candidates if one.product_id % 2 == 0)

`Stock` is a filter of catalog.filters.entries, `replace` is that of dataclasses. What a filter can say belongs in `before`:
the index then finds nothing else. What `after` drops is made up for by asking the index deeper, which costs another search;
and a candidate stands for its variant group, which is dropped with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from recommender.index.parts import Weighing
from recommender.merchandising.rules.applied import NO_RULES, MovedBy, RulesOfSearch
from recommender.models import Space
from recommender.search.confidence import Scale
from recommender.search.filters import SearchOptions

Fact = TypeVar("Fact")


@dataclass(frozen=True)
class Candidate:
    """A product by its best photo. `distance` is in the space's metric; `score` is higher for the more alike.

    `shape`, `colour`: the cosines that the score is the weighted sum of; None where it has no such part. `confidence`: what the
    score means, 0 to 100; None while candidates are ranked, and where nothing says it. `factor`: what rules multiply the score by
    for its rank. `rule`: the rule that moved it, if one did.
    """

    image_id: int
    product_id: int
    score: float
    distance: float
    shape: float | None = None
    colour: float | None = None
    confidence: float | None = None
    factor: float = 1.0
    rule: MovedBy | None = None

    @property
    def weighed(self) -> float:
        """The score by which it is ranked: a factor above 1 raises it, be it above or below 0."""
        return self.score * self.factor if self.score >= 0 else self.score / self.factor


Candidates = tuple[Candidate, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Query:
    """What is asked for one page, or for one tier of it.

    `vectors`: float32 (dimensions of the space,) each, unit length; a candidate counts by the one it is nearest to.
    `own`: the stored photo that each of them is the vector of, in their order, or None; empty where no stored photo asks.
    `weighing`: how shape and colour count in scores; None in a space without colour. (With it a vector may be zeros in a part
    of which it says nothing, and which has no weight then.)
    `scale`: how confident its scores are; None where nothing is fitted yet, and then `options` has no `min_confidence`.
    `options`: `filters`, `min_score` and `min_confidence` bound what the index is asked for, `limit` is how many places the page has once
    this tier has filled its own. `categories`: those of the products that ask; None where no product does, which means
    that of the nearest product. `same_category`: only candidates of `categories`. `depth`: how many candidates the index
    is asked for at first, at least `limit`. `fallback`: what an answer that holds candidates of this tier says of them.
    `shown`: what earlier tiers put on the page.
    `rules`: those that concern the search. `pinned`: this tier finds the products that rules pin, which stand at places of their
    own. `last`: what this tier finds stands behind what all other tiers found.
    """

    vectors: tuple[NDArray[np.float32], ...]
    options: SearchOptions
    own: tuple[int | None, ...] = ()
    weighing: Weighing | None = None
    scale: Scale | None = None
    categories: tuple[int, ...] | None = None
    same_category: bool = False
    depth: int = 0
    fallback: str | None = None
    shown: Candidates = ()
    rules: RulesOfSearch = NO_RULES
    pinned: bool = False
    last: bool = False


class Step(Generic[Fact]):
    """One step of the ranking, which does nothing until a subclass says otherwise. Steps hold no state.

    `Fact` is what the step has to know of a photo beyond its candidate, such as its vector; None for a step that needs
    nothing. Only `read` may ask the database.
    """

    def before(self, query: Query) -> Sequence[Query]:
        """The queries to ask in place of this one, its tiers: each is asked if those before it left places free."""
        return (query,)

    def applies(self, query: Query) -> bool:
        """Whether `after` has anything to do for this query; if not, nothing is read for it."""
        return True

    def read(self, *, space: Space, queries: Sequence[Query], candidates: Sequence[Candidates]) -> Mapping[int, Fact]:
        """What `after` has to know, by photo, of all queries of a batch at once. `candidates`: of each query its own."""
        return {}

    def after(self, candidates: Candidates, *, query: Query, known: Mapping[int, Fact]) -> Candidates:
        """The candidates that remain, in their new order, best first. `query.depth`: how many the index was asked for."""
        return candidates
