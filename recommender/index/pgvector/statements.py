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
# the join throws out what does not pass, until `depth` are found or the scan ends.
_NEAREST = """
WITH {found} AS MATERIALIZED (
    SELECT v.image_id, v.product_id, p.variant_group, {typed} {operator} %(vector)s AS distance{vector}
    FROM {partition} v JOIN catalog_product p ON p.id = v.product_id
    WHERE {conditions}
    ORDER BY {typed} {operator} %(vector)s LIMIT %(depth)s
)
"""

# Sign bits: the index orders by Hamming distance, the true distance ranks what it found.
_NEAREST_BITS = """
WITH {found} AS MATERIALIZED (
    SELECT v.image_id, v.product_id, p.variant_group, {typed} {operator} %(vector)s AS distance{vector}
    FROM {partition} v JOIN catalog_product p ON p.id = v.product_id
    WHERE {conditions}
    ORDER BY {bits} <~> {vector_bits} LIMIT %(depth)s
)
"""

# Photos for their own sake, whoever sells them and whether shown or not: no grouping and no product's conditions.
_PHOTOS = "SELECT v.image_id FROM {partition} v ORDER BY {typed} {operator} %(vector)s LIMIT %(depth)s"
_PHOTOS_BITS = "SELECT v.image_id FROM {partition} v ORDER BY {bits} <~> {vector_bits} LIMIT %(depth)s"

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
    """Answers by the index, from the `depth` nearest photos that pass; photos alone, ungrouped, for a query without filters."""
    texts, values = conditions(query.filters) if query.filters is not None else (None, {})
    measured, of_parts = measure(space, query.parts)
    text = _nearest(space.index, partition_name(space), measured, texts)
    return text, {**values, **of_parts, "vector": HalfVector(query.vector), "k": k, "depth": depth}


@lru_cache(maxsize=1024)
def _nearest(index: str, partition: str, measured: Measure, conditions: tuple[LiteralString, ...] | None) -> str:
    """`conditions`: as `conditions()` gives them; None: photos alone, whoever sells them."""
    composed = composition(partition, measured, conditions or ())
    size = sql.Literal(measured.dimensions)
    composed["bits"] = sql.SQL("binary_quantize({})::bit({})").format(composed["typed"], size)
    composed["vector_bits"] = sql.SQL("binary_quantize(%(vector)s)::bit({})").format(size)
    by_bits = index == "binary"
    if conditions is None:
        return sql.SQL(_PHOTOS_BITS if by_bits else _PHOTOS).format(**composed).as_string()
    body = sql.SQL(_NEAREST_BITS if by_bits else _NEAREST).format(**composed)
    return (body + scored(measured) + grouped(measured)).as_string()
