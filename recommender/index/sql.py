"""The statements by which Postgres answers whatever the engine: compare all that passes, or what an engine proposed.

Values are parameters, names are identifiers; nothing is pasted. Every statement of answers gives rows
`(seen, image_id, product_id, distance)` in the order of the answer, one a product and variant group, best photo first,
ties by image id. `seen` is how many photos were compared before grouping: fewer than asked for (`depth`) means that
there are no more. Of a query with parts the rows end with the cosines `shape` and `colour`, and `distance` is 1 − score.
The statements read the partition of the space directly.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import LiteralString

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from catalog.filters.base import compose
from catalog.filters.chosen import Filters
from recommender.halfvec import HalfVector
from recommender.index.metrics import OPERATORS
from recommender.index.partitions import partition_name
from recommender.index.parts import SCORE_DIGITS, Parts
from recommender.index.session import Statement
from recommender.index.types import SpaceQuery
from recommender.models import Space

Values = dict[str, object]

# The first photo of each product and variant group among candidates (image_id, product_id, variant_group, distance).
_GROUPED = """
SELECT (SELECT count(*) FROM candidates) AS seen, image_id, product_id, distance{cosines} FROM (
    SELECT DISTINCT ON (variant_group COLLATE "C", CASE WHEN variant_group = '' THEN product_id END)
        image_id, product_id, distance{cosines}
    FROM candidates
    ORDER BY variant_group COLLATE "C", CASE WHEN variant_group = '' THEN product_id END, distance, image_id
) places
ORDER BY distance, image_id LIMIT %(k)s
"""

# Candidates of a query with parts, from those that are near (image_id, product_id, variant_group, vector): the cosine of each
# part, then the score, rounded to what an answer shows, so that nothing is ordered by what nobody sees.
_SCORED = """
, cosines AS MATERIALIZED (
    SELECT image_id, product_id, variant_group,
        round((1 - (subvector(vector, 1, {shape_size}) <=> %(shape)s::halfvec))::numeric, {digits})::float8 AS shape,
        round((1 - (subvector(vector, {shape_size} + 1, {colour_size}) <=> %(colour)s::halfvec))::numeric, {digits})::float8 AS colour
    FROM near
), candidates AS MATERIALIZED (
    SELECT image_id, product_id, variant_group, shape, colour, 1 - round(
        ((1 - %(weight)s::float8) * coalesce(shape, 0) + %(weight)s::float8 * coalesce(colour, 0))::numeric, {digits}
    )::float8 AS distance
    FROM cosines
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
    SELECT v.image_id, v.product_id, ({typed} {exactly} %(vector)s) + 0 AS distance{vector}
    FROM {partition} v
    WHERE v.product_id = ANY (ARRAY(SELECT id FROM passing)) AND (SELECT yes FROM few)
    ORDER BY distance, v.image_id LIMIT %(depth)s
), {found} AS MATERIALIZED (
    SELECT image_id, product_id, variant_group, distance{carried} FROM found JOIN passing ON passing.id = product_id
)
"""
_OR_TOO_MANY = """
SELECT NULL AS seen, NULL AS image_id, NULL AS product_id, NULL AS distance{no_cosines} FROM few WHERE NOT yes
UNION ALL SELECT * FROM ({grouped}) answer ORDER BY distance, image_id
"""

# Exact over many rows: every photo that passes, by a plain join; `+ 0` keeps the ANN index out of it.
_ALL = """
WITH {found} AS MATERIALIZED (
    SELECT v.image_id, v.product_id, p.variant_group, ({typed} {exactly} %(vector)s) + 0 AS distance{vector}
    FROM {partition} v JOIN catalog_product p ON p.id = v.product_id
    WHERE {conditions}
    ORDER BY distance, v.image_id LIMIT %(depth)s
)
"""

# Photos that an engine proposes, which filtered and measured nothing itself: those that are still there and pass.
_PROPOSED = """
WITH {found} AS MATERIALIZED (
    SELECT v.image_id, v.product_id, p.variant_group, ({typed} {exactly} %(vector)s) + 0 AS distance{vector}
    FROM unnest(%(images)s::bigint[]) proposed (image_id)
    JOIN {partition} v ON v.image_id = proposed.image_id JOIN catalog_product p ON p.id = v.product_id
    WHERE {conditions}
)
"""

# The planner's estimate, without reading a row; too high for vectors before the first ANALYZE.
_PHOTOS_ESTIMATED = "EXPLAIN (FORMAT JSON) SELECT FROM {partition}"
# Which share of the products passes: looked at on 64 pages, hundreds to a thousand products, the same ones each time, so
# that they are in memory. The planner's own statistics know nothing of how conditions go together, and little of attributes.
_SHARE_ESTIMATED = """
SELECT count(*) FILTER (WHERE {conditions})::float8 / greatest(1, count(*))
FROM catalog_product p
TABLESAMPLE SYSTEM (least(100, 64 * 100.0 / greatest(1, pg_relation_size('catalog_product') / current_setting('block_size')::int))) REPEATABLE (0)
"""

# Who passes depends on the values (statistics), so it is planned for them; pages are in memory, so random ones cost little.
EXACT_SETTINGS = """
SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('random_page_cost', '1.1', true)
"""


def photos_estimated(partition: str) -> Statement:
    """The statement and values that estimate how many photos a partition holds."""
    return _photos_estimated(partition), {}


def share_estimated(filters: Filters) -> Statement:
    """The statement and values that estimate which share of the products passes."""
    texts, values = conditions(filters)
    return _share_estimated(texts), values


def conditions(filters: Filters, *, few: bool = False) -> tuple[tuple[LiteralString, ...], Values]:
    """The texts of the conditions that apply, and their values under the names that `_all_of` gives them.

    `few`: for a statement that begins with the products that pass.
    """
    found = filters.conditions
    values = {_name(place, name): value for place, one in enumerate(found) for name, value in one.values.items()}
    return tuple((one.where_few if few else None) or one.text for one in found), values


@dataclass(frozen=True)
class Measure:
    """What distances are measured by: `dimensions` and `metric` of the space, and, of a query with parts, the size of each."""

    dimensions: int
    metric: str
    sizes: tuple[int, int] | None = None


def measure(space: Space, parts: Parts | None) -> tuple[Measure, Values]:
    """How a query is measured, and the values that the statement then takes beside its vector."""
    if parts is None:
        return Measure(space.dimensions, space.metric), {}
    sizes = (space.shape_dimensions, space.colour_dimensions)
    values: Values = {"shape": _halfvec(parts.shape), "colour": _halfvec(parts.colour), "weight": parts.weight}
    return Measure(space.dimensions, space.metric, sizes), values


def _halfvec(part: NDArray[np.float32] | None) -> HalfVector | None:
    return None if part is None else HalfVector(part)


def comparing(space: Space, path: str, query: SpaceQuery, **values: object) -> Statement:
    """The statement of one path: `few` (values k, depth, bound), `all` (k, depth) or `proposed` (k, images)."""
    texts, of_filters = conditions(query.filters, few=path == "few")
    measured, of_parts = measure(space, query.parts)
    text = _comparing(path, partition_name(space), measured, texts)
    return text, {**of_filters, **of_parts, "vector": HalfVector(query.vector), **values}


@lru_cache(maxsize=1024)
def _comparing(path: str, partition: str, measured: Measure, conditions: tuple[LiteralString, ...]) -> str:
    body = {"few": _FEW, "all": _ALL, "proposed": _PROPOSED}[path]
    composed = composition(partition, measured, conditions)
    answer = grouped(measured)
    if path == "few":
        nulls = sql.SQL(", NULL AS shape, NULL AS colour" if measured.sizes else "")
        head, tail = scored(measured), sql.SQL(_OR_TOO_MANY).format(grouped=answer, no_cosines=nulls)
        return (sql.SQL(body).format(**composed) + head + tail).as_string()
    return (sql.SQL(body).format(**composed) + scored(measured) + answer).as_string()


def scored(measured: Measure) -> sql.Composable:
    """What stands between a statement's candidates and their grouping: nothing, or the scores of a query with parts."""
    if measured.sizes is None:
        return sql.SQL("")
    shape, colour = map(sql.Literal, measured.sizes)
    return sql.SQL(_SCORED).format(shape_size=shape, colour_size=colour, digits=sql.Literal(SCORE_DIGITS))


