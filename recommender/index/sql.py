"""The statements of a search, in one place. Values are parameters, names are identifiers; nothing is pasted.

Every statement gives rows `(seen, image_id, product_id, distance)` in the order of the answer, one a product and variant
group, best photo first, ties by image id. `seen` is how many photos were looked at before grouping: fewer than asked
for (`depth`) means that there are no more. The statements read the partition of the space directly.
"""

from __future__ import annotations

from functools import lru_cache
from typing import LiteralString

from psycopg import sql

from catalog.filters.base import compose
from recommender.index.pgvector.options import OPERATORS, Parameters
from recommender.index.types import Filters

Values = dict[str, object]

# The first photo of each product and variant group among candidates (image_id, product_id, variant_group, distance).
_GROUPED = """
SELECT (SELECT count(*) FROM candidates) AS seen, image_id, product_id, distance FROM (
    SELECT DISTINCT ON (variant_group COLLATE "C", CASE WHEN variant_group = '' THEN product_id END)
        image_id, product_id, distance
    FROM candidates
    ORDER BY variant_group COLLATE "C", CASE WHEN variant_group = '' THEN product_id END, distance, image_id
) places
ORDER BY distance, image_id LIMIT %(k)s
"""

# Asks the ANN index: the planner is kept from sorting (settings below), so the index hands out photos nearest first and
# the join throws out what does not pass, until `depth` are found or the scan ends.
_NEAREST = """
WITH candidates AS MATERIALIZED (
    SELECT v.image_id, v.product_id, p.variant_group, {typed} {operator} %(vector)s AS distance
    FROM {partition} v JOIN catalog_product p ON p.id = v.product_id
    WHERE {conditions}
    ORDER BY {typed} {operator} %(vector)s LIMIT %(depth)s
)
"""

# Sign bits: the index orders by Hamming distance, the true distance ranks what it found.
_NEAREST_BITS = """
WITH candidates AS MATERIALIZED (
    SELECT v.image_id, v.product_id, p.variant_group, {typed} {operator} %(vector)s AS distance
    FROM {partition} v JOIN catalog_product p ON p.id = v.product_id
    WHERE {conditions}
    ORDER BY {bits} <~> {vector_bits} LIMIT %(depth)s
)
"""

# Few products pass: all their photos, in the array form; `+ 0` keeps the ANN index out of it. Who passes is counted no
# further than `bound`; when more do, no photo is read and `seen` of the only row is NULL. Where an indexed condition
# stands alone, counting reads its index only: those of catalog.models.Product hold what is read here.
_FEW = """
WITH passing AS MATERIALIZED (
    SELECT p.id, p.variant_group FROM catalog_product p WHERE {conditions} LIMIT %(bound)s + 1
), few AS MATERIALIZED (
    SELECT count(*) <= %(bound)s AS yes FROM passing
), found AS (
    SELECT v.image_id, v.product_id, ({typed} {operator} %(vector)s) + 0 AS distance
    FROM {partition} v
    WHERE v.product_id = ANY (ARRAY(SELECT id FROM passing)) AND (SELECT yes FROM few)
    ORDER BY distance, v.image_id LIMIT %(depth)s
), candidates AS MATERIALIZED (
    SELECT image_id, product_id, variant_group, distance FROM found JOIN passing ON passing.id = product_id
)
"""
_OR_TOO_MANY = """
SELECT NULL AS seen, NULL AS image_id, NULL AS product_id, NULL AS distance FROM few WHERE NOT yes
UNION ALL SELECT * FROM ({grouped}) answer ORDER BY distance, image_id
"""

# Exact over many rows: every photo that passes, by a plain join; `+ 0` keeps the ANN index out of it.
_ALL = """
WITH candidates AS MATERIALIZED (
    SELECT v.image_id, v.product_id, p.variant_group, ({typed} {operator} %(vector)s) + 0 AS distance
    FROM {partition} v JOIN catalog_product p ON p.id = v.product_id
    WHERE {conditions}
    ORDER BY distance, v.image_id LIMIT %(depth)s
)
"""

# Photos for their own sake, whoever sells them and whether shown or not: no grouping and no product's conditions.
_PHOTOS = "SELECT v.image_id FROM {partition} v ORDER BY {typed} {operator} %(vector)s LIMIT %(depth)s"
_PHOTOS_BITS = "SELECT v.image_id FROM {partition} v ORDER BY {bits} <~> {vector_bits} LIMIT %(depth)s"

