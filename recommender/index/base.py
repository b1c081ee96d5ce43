"""The contract of a vector engine: the values it takes and gives, what it must do, and how it says that it is away.

Postgres keeps every vector (`ImageVector`, one partition a space) whatever the engine, and every product. It alone
decides what an answer shows: it filters, groups, measures and hides. An engine only *proposes* photos that are likely
near. It may propose too many (photos of hidden products, photos that are gone), never too few; the search asks it for
more while a page is short, and at last compares everything in Postgres. So exact searches, the vectors of a photo,
the explanation of a score and the search for duplicates need no engine.

Nobody writes to an engine directly. Vectors are written to Postgres (`recommender.index.stored`); an engine that keeps a
copy is told of them afterwards, and brought level when a space is built or activated (`recommender.index.feed`). It may
lag: what it was not told of yet is found late, and what is gone is not shown all the same.

An engine is a class in a folder of its own beside this file, and one line of `recommender.index.registry`. This one
keeps the vectors of all spaces in the memory of one process and compares a query with each of them:

    class InMemory(VectorIndex):
        keeps_copy = True

        def __init__(self) -> None:
            self._spaces: dict[int, dict[int, NDArray[np.float32]]] = {}

        def check(self, *, metric, index, dimensions, parameters) -> None:
            if metric != "ip":
                raise UnknownCombination(f"metric {metric!r}: this engine has ip alone")

        def effort(self, *, space) -> Effort:
            return Effort(oversampling=1, most=100_000)

        def create(self, *, space) -> None:
            self._spaces.setdefault(space.pk, {})

        def build(self, *, space) -> None:
            self.create(space=space)

        def ready(self, *, space) -> bool:
            return space.pk in self._spaces

        def drop(self, *, space) -> None:
            self._spaces.pop(space.pk, None)

        def sizes(self, *, space) -> Sizes:
            return Sizes(index_bytes=0, total_bytes=sum(row.nbytes for row in self._spaces[space.pk].values()))

        def sync(self, *, space, present, gone) -> None:
            self._spaces[space.pk].update((row.image_id, row.vector) for row in present)
            for image_id in gone:
                self._spaces[space.pk].pop(image_id, None)

        def ids(self, *, space, after, most) -> NDArray[np.int64]:
            return np.array(sorted(one for one in self._spaces[space.pk] if one > after)[:most], np.int64)

        def nearest(self, *, space, queries, k) -> list[Candidates]:
            held = self._spaces[space.pk]
            ranked = [sorted(held, key=lambda one: (-float(held[one] @ query.vector), one)) for query in queries]
            return [
                Candidates(image_ids=ids[: query.depth], more=len(ids) > query.depth)
                for query, ids in zip(queries, ranked)
            ]

`tests/recommender/index` holds the suites that every engine must pass.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from catalog.filters.chosen import Filters
from recommender.index.parts import Parts
from recommender.index.types import Hit, VectorRow
from recommender.models import Space


class EngineAway(RuntimeError):
    """An engine beside Postgres does not answer, in time or at all. The text names the engine and is shown to callers.

    The one error for that: an engine translates its client's own. (Where the engine is in Postgres itself, Postgres is
    away, which Django's database errors say already.)
    """


class UnknownCombination(ValueError):
    """A metric and an index that the engine does not have together, or parameters that the index does not take."""


@dataclass(frozen=True, kw_only=True)
class Effort:
    """What a query costs the engine, so that the search can weigh it against comparing rows in Postgres.

    `oversampling`: how many photos the engine compares for each one that it proposes. `most`: photos that it proposes for one
    query at the most; who needs more compares all in Postgres.
    """

    oversampling: int
    most: int


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Bytes. `index_bytes`: of what the engine keeps to find vectors. `total_bytes`: with the vectors, Postgres' own too."""

    index_bytes: int
    total_bytes: int


