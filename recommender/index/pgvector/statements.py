"""The statements that ask pgvector's ANN index. Those of answers give the rows that `recommender.index.sql` describes."""

from __future__ import annotations

from functools import lru_cache
from typing import LiteralString

from psycopg import sql

from recommender.halfvec import HalfVector
from recommender.index.base import NearestQuery
from recommender.index.partitions import partition_name
from recommender.index.pgvector.options import Parameters
from recommender.index.session import Statement
from recommender.index.sql import Measure, composition, conditions, grouped, measure, scored
from recommender.models import Space

# Asks the ANN index: the planner is kept from sorting (settings below), so the index hands out photos nearest first and
# the join throws out what does not pass, until `depth` are found or the scan ends. `{order}` is what the index orders by: the
# distance, or that between sign bits, in which case the true distance ranks what was found.
_NEAREST = """
WITH {found} AS MATERIALIZED (
    SELECT v.image_id, v.product_id, p.variant_group, {typed} {operator} %(vector)s AS distance{vector}
    FROM {partition} v JOIN catalog_product p ON p.id = v.product_id
    WHERE {conditions}
    ORDER BY {order} LIMIT %(depth)s
)
"""

# The same, where a stored photo asks: the scan hands out that photo too, whatever the conditions say of it, in a row of its
# own without a variant group. It must not stand in the conditions as `OR`, which would keep the planner from joining them.
_NEAREST_AND_OWN = """
WITH handed_out AS MATERIALIZED (
    SELECT v.image_id, v.product_id, p.variant_group, {typed} {operator} %(vector)s AS distance{vector}
    FROM {partition} v CROSS JOIN LATERAL (
        SELECT p.variant_group FROM catalog_product p WHERE p.id = v.product_id AND {conditions}
        UNION ALL SELECT NULL WHERE v.image_id = %(own)s::bigint
    ) p
    ORDER BY {order} LIMIT %(depth)s + 1
), {found} AS MATERIALIZED (
    SELECT * FROM handed_out WHERE variant_group IS NOT NULL
)
"""

# Before the rows of the answer: whether the scan came by the photo that asks, or by one that is as near, for of many equal
# ones it need not hand out this one. A photo that has no vector (any more) cannot be met.
_AND_MET = """
SELECT met.yes, answer.* FROM ({grouped}) answer, (
    SELECT EXISTS (SELECT FROM handed_out WHERE variant_group IS NULL) OR coalesce((SELECT min(distance) FROM handed_out) <= (
        SELECT {typed} {operator} %(vector)s FROM {partition} v WHERE v.image_id = %(own)s::bigint
    ), true) AS yes
) met
ORDER BY answer.distance, answer.image_id
"""

# Compares all vectors before products are read: the nearest `scan` photos, of those the nearest `depth` that pass.
_SCANNING = """
WITH nearest AS MATERIALIZED (
    SELECT v.image_id, v.product_id, v.vector, ({typed} {exactly} %(vector)s) + 0 AS distance
    FROM {partition} v
    ORDER BY distance, v.image_id LIMIT %(scan)s
), {found} AS MATERIALIZED (
    SELECT v.image_id, v.product_id, p.variant_group, v.distance{vector}
    FROM nearest v JOIN catalog_product p ON p.id = v.product_id
    WHERE {conditions}
    ORDER BY v.distance, v.image_id LIMIT %(depth)s
)
"""

# Photos for their own sake, whoever sells them and whether shown or not: no grouping and no product's conditions.
_PHOTOS = "SELECT v.image_id FROM {partition} v ORDER BY {order} LIMIT %(depth)s"

_BY_DISTANCE = "{typed} {operator} %(vector)s"
_BY_BITS = "binary_quantize({typed})::bit({size}) <~> binary_quantize(%(vector)s)::bit({size})"

SETTINGS = """
SELECT set_config('hnsw.ef_search', %(ef_search)s, true), set_config('hnsw.iterative_scan', 'relaxed_order', true),
    set_config('hnsw.max_scan_tuples', %(max_scan_tuples)s, true), set_config('hnsw.scan_mem_multiplier', '8', true),
    set_config('ivfflat.probes', %(probes)s, true), set_config('ivfflat.iterative_scan', 'relaxed_order', true),
    set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),
    set_config('enable_sort', 'off', true), set_config('plan_cache_mode', 'force_generic_plan', true)
"""


def settings_of(chosen: Parameters) -> Statement:
    """Sets what the scan of an index is to be run with, until the transaction ends."""
    return SETTINGS, {
        "ef_search": str(chosen.ef_search),
        "max_scan_tuples": str(chosen.max_scan_tuples),
        "probes": str(max(1, chosen.probes)),
    }


def nearest(space: Space, query: NearestQuery, *, k: int, depth: int) -> Statement:
    """Answers by the index, from the `depth` nearest photos that pass; photos alone, ungrouped, for a query without filters.

    Where a stored photo asks, each row of an answer begins with whether the scan came by it.
    """
    texts, values = conditions(query.filters) if query.filters is not None else (None, {})
    measured, of_parts = measure(space, query.parts)
    if query.own is not None:
        values = {**values, "own": query.own}
    text = _nearest(space.index, partition_name(space), measured, texts, query.own is not None)
    return text, {**values, **of_parts, "vector": HalfVector(query.vector), "k": k, "depth": depth}


def scanning(space: Space, query: NearestQuery, *, k: int, depth: int, scan: int) -> Statement:
    """Answers without the index, from the `depth` nearest photos that pass among the `scan` nearest of all."""
    assert query.filters is not None
    texts, values = conditions(query.filters)
    measured, of_parts = measure(space, query.parts)
    text = _scanning(partition_name(space), measured, texts)
    vector = HalfVector(query.vector)
    return text, {**values, **of_parts, "vector": vector, "k": k, "depth": depth, "scan": scan}


@lru_cache(maxsize=1024)
def _scanning(partition: str, measured: Measure, conditions: tuple[LiteralString, ...]) -> str:
    body = sql.SQL(_SCANNING).format(**composition(partition, measured, conditions))
    return (body + scored(measured) + grouped(measured)).as_string()


@lru_cache(maxsize=1024)
def _nearest(
    index: str, partition: str, measured: Measure, conditions: tuple[LiteralString, ...] | None, asks_itself: bool
) -> str:
    """`conditions`: as `conditions()` gives them; None: photos alone, whoever sells them. `asks_itself`: a stored photo does."""
    composed = composition(partition, measured, conditions or ())
    composed["order"] = sql.SQL(_BY_BITS if index == "binary" else _BY_DISTANCE).format(
        **composed, size=sql.Literal(measured.dimensions)
    )
    if conditions is None:
        return sql.SQL(_PHOTOS).format(**composed).as_string()
    answer = grouped(measured)
    if not asks_itself:
        return (sql.SQL(_NEAREST).format(**composed) + scored(measured) + answer).as_string()
    head, tail = sql.SQL(_NEAREST_AND_OWN).format(**composed), sql.SQL(_AND_MET).format(**composed, grouped=answer)
    return (head + scored(measured) + tail).as_string()
