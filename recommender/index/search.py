"""The products nearest to a vector: a page that is full whenever enough of them match, whatever the engine finds."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from catalog.filters.chosen import Filters
from recommender.index import compared
from recommender.index.base import NearestQuery, VectorIndex
from recommender.index.compared import Page
from recommender.index.registry import vector_index
from recommender.index.routes import Route, routes
from recommender.index.types import Hit, SpaceQuery
from recommender.models import Space

_MOST_CROWDING = 50.0  # photos for each product, beyond which nothing more is learned


def vector_search() -> VectorSearch:
    """The search by the engine of the settings, one a process. Raises ImproperlyConfigured for an unknown engine."""
    return _search_with(vector_index())


@cache
def _search_with(engine: VectorIndex) -> VectorSearch:
    return VectorSearch(engine)


@dataclass(frozen=True)
class _Batch:
    """The queries of one call, and how each is routed."""

    space: Space
    queries: Sequence[SpaceQuery]
    routes: Sequence[Route]
    k: int


class VectorSearch:
    """Searches by an engine, completed by Postgres.

    Few products pass the filter, by a sample of the products: their photos are compared one by one. Else the engine
    proposes photos; Postgres filters, measures and groups them by product and variant group (for pgvector in the same
    statement); more are asked for until the page is full or the engine has no more. A page that is still short is
    answered exactly, so it is short only if fewer match. What the sample got wrong costs time only.

    A graph leads some queries elsewhere, to a full page of which nothing is near. Where a stored photo asks (`SpaceQuery.own`), the
    engine notices: it did not come by that photo, than which none is nearer. It is asked again, thoroughly, and where it still
    did not, all are compared.

    `exact_below`: see `routes`; None: as EXACT_BELOW_ROWS says. To measure an engine, `completes` is False: then nothing stands in
    for what a short page lacks. What the engine itself notices is asked again all the same; without `own` it notices nothing,
    and is measured by itself.
    """

    def __init__(self, engine: VectorIndex, *, exact_below: int | None = None, completes: bool = True) -> None:
        self._engine = engine
        self._exact_below = exact_below
        self._completes = completes
        self._crowding: dict[int, float] = {}  # photos for each product, by what earlier queries of a space needed

    def search(
        self, *, space: Space, vector: NDArray[np.float32], filters: Filters, k: int, exact: bool = False
    ) -> list[Hit]:
        """The k nearest products (one hit a product, one product a variant group), by (distance, image id).

        Shorter than k only if fewer products match. `exact` compares all instead of asking the engine. Raises SpaceGone,
        EngineAway, and ValueError for a vector that is not of the space.
        """
        return self.search_many(space=space, queries=[SpaceQuery(vector=vector, filters=filters)], k=k, exact=exact)[0]

    def search_many(
        self, *, space: Space, queries: Sequence[SpaceQuery], k: int, exact: bool = False
    ) -> list[list[Hit]]:
        """One answer for each query, together in few round trips; each as `search` gives it."""
        for query in queries:
            _check_shape(space, query.vector)
        batch = _Batch(space, queries, self._routes(space, queries, k), k)
        few = [number for number, route in enumerate(batch.routes) if route.few]
        pages = self._compared("few", batch, few)
        rest = [number for number in range(len(queries)) if number not in pages]
        if not exact:
            pages |= self._proposed(batch, rest)
            missed = [number for number in rest if not pages[number].met]
            pages |= self._proposed(batch, missed, thorough=True)
            rest = [number for number in rest if self._is_lacking(pages[number], k)]
        pages |= self._compared("all", batch, rest)
        return [pages[number].hits for number in range(len(queries))]

    def nearest_photos(
        self, *, space: Space, vectors: Sequence[NDArray[np.float32]], count: int
    ) -> list[NDArray[np.int64]]:
        """For each vector the ids of about `count` nearest photos that the engine finds, those of hidden products too."""
        for vector in vectors:
            _check_shape(space, vector)
        queries = [NearestQuery(vector=vector, filters=None, depth=count) for vector in vectors]
        found = self._engine.nearest(space=space, queries=queries, k=count)
        return [np.array(one.image_ids, np.int64)[:count] for one in found]

    def _routes(self, space: Space, queries: Sequence[SpaceQuery], k: int) -> list[Route]:
        """How each query is answered; how many photos for each product earlier ones needed is slowly forgotten."""
        crowding = max(1.0, self._crowding.get(space.pk, 1.0) * 0.99)
        self._crowding[space.pk] = crowding
        given = settings.EXACT_BELOW_ROWS or None if self._exact_below is None else self._exact_below
        filters = [query.filters for query in queries]
        effort = self._engine.effort(space=space)
        return routes(space, filters, places=math.ceil(k * crowding), effort=effort, exact_below=given)

    def _is_lacking(self, page: Page, k: int) -> bool:
        """Whether what an engine proposed is not to be trusted to be the nearest, or to be all."""
        return not page.met or (self._completes and len(page.hits) < k)

    def _compared(self, path: compared.Path, batch: _Batch, numbers: Sequence[int]) -> dict[int, Page]:
        """Pages by comparing in Postgres all that passes; `few`: without the queries for which too many pass."""

        def ask(open_: Sequence[int], depths: Sequence[int]) -> list[Page | None]:
            queries = [batch.queries[number] for number in open_]
            bounds = [batch.routes[number].bound for number in open_]
            return compared.all_that_pass(batch.space, path, queries, k=batch.k, depths=depths, bounds=bounds)

        return self._widened(batch, ask, {number: batch.routes[number].compared for number in numbers})

    def _proposed(self, batch: _Batch, numbers: Sequence[int], *, thorough: bool = False) -> dict[int, Page]:
        """Pages of what the engine proposes, short where it has no more."""
        if not numbers:
            return {}

        def ask(open_: Sequence[int], depths: Sequence[int]) -> list[Page | None]:
            queries = [
                NearestQuery(
                    vector=batch.queries[number].vector,
                    filters=batch.queries[number].filters,
                    depth=depth,
                    share=batch.routes[number].share,
                    parts=batch.queries[number].parts,
                    own=batch.queries[number].own,
                    thorough=thorough,
                )
                for number, depth in zip(open_, depths, strict=True)
            ]
            found = self._engine.nearest(space=batch.space, queries=queries, k=batch.k)
            return compared.pages_of(batch.space, [batch.queries[number] for number in open_], found, k=batch.k)

        most = self._engine.effort(space=batch.space).most
        return self._widened(batch, ask, {number: batch.routes[number].depth for number in numbers}, most=most)

    def _widened(
        self,
        batch: _Batch,
        ask: Callable[[Sequence[int], Sequence[int]], list[Page | None]],
        depths: dict[int, int],
        *,
        most: float = math.inf,
    ) -> dict[int, Page]:
        """Ask, and ask again for more photos, until each page is full or no more are to be had.

        Pages are short where several candidates belong to one product, or an engine proposed some that do not pass.
        `depths`: photos asked for at first, by the number of the query; more than `most` are never asked for.
        """
        pages: dict[int, Page] = {}
        while depths:
            found = ask(list(depths), list(depths.values()))
            deeper: dict[int, int] = {}
            for (number, depth), page in zip(depths.items(), found, strict=True):
                if page is None:
                    continue
                pages[number] = page
                if len(page.hits) < batch.k and page.more:
                    places = max(1, len(page.hits))
                    self._learn(batch.space, depth / places)
                    deeper[number] = math.ceil(depth * max(2.0, 1.5 * batch.k / places))
            depths = {number: depth for number, depth in deeper.items() if depth <= most}
        return pages

    def _learn(self, space: Space, crowding: float) -> None:
        self._crowding[space.pk] = min(_MOST_CROWDING, max(self._crowding.get(space.pk, 1.0), crowding))


def _check_shape(space: Space, vector: NDArray[np.float32]) -> None:
    if vector.shape != (space.dimensions,):
        raise ValueError(f"a vector of shape {vector.shape} asked of {space.dimensions}-d space {space}")