@dataclass(frozen=True, kw_only=True)
class NearestQuery:
    """One query to the engine.

    `vector`: float32 (dimensions of the space,), unit length. `filters`: what the product of a photo must fulfil; None:
    photos for their own sake, whoever sells them and whether they are shown or not. `depth`: how many photos *that pass* are
    wanted, at most `Effort.most`. `share`: which share of the products passes, estimated from a sample (0 to 1); None where
    the filters hardly narrow. An engine that cannot filter proposes about depth / share photos. `parts`: how Postgres will
    compute the scores; the nearest to `vector` have the highest, so an engine that only proposes needs no more than that.
    The more of `vector` lies in a part that has little of the stored vectors, the harder its neighbours are to find.
    `own`: the stored photo whose vector asks, if one does: see `Candidates.met`. `thorough`: asked again, because the engine did
    not come by that photo: it is to look as widely as it can.
    """

    vector: NDArray[np.float32]
    filters: Filters | None
    depth: int
    share: float | None = None
    parts: Parts | None = None
    own: int | None = None
    thorough: bool = False


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """What the engine proposes for one query.

    `image_ids`: photos, nearest first; some may not pass the filters, some may be gone. `more`: whether a deeper query
    could bring photos that are not among these. `hits`: where Postgres itself was the engine and has filtered,
    grouped and measured these photos in the same statement, the answer so far, best first; None: all that is still to do.
    `met`: False where the engine did not come by the photo that asks, `NearestQuery.own`, though none is nearer: then it looked
    in the wrong place, and the search asks again or compares all. An engine that cannot tell says True.
    """

    image_ids: Sequence[int]
    more: bool
    hits: Sequence[Hit] | None = None
    met: bool = True


class VectorIndex(ABC):
    """An engine that finds photos near a vector in each of several spaces.

    Every method may raise EngineAway. Methods that change something can be repeated, with the same result, and take up
    what an interruption left half-way. One instance serves all threads of a process.
    """

    # Whether the engine holds vectors of its own, which have to be brought level with those in Postgres
    # (recommender.index.feed). False: it reads the partition of the space, where they appear as they are written.
    keeps_copy: ClassVar[bool]

    @abstractmethod
    def check(self, *, metric: str, index: str, dimensions: int, parameters: Mapping[str, object]) -> None:
        """Raises UnknownCombination, naming what is wrong and what exists, for a space that the engine could not serve."""

    @abstractmethod
    def effort(self, *, space: Space) -> Effort:
        """What queries of this space cost. Asks nobody: it is called for every search."""

    @abstractmethod
    def create(self, *, space: Space) -> None:
        """A place for the vectors of a new, empty space. Called in the transaction that makes the space."""

    @abstractmethod
    def build(self, *, space: Space) -> None:
        """Make the index over the vectors that are there, unless it stands; afterwards the space is ready.

        May take hours, and stops no reader. Called outside a transaction, but for a space that is still empty.
        """

    @abstractmethod
    def ready(self, *, space: Space) -> bool:
        """Whether `nearest` is answered by a whole index. False for a space that is unknown."""

    @abstractmethod
    def drop(self, *, space: Space) -> None:
        """Forget the space and all that was kept for it. The partition in Postgres may be gone already."""

    @abstractmethod
    def sizes(self, *, space: Space) -> Sizes:
        """What the space takes; zeros where there is none."""

    @abstractmethod
    def sync(self, *, space: Space, present: Sequence[VectorRow], gone: Sequence[int]) -> None:
        """Take over what is (`present`) and what is not any more (`gone`, image ids), in any order and as often as told.

        A photo that is present and known already is replaced. An engine that filters by itself reads what it needs of the
        products from Postgres here, so it is told of a photo again when its product changed.
        """

    @abstractmethod
    def ids(self, *, space: Space, after: int, most: int) -> NDArray[np.int64]:
        """The ids of the photos it holds that are greater than `after`, ascending, the first `most` of them."""

    @abstractmethod
    def nearest(self, *, space: Space, queries: Sequence[NearestQuery], k: int) -> list[Candidates]:
        """Candidates for each query, all in as few round trips as can be. `k`: places of the page that is to be filled.

        The engine is approximate, so it may miss some photos that pass. To miss them for any other reason, such as a filter
        read wrongly, is a bug. Raises SpaceGone where the space was dropped.
        """