# The planner's estimate, without reading a row; too high for vectors before the first ANALYZE.
_PHOTOS_ESTIMATED = "EXPLAIN (FORMAT JSON) SELECT FROM {partition}"
# Which share of the products passes: looked at on 64 pages, hundreds to a thousand products, the same ones each time, so
# that they are in memory. The planner's own statistics know nothing of how conditions go together, and little of attributes.
_SHARE_ESTIMATED = """
SELECT count(*) FILTER (WHERE {conditions})::float8 / greatest(1, count(*))
FROM catalog_product p
TABLESAMPLE SYSTEM (least(100, 64 * 100.0 / greatest(1, pg_relation_size('catalog_product') / current_setting('block_size')::int))) REPEATABLE (0)
"""

SETTINGS = """
SELECT set_config('hnsw.ef_search', %(ef_search)s, true), set_config('hnsw.iterative_scan', 'relaxed_order', true),
    set_config('hnsw.max_scan_tuples', %(max_scan_tuples)s, true), set_config('hnsw.scan_mem_multiplier', '8', true),
    set_config('ivfflat.probes', %(probes)s, true), set_config('ivfflat.iterative_scan', 'relaxed_order', true),
    set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),
    set_config('enable_sort', 'off', true), set_config('plan_cache_mode', 'force_generic_plan', true)
"""
# Who passes depends on the values (statistics), so it is planned for them; pages are in memory, so random ones cost little.
EXACT_SETTINGS = """
SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('random_page_cost', '1.1', true)
"""


def settings_values(chosen: Parameters) -> Values:
    return {
        "ef_search": str(chosen.ef_search),
        "max_scan_tuples": str(chosen.max_scan_tuples),
        "probes": str(max(1, chosen.probes)),
    }


def photos_estimated(partition: str) -> tuple[str, Values]:
    """The statement and values that estimate how many photos a partition holds."""
    return _photos_estimated(partition), {}


def share_estimated(filters: Filters) -> tuple[str, Values]:
    """The statement and values that estimate which share of the products passes."""
    texts, values = conditions(filters)
    return _share_estimated(texts), values


def conditions(filters: Filters) -> tuple[tuple[LiteralString, ...], Values]:
    """The texts of the conditions that apply, and their values under the names that `_all_of` gives them."""
    found = filters.conditions
    values = {_name(place, name): value for place, one in enumerate(found) for name, value in one.values.items()}
    return tuple(one.text for one in found), values


@lru_cache(maxsize=1024)
def statement(path: str, partition: str, dimensions: int, metric: str, conditions: tuple[LiteralString, ...]) -> str:
    """The text of one path for a partition and the conditions that apply.

    Paths of answers: `nearest`, `bits`, `few`, `all`. `photos`, `photo_bits`: rows `(image_id)` alone, no conditions.
    """
    typed = sql.SQL("v.vector::halfvec({})").format(sql.Literal(dimensions))
    parts: dict[str, sql.Composable] = {
        "typed": typed,
        "operator": sql.SQL(OPERATORS[metric]),
        "partition": sql.Identifier(partition),
        "conditions": _all_of(conditions),
        "bits": sql.SQL("binary_quantize({})::bit({})").format(typed, sql.Literal(dimensions)),
        "vector_bits": sql.SQL("binary_quantize(%(vector)s)::bit({})").format(sql.Literal(dimensions)),
    }
    if path in ("photos", "photo_bits"):
        return sql.SQL(_PHOTOS if path == "photos" else _PHOTOS_BITS).format(**parts).as_string()
    body = {"nearest": _NEAREST, "bits": _NEAREST_BITS, "few": _FEW, "all": _ALL}[path]
    grouped = sql.SQL(_OR_TOO_MANY).format(grouped=sql.SQL(_GROUPED)) if path == "few" else sql.SQL(_GROUPED)
    return (sql.SQL(body).format(**parts) + grouped).as_string()


@lru_cache(maxsize=1024)
def _photos_estimated(partition: str) -> str:
    return sql.SQL(_PHOTOS_ESTIMATED).format(partition=sql.Identifier(partition)).as_string()


@lru_cache(maxsize=1024)
def _share_estimated(conditions: tuple[LiteralString, ...]) -> str:
    return sql.SQL(_SHARE_ESTIMATED).format(conditions=_all_of(conditions)).as_string()


def _all_of(conditions: tuple[LiteralString, ...]) -> sql.Composable:
    """A published product (`p`) for which every one of the conditions holds."""
    composed = (
        compose(text, product="p", value=lambda name, place=place: sql.Placeholder(_name(place, name)))
        for place, text in enumerate(conditions)
    )
    return sql.SQL(" AND ").join([sql.SQL("p.published"), *composed])


def _name(place: int, name: str) -> str:
    """The values of different conditions may be called the same."""
    return f"{name}_{place}"
