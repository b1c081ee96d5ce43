"""Diversity: maximal marginal relevance, so that an answer's items are alike to the query but not to each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from recommender.index.stored import vectors_of
from recommender.models import Space
from recommender.projection.apply import unit
from recommender.search.ranking.base import Candidates, Query, Step

WIDER = 8  # candidates for each place that is to be diverse
MOST_CANDIDATES = 400


class Diversity(Step[NDArray[np.float32]]):
    """Chooses the places of the page from several times as many candidates; a photo deleted meanwhile drops out.

    The likeness of the candidates to each other is measured as their likeness to the query is: by the same weight of colour.
    """

    def applies(self, query: Query) -> bool:
        return query.options.diversity > 0

    def before(self, query: Query) -> Sequence[Query]:
        if not self.applies(query):
            return (query,)
        return (replace(query, depth=max(query.depth, min(MOST_CANDIDATES, query.options.limit * WIDER))),)

    def read(
        self, *, space: Space, queries: Sequence[Query], candidates: Sequence[Candidates]
    ) -> Mapping[int, NDArray[np.float32]]:
        images = list(dict.fromkeys(one.image_id for page in candidates for one in page))
        return vectors_of(space=space, image_ids=images)

    def after(self, candidates: Candidates, *, query: Query, known: Mapping[int, NDArray[np.float32]]) -> Candidates:
        """As many places as the page has are chosen, more where the index was asked deeper; the rest follow as they stood."""
        kept = [one for one in candidates if one.image_id in known]
        if not kept:
            return ()
        vectors = unit(np.stack([known[one.image_id] for one in kept]))
        chosen = choose(
            relevance=np.array([one.weighed for one in kept], np.float32),
            vectors=vectors if query.weighing is None else query.weighing.comparable(vectors),
            diversity=query.options.diversity,
            count=max(query.options.limit, query.depth // WIDER),
        )
        rest = sorted(set(range(len(kept))) - set(chosen))
        return tuple(kept[number] for number in (*chosen, *rest))


def choose(*, relevance: NDArray[np.float32], vectors: NDArray[np.float32], diversity: float, count: int) -> list[int]:
    """Numbers of the chosen candidates, in order of choice.

    `relevance`: float32 (n,), best first. `vectors`: float32 (n, d), unit rows. Each turn takes the candidate with the
    highest (1 - diversity) · relevance - diversity · (cosine to the most alike already chosen); ties go to the earlier
    (Carbonell and Goldstein, SIGIR 1998). The first is always the most relevant.
    """
    nearest_chosen = np.full(len(relevance), -np.inf, np.float32)
    left = np.ones(len(relevance), bool)
    chosen: list[int] = []
    while len(chosen) < min(count, len(relevance)):
        worth = (1 - diversity) * relevance - diversity * nearest_chosen if chosen else relevance
        best = int(np.argmax(np.where(left, worth, -np.inf)))
        chosen.append(best)
        left[best] = False
        nearest_chosen = np.maximum(nearest_chosen, vectors @ vectors[best])
    return chosen
