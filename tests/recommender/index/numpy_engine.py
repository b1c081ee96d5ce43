"""An engine in the memory of the test: keeps a copy of the vectors, compares a query with all of them, filters nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from recommender.halfvec import half_precision
from recommender.index import stored
from recommender.index.base import Candidates, Effort, EngineAway, NearestQuery, Sizes, UnknownCombination, VectorIndex
from recommender.index.partitions import table_bytes
from recommender.index.types import SpaceGone, VectorRow
from recommender.models import Space
from tests.recommender.search.gallery import distances_to

METRICS = ("cosine", "l2", "ip", "l1")


class NumpyIndex(VectorIndex):
    """`away`: every call that would have to reach a server raises EngineAway."""

    keeps_copy = True

    def __init__(self) -> None:
        self.away = False
        self._held: dict[int, dict[int, NDArray[np.float32]]] = {}
        self._built: set[int] = set()

    def check(self, *, metric: str, index: str, dimensions: int, parameters: Mapping[str, object]) -> None:
        if metric not in METRICS or index != "hnsw" or parameters:
            raise UnknownCombination(
                f"index {index!r} with {metric!r}: there is hnsw with {', '.join(METRICS)}, no parameters"
            )

    def effort(self, *, space: Space) -> Effort:
        return Effort(oversampling=1, most=100_000)

    def create(self, *, space: Space) -> None:
        self._reach()
        self._held.setdefault(space.pk, {})

    def build(self, *, space: Space) -> None:
        self.create(space=space)
        self._built.add(space.pk)

    def ready(self, *, space: Space) -> bool:
        self._reach()
        return space.pk in self._built

    def drop(self, *, space: Space) -> None:
        self._reach()
        self._held.pop(space.pk, None)
        self._built.discard(space.pk)

    def sizes(self, *, space: Space) -> Sizes:
        self._reach()
        own = sum(vector.nbytes for vector in self._held.get(space.pk, {}).values())
        return Sizes(index_bytes=own, total_bytes=own + table_bytes(space))

    def sync(self, *, space: Space, present: Sequence[VectorRow], gone: Sequence[int]) -> None:
        held = self._of(space)
        held.update((row.image_id, half_precision(row.vector)) for row in present)
        for image_id in gone:
            held.pop(image_id, None)

    def ids(self, *, space: Space, after: int, most: int) -> NDArray[np.int64]:
        return np.array(sorted(one for one in self._of(space) if one > after)[:most], np.int64)

    def nearest(self, *, space: Space, queries: Sequence[NearestQuery], k: int) -> list[Candidates]:
        held = self._of(space)
        ids = np.array(sorted(held), np.int64)
        rows = np.stack([held[one] for one in ids.tolist()]) if held else np.zeros((0, space.dimensions), np.float32)
        return [self._nearest(space.metric, ids, rows, query) for query in queries]

    def _nearest(
        self, metric: str, ids: NDArray[np.int64], rows: NDArray[np.float32], query: NearestQuery
    ) -> Candidates:
        count = len(ids) if query.share == 0 else math.ceil(query.depth / (query.share or 1.0))
        order = np.argsort(distances_to(metric, rows, query.vector), kind="stable")
        return Candidates(image_ids=ids[order[:count]].tolist(), more=count < len(ids))

    def _of(self, space: Space) -> dict[int, NDArray[np.float32]]:
        self._reach()
        if space.pk not in self._held:
            raise SpaceGone(f"space {space.name} is not known here")
        return self._held[space.pk]

    def _reach(self) -> None:
        if self.away:
            raise EngineAway("the NumPy engine does not answer")


class SilentIndex(NumpyIndex):
    """Knows everything and proposes nothing, which no suite may let pass."""

    def nearest(self, *, space: Space, queries: Sequence[NearestQuery], k: int) -> list[Candidates]:
        return [Candidates(image_ids=[], more=False) for _ in queries]


def everything_stored(space: Space) -> list[VectorRow]:
    """What Postgres keeps of a small space, for an engine to be told of."""
    ids = stored.ids_of(space=space, after=0, most=1_000_000)
    return stored.rows_of(space=space, image_ids=ids.tolist())
