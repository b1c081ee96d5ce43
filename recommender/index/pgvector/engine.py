"""pgvector as the engine: an ANN index on each space's partition, scanned by the statement that filters and groups."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from recommender.index import sql, stored
from recommender.index.base import Candidates, Effort, NearestQuery, Sizes, VectorIndex
from recommender.index.compared import AT_ONCE, hits_of
from recommender.index.partitions import partition_name, table_bytes
from recommender.index.pgvector import ann_index, options, statements
from recommender.index.pgvector.effort import effort_of
from recommender.index.pgvector.options import Parameters, space_parameters
from recommender.index.session import Row, ask
from recommender.index.types import VectorRow
from recommender.models import Space

_MOST_CANDIDATES = 20_000  # beyond that an exact scan costs no more than a wider one

# A candidate visits about eight nodes of the graph. Four times the candidates that chance asks for are looked at before
# those that pass are taken to stand elsewhere.
_VISITS, _PATIENCE = 8, 4
_LEAST_VISITS = 20_000

# Comparing all vectors takes about .25 s a million, and finds all. An index that looks at a thousand candidates takes a tenth of
# that and may miss half; it is asked all the same where there are more vectors than this.
MOST_SCANNED = 2_000_000
_SPARE = 2  # of all photos the nearest so many times those needed, should some not pass


class PgvectorIndex(VectorIndex):
    """VectorIndex on pgvector. The index is scanned iteratively, nearest first, and the join throws out what does not pass.

    Vectors are in the index as soon as they are in the partition, so there is nothing to create, to drop or to synchronise:
    the partition is made and dropped by whoever makes and drops the space.
    """

    keeps_copy = False

    def check(self, *, metric: str, index: str, dimensions: int, parameters: Mapping[str, object]) -> None:
        options.check(metric=metric, index=index, dimensions=dimensions, parameters=parameters)

    def effort(self, *, space: Space) -> Effort:
        oversample = _oversample(space, space_parameters(space))
        return Effort(oversampling=oversample, most=_MOST_CANDIDATES // oversample)

    def create(self, *, space: Space) -> None:
        """The partition is the place."""

    def build(self, *, space: Space) -> None:
        ann_index.build_index(space)

    def ready(self, *, space: Space) -> bool:
        return ann_index.index_is_valid(space)

    def drop(self, *, space: Space) -> None:
        ann_index.drop_index(space)

    def sizes(self, *, space: Space) -> Sizes:
        return Sizes(index_bytes=ann_index.index_bytes(space), total_bytes=table_bytes(space))

    def sync(self, *, space: Space, present: Sequence[VectorRow], gone: Sequence[int]) -> None:
        """The index follows the partition."""

    def ids(self, *, space: Space, after: int, most: int) -> NDArray[np.int64]:
        return stored.ids_of(space=space, after=after, most=most)

    def nearest(self, *, space: Space, queries: Sequence[NearestQuery], k: int) -> list[Candidates]:
        found: list[Candidates] = []
        for start in range(0, len(queries), AT_ONCE):
            part = queries[start : start + AT_ONCE]
            effort = max(_effort(space, query) for query in part)
            if _scanned(space, part, effort):
                found += _by_scan(space, part, k=k)
            else:
                found += _by_index(space, part, k=k, effort=effort)
        return found


def _effort(space: Space, query: NearestQuery) -> float:
    """By what factor more candidates it needs: without a bound where it is to be thorough."""
    return math.inf if query.thorough else effort_of(space, query.vector)


def _by_index(space: Space, queries: Sequence[NearestQuery], *, k: int, effort: float) -> list[Candidates]:
    effort = min(effort, float(options.MOST_EF_SEARCH))  # more than pgvector takes, whatever the parameters
    chosen = wider(space_parameters(space), effort)
    queries = [replace(query, own=None) if _lies_aside(space, query) else query for query in queries]
    depths = [query.depth * _oversample(space, chosen) for query in queries]
    settings = statements.settings_of(replace(chosen, max_scan_tuples=visits(chosen, queries, depths, effort)))
    asked = [statements.nearest(space, query, k=k, depth=depth) for query, depth in zip(queries, depths, strict=True)]
    return list(map(_candidates, queries, depths, ask(settings, asked)))


def _scanned(space: Space, queries: Sequence[NearestQuery], effort: float) -> bool:
    """Whether all vectors are compared: where the index would need more candidates than pgvector takes, if they are not too many."""
    if Parameters().ef_search * effort <= options.MOST_EF_SEARCH or any(query.filters is None for query in queries):
        return False
    (((plan,),),) = ask((sql.EXACT_SETTINGS, {}), [sql.photos_estimated(partition_name(space))])
    return int(plan[0]["Plan"]["Plan Rows"]) <= MOST_SCANNED


def _lies_aside(space: Space, query: NearestQuery) -> bool:
    """Whether the index cannot look as widely as the query's weight of colour needs, so that it may miss any photo, its own too."""
    return Parameters().ef_search * effort_of(space, query.vector) > options.MOST_EF_SEARCH


def _by_scan(space: Space, queries: Sequence[NearestQuery], *, k: int) -> list[Candidates]:
    """Candidates out of the nearest of all photos; a filter of share s finds `depth` of them among depth / s."""
    asked = []
    for query in queries:
        share = 1.0 if query.share is None else max(query.share, 1 / _MOST_CANDIDATES)
        scan = min(_MOST_CANDIDATES, math.ceil(_SPARE * query.depth / share))
        asked.append(statements.scanning(space, query, k=k, depth=query.depth, scan=scan))
    queries = [replace(query, own=None) for query in queries]  # all were compared, so there is nothing to tell
    return list(map(_candidates, queries, [query.depth for query in queries], ask((sql.EXACT_SETTINGS, {}), asked)))


def wider(chosen: Parameters, effort: float) -> Parameters:
    """The parameters of a search that needs so many times the candidates."""
    return replace(
        chosen,
        ef_search=min(options.MOST_EF_SEARCH, round(chosen.ef_search * effort)),
        probes=min(options.MOST_PROBES, round(chosen.probes * effort)),
    )


def _oversample(space: Space, chosen: Parameters) -> int:
    """Sign bits order roughly, so more are looked at than are wanted."""
    return chosen.oversample if space.index == "binary" else 1


def visits(chosen: Parameters, queries: Sequence[NearestQuery], depths: Sequence[int], effort: float = 1.0) -> int:
    """Nodes of the graph that a scan may visit before it gives up: as many as the query that needs most of them needs.

    `depths`: photos that each query wants of the index. `effort`: how many times more it visits for each.
    """
    most = 0.0
    for query, depth in zip(queries, depths, strict=True):
        if not query.share:  # not known, or too small to be met in a sample
            most = chosen.max_scan_tuples
            break
        most = max(most, _LEAST_VISITS, _PATIENCE * _VISITS * depth / query.share)
    return min(options.MOST_SCAN_TUPLES, math.floor(effort * min(chosen.max_scan_tuples, most)))


def _candidates(query: NearestQuery, depth: int, rows: list[Row]) -> Candidates:
    if query.filters is None:
        return Candidates(image_ids=[image for (image,) in rows], more=len(rows) >= depth)
    met = True
    if query.own is not None and rows:  # an empty answer is compared exactly anyway
        met, rows = rows[0][0], [row[1:] for row in rows]
    return Candidates(
        image_ids=[row[1] for row in rows], more=bool(rows) and rows[0][0] >= depth, hits=hits_of(rows), met=met
    )
