"""pgvector as the engine: an ANN index on each space's partition, scanned by the statement that filters and groups."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from recommender.index import stored
from recommender.index.base import Candidates, Effort, NearestQuery, Sizes, VectorIndex
from recommender.index.compared import AT_ONCE, hits_of
from recommender.index.partitions import table_bytes
from recommender.index.pgvector import ann_index, options, statements, unevenness
from recommender.index.pgvector.options import Parameters, space_parameters
from recommender.index.session import Row, ask
from recommender.index.types import VectorRow
from recommender.models import Space

_MOST_CANDIDATES = 20_000  # beyond that an exact scan costs no more than a wider one

# A candidate visits about eight nodes of the graph. Four times the candidates that chance asks for are looked at before
# those that pass are taken to stand elsewhere.
_VISITS, _PATIENCE = 8, 4
_LEAST_VISITS = 20_000


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
        chosen = space_parameters(space)
        found: list[Candidates] = []
        for start in range(0, len(queries), AT_ONCE):
            part = queries[start : start + AT_ONCE]
            depths = [query.depth * _oversample(space, chosen) for query in part]
            effort = max(unevenness.effort(space, query.vector) for query in part)
            more = replace(
                chosen,
                ef_search=min(options.MOST_EF_SEARCH, round(chosen.ef_search * effort)),
                max_scan_tuples=round(chosen.max_scan_tuples * effort),
            )
            settings = statements.settings_of(replace(more, max_scan_tuples=visits(more, part, depths)))
            asked = [
                statements.nearest(space, query, k=k, depth=depth) for query, depth in zip(part, depths, strict=True)
            ]
            found += map(_candidates, part, depths, ask(settings, asked))
        return found


def _oversample(space: Space, chosen: Parameters) -> int:
    """Sign bits order roughly, so more are looked at than are wanted."""
    return chosen.oversample if space.index == "binary" else 1


def visits(chosen: Parameters, queries: Sequence[NearestQuery], depths: Sequence[int]) -> int:
    """Nodes of the graph that a scan may visit before it gives up: as many as the query that needs most of them needs.

    `depths`: photos that each query wants of the index.
    """
    most = 0.0
    for query, depth in zip(queries, depths, strict=True):
        if not query.share:  # not known, or too small to be met in a sample
            return chosen.max_scan_tuples
        most = max(most, _LEAST_VISITS, _PATIENCE * _VISITS * depth / query.share)
    return math.floor(min(chosen.max_scan_tuples, most))


def _candidates(query: NearestQuery, depth: int, rows: list[Row]) -> Candidates:
    if query.filters is None:
        return Candidates(image_ids=[image for (image,) in rows], more=len(rows) >= depth)
    return Candidates(image_ids=[row[1] for row in rows], more=bool(rows) and rows[0][0] >= depth, hits=hits_of(rows))
