"""A shop large enough for Postgres to plan for, the plans that it makes, and the routes that are chosen for filters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from django.db import connection

from catalog.filters.chosen import Filters
from recommender.index import routes, sql, stored
from recommender.index.base import NearestQuery
from recommender.index.partitions import partition_name
from recommender.index.pgvector import statements
from recommender.index.pgvector.options import Parameters
from recommender.index.registry import vector_index
from recommender.index.session import ask
from recommender.index.types import SpaceQuery
from recommender.models import Space
from tests.recommender.search.gallery import Shop, make_space, random_units


def filled(index: str = "hnsw", count: int = 1000) -> Shop:
    without_dead_rows()
    shop = Shop(make_space(dimensions=64, index=index, index_now=False))
    vectors = random_units(count, 64)
    colours = ("red", "blue")
    shop.add_many(
        [
            (
                vectors[i : i + 1],
                {"price": i, "brand": "Aalto" if i % 3 else "Brisk", "attributes": {"colour": colours[i % 2], "n": i}},
            )
            for i in range(count)
        ]
    )
    vector_index().build(space=shop.space)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE catalog_product")
        cursor.execute(f"ANALYZE {partition_name(shop.space)}")
    return shop


def without_dead_rows() -> None:
    """What other tests rolled back still fills pages; a sample of pages would meet it."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE catalog_product CASCADE")


def plan(
    space: Space, path: str, filters: Filters, *, bound: int = 3000, own: int | None = None
) -> list[dict[str, Any]]:
    """Every node of the plan that the path runs with: `ann`, or a path of `sql.comparing`. `own`: the photo that asks the index."""
    vector = np.ones(space.dimensions, np.float32)
    if path == "ann":
        query = NearestQuery(vector=vector, filters=filters, depth=20, own=own)
        settings, (text, values) = (
            statements.settings_of(Parameters()),
            statements.nearest(space, query, k=12, depth=20),
        )
    else:
        images = list(stored.ids_of(space=space, after=0, most=5).tolist())
        asked = SpaceQuery(vector=vector, filters=filters)
        settings = (sql.EXACT_SETTINGS, {})
        text, values = sql.comparing(space, path, asked, k=12, depth=20, bound=bound, images=images)
    rows = ask(settings, [("EXPLAIN (ANALYZE, FORMAT JSON) " + text, values)])[0]
    return list(nodes(rows[0][0][0]["Plan"]))


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from nodes(child)


def scans(found: list[dict[str, Any]], relation: str) -> list[dict[str, Any]]:
    return [node for node in found if node.get("Relation Name") == relation]


def routes_of(shop: Shop, *filters: Filters, exact_below: int | None = None, k: int = 12) -> list[routes.Route]:
    effort = vector_index().effort(space=shop.space)
    return routes.routes(shop.space, filters, places=k, effort=effort, exact_below=exact_below)