def grouped(measured: Measure) -> sql.Composable:
    """The end of every statement of answers: candidates → one row a product and variant group."""
    return sql.SQL(_GROUPED).format(cosines=sql.SQL(", shape, colour" if measured.sizes else ""))


def composition(partition: str, measured: Measure, conditions: tuple[LiteralString, ...]) -> dict[str, sql.Composable]:
    """What the statements are composed of. `{typed} {operator} %(vector)s` is the distance by which an index is asked.

    `{exactly}`: the operator where all are compared. With parts it is the inner product, in which photos that are equally alike
    tie, whatever half precision did to the length of the other part. `{found}`: the candidates, or what is to be scored yet,
    which then carries `{vector}`. `{conditions}`: a published product that passes.
    """
    return {
        "typed": sql.SQL("v.vector::halfvec({})").format(sql.Literal(measured.dimensions)),
        "operator": sql.SQL(OPERATORS[measured.metric]),
        "exactly": sql.SQL(OPERATORS["ip" if measured.sizes else measured.metric]),
        "found": sql.SQL("near" if measured.sizes else "candidates"),
        "vector": sql.SQL(", v.vector" if measured.sizes else ""),
        "carried": sql.SQL(", vector" if measured.sizes else ""),
        "partition": sql.Identifier(partition),
        "conditions": _all_of(conditions),
    }


@lru_cache(maxsize=1024)
def _photos_estimated(partition: str) -> str:
    return sql.SQL(_PHOTOS_ESTIMATED).format(partition=sql.Identifier(partition)).as_string()


@lru_cache(maxsize=1024)
def _share_estimated(conditions: tuple[LiteralString, ...]) -> str:
    return sql.SQL(_SHARE_ESTIMATED).format(conditions=_all_of(conditions)).as_string()


def _all_of(conditions: tuple[LiteralString, ...]) -> sql.Composable:
    """A published product (`p`) for which every one of the conditions holds."""
    composed = (_composed(place, text) for place, text in enumerate(conditions))
    return sql.SQL(" AND ").join([sql.SQL("p.published"), *composed])


def _composed(place: int, text: LiteralString) -> sql.Composable:
    return compose(text, product="p", value=lambda name: sql.Placeholder(_name(place, name)))


def _name(place: int, name: str) -> str:
    """The values of different conditions may be called the same."""
    return f"{name}_{place}"
