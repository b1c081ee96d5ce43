"""The vector index in Postgres: which path answers a question, and when an answer is complete."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import LiteralString

import numpy as np
from django.conf import settings
from django.db import connection
from numpy.typing import NDArray
from psycopg import sql as pg

from recommender.halfvec import HalfVector, cursor
from recommender.index import session, sql
from recommender.index.partitions import PARENT, partition_name
from recommender.index.pgvector.options import space_parameters
from recommender.index.routes import Route, routes
from recommender.index.session import Question, Row, ask
from recommender.index.types import Filters, Hit, VectorRow
from recommender.models import Space

_MOST_CANDIDATES = 20_000  # beyond that an exact scan costs no more than a wider one
_AT_ONCE = 100  # questions of a batch that go out together, in one transaction


@dataclass(frozen=True, kw_only=True)
class SpaceQuery:
    """One question of a batch. `vector`: float32 (dimensions of the space,)."""

    vector: NDArray[np.float32]
    filters: Filters


class PgvectorIndex:
    """VectorIndex on pgvector.

    Few products pass the filter, by a sample of the products: their photos are compared one by one. Else the ANN index
    is scanned iteratively, candidates are grouped by product and variant group, the scan is widened until the page is
    full or the index has no more; a page that is still short is answered exactly, so it is short only if fewer match.
    What the sample got wrong costs time only: `few` gives up where more pass than are few, the scan of the index where
    chance would have filled the page several times.
    To measure the ANN index by itself, `completes` is False: then nothing stands in for what it does not find.
    """

    def __init__(self, *, exact_below: int | None = None, completes: bool = True) -> None:
        self._exact_below = exact_below
        self._completes = completes
        self._photos_a_place: dict[int, float] = {}

    def upsert(self, *, space: Space, rows: Sequence[VectorRow]) -> int:
        """Store vectors, inside the caller's transaction or their own; how many were new.

        Skipped: photos that are gone, and those that have their vector. The photo's row is held until the transaction
        ends, so that a deletion or replacement waits and then removes the vector.
        """
        if not rows:
            return 0
        with connection.wrap_database_errors:
            return (
                cursor()
                .execute(
                    pg.SQL(
                        "INSERT INTO {} (image_id, space_id, product_id, vector)"
                        " SELECT held.id, %s, held.product_id, given.vector"
                        " FROM (SELECT i.id, i.product_id FROM catalog_productimage i WHERE i.id = ANY (%s)"
                        " ORDER BY i.id FOR SHARE) held"
                        " JOIN unnest(%s::bigint[], %b::halfvec[]) given (image_id, vector) ON given.image_id = held.id"
                        " ON CONFLICT DO NOTHING"
                    ).format(pg.Identifier(PARENT)),
                    (space.pk, *[[row.image_id for row in rows]] * 2, [HalfVector(row.vector) for row in rows]),
                )
                .rowcount
            )

    def delete(self, *, space: Space, image_ids: Sequence[int]) -> int:
        return len(
            _of_partition(space, "DELETE FROM {} WHERE image_id = ANY (%s) RETURNING image_id", [list(image_ids)])
        )

    def count(self, *, space: Space) -> int:
        return int(_of_partition(space, "SELECT count(*) FROM {}", [])[0][0])

    def vectors(self, *, space: Space, image_ids: Sequence[int]) -> Mapping[int, NDArray[np.float32]]:
        """The stored vectors of those photos that have one, float32 (dimensions of the space,)."""
        return dict(
            _of_partition(space, "SELECT image_id, vector FROM {} WHERE image_id = ANY (%s)", [list(image_ids)])
        )

    def nearest_photos(
        self, *, space: Space, vectors: Sequence[NDArray[np.float32]], count: int
    ) -> list[NDArray[np.int64]]:
        """For each vector the ids of about `count` nearest photos through the ANN index, hidden products' too."""
        path = "photo_bits" if space.index == "binary" else "photos"
        queries = [SpaceQuery(vector=vector, filters=Filters()) for vector in vectors]
        routes = self._routes(space, queries, count)
        return [
            np.array(rows, np.int64).reshape(-1)
            for rows in self._ask(space, path, queries, count, [count] * len(queries), routes)
        ]

    def search(
        self, *, space: Space, vector: NDArray[np.float32], filters: Filters, k: int, exact: bool = False
    ) -> list[Hit]:
        """The k nearest products by (distance, image id); see VectorIndex. Raises SpaceGone."""
        return self.search_many(space=space, queries=[SpaceQuery(vector=vector, filters=filters)], k=k, exact=exact)[0]

    def search_many(
        self, *, space: Space, queries: Sequence[SpaceQuery], k: int, exact: bool = False
    ) -> list[list[Hit]]:
        """One answer for each question, together in few round trips; each as `search` gives it."""
        answers: list[list[Hit] | None] = [None] * len(queries)
        routes = self._routes(space, queries, k)
        few = [number for number, route in enumerate(routes) if route.few]
        for path, numbers in (("few", few), ("exact" if exact else "ann", range(len(queries)))):
            left = [number for number in numbers if answers[number] is None]
            pages = self._scan(
                space, path, [queries[number] for number in left], k, [routes[number] for number in left]
            )
            for number, page in zip(left, pages, strict=True):
                answers[number] = page
        return [answer or [] for answer in answers]

    def _routes(self, space: Space, queries: Sequence[SpaceQuery], k: int) -> list[Route]:
        """How each question is answered; what earlier ones had to be widened by is remembered and slowly forgotten."""
        crowding = max(1.0, self._photos_a_place.get(space.pk, 1.0) * 0.99)
        self._photos_a_place[space.pk] = crowding
        given = settings.EXACT_BELOW_ROWS or None if self._exact_below is None else self._exact_below
        filters = [query.filters for query in queries]
        return routes(space, filters, places=math.ceil(k * crowding), exact_below=given)

    def _scan(
        self, space: Space, path: str, queries: Sequence[SpaceQuery], k: int, routes: Sequence[Route]
    ) -> list[list[Hit] | None]:
        """Answers on one path. `few`: None where too many pass. `ann`: a short page is answered exactly."""
        statement = {"few": "few", "exact": "all"}.get(path) or ("bits" if space.index == "binary" else "nearest")
        depths = [route.candidates if path == "ann" else route.compared for route in routes]
        asked = self._ask(space, statement, queries, k, depths, routes)
        answers: list[list[Hit] | None] = []
        for query, route, depth, rows in zip(queries, routes, depths, asked, strict=True):
            if rows and rows[0][0] is None:
                answers.append(None)
                continue
            found = self._widened(space, statement, query, k, depth, route, rows)
            if len(found) < k and path == "ann" and self._completes:
                answers += self._scan(space, "exact", [query], k, [route])
            else:
                answers.append(_hits(found))
        return answers

    def _widened(
        self, space: Space, statement: str, query: SpaceQuery, k: int, depth: int, route: Route, rows: list[Row]
    ) -> list[Row]:
        """Ask again, deeper, until the page is full or nothing is left; photos of one place were in each other's way.

        `depth` is what `rows` were asked with. The ANN index is left for the exact scan when that is no dearer.
        """
        while len(rows) < k and rows and rows[0][0] >= depth:  # as many photos were seen as were asked for
            crowding = depth / (len(rows) * (space_parameters(space).oversample if statement == "bits" else 1))
            self._photos_a_place[space.pk] = min(50.0, max(self._photos_a_place.get(space.pk, 1.0), crowding))
            depth = math.ceil(depth * max(2.0, 1.5 * k / len(rows)))
            if statement in ("nearest", "bits") and depth > _MOST_CANDIDATES:
                break
            rows = self._ask(space, statement, [query], k, [depth], [route])[0]
        return rows

    def _ask(
        self,
        space: Space,
        path: str,
        queries: Sequence[SpaceQuery],
        k: int,
        depths: Sequence[int],
        routes: Sequence[Route],
    ) -> list[list[Row]]:
        asked = [
            question(space, path, query, k=k, depth=depth, bound=route.bound)
            for query, depth, route in zip(queries, depths, routes, strict=True)
        ]
        answers: list[list[Row]] = []
        for start in range(0, len(asked), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            if path in ("nearest", "bits", "photos", "photo_bits"):
                visits = max(route.visits for route in routes[part])
                values = sql.settings_values(replace(space_parameters(space), max_scan_tuples=visits))
                answers += ask((sql.SETTINGS, values), asked[part])
            else:
                answers += ask((sql.EXACT_SETTINGS, {}), asked[part])
        return answers


def _of_partition(space: Space, text: LiteralString, values: Sequence[object]) -> list[Row]:
    """The rows of one statement about the space's partition (`{}`). Raises SpaceGone."""
    return session.rows(pg.SQL(text).format(pg.Identifier(partition_name(space))), values, binary=True)


def question(space: Space, path: str, query: SpaceQuery, *, k: int, depth: int, bound: int) -> Question:
    """The statement and values of one path; raises ValueError for a vector that is not of the space."""
    if query.vector.shape != (space.dimensions,):
        raise ValueError(f"a vector of shape {query.vector.shape} asked of {space.dimensions}-d space {space}")
    conditions, values = sql.conditions(query.filters)
    text = sql.statement(path, partition_name(space), space.dimensions, space.metric, conditions)
    return text, {**values, "vector": HalfVector(query.vector), "k": k, "depth": depth, "bound": bound}


def _hits(rows: Sequence[Row]) -> list[Hit]:
    return [Hit(image_id=image, product_id=product, distance=distance) for _, image, product, distance in rows]
