"""Which path answers a question: the planner's own choice is measurably wrong, so it is made here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from recommender.index import sql
from recommender.index.partitions import partition_name
from recommender.index.pgvector.options import space_parameters
from recommender.index.session import Question, ask
from recommender.index.types import Filters
from recommender.models import Space

# Candidates asked for beyond those needed, so that a few doubles do not cost a second scan. Behind a filter of share s each
# costs 1/s of what it costs without one, so there only what earlier questions needed is added (`places`).
SLACK = 4

# A candidate of the ANN index, joined with its product, costs as much as several photos compared one by one: to find d
# photos of which a share s passes, n photos in all, takes d/s candidates, or sn photos to compare, so both cost the same
# where sn ~ √(dn). At a million photos of 256-d, 12 µs a candidate, 2.4 a photo and 3.8 behind attributes were measured.
# In a smaller gallery a photo is likelier to be in the processor's caches, so the threshold grows a little slower than
# √n; how much slower was not measured but chosen by `bench search`: 2,700 photos of 100,000, 6,700 of a million.
_FEW, _GROWTH = 7.75, 0.4
# A candidate visits about eight nodes of the graph. Four times the candidates that chance asks for are looked at before
# those that pass are taken to stand elsewhere.
_VISITS, _PATIENCE = 8, 4
_LEAST_VISITS = 20_000


@dataclass(frozen=True)
class Route:
    """How a question is to be answered.

    `few`: by comparing all that pass, if they are no more products than `bound`; of what is compared, the nearest
    `compared` photos are grouped. `candidates`: photos asked of the ANN index. `visits`: nodes of its graph at most.
    """

    few: bool
    bound: int
    compared: int
    candidates: int
    visits: int


def routes(space: Space, filters: Sequence[Filters], *, places: int, exact_below: int | None) -> list[Route]:
    """The route of each question: where its filter narrows, by what is likely the cheaper path.

    `places`: photos needed, with those that share a product. `exact_below`: so many products that pass are compared in any
    case, if they turn out to be no more (0: never); None: as many as the gallery's size makes worth it.
    """
    chosen = space_parameters(space)
    oversample = chosen.oversample if space.index == "binary" else 1
    plain = Route(
        few=False,
        bound=0,
        compared=places + SLACK,
        candidates=(places + SLACK) * oversample,
        visits=chosen.max_scan_tuples,
    )
    found = [plain] * len(filters)
    narrow = [number for number, one in enumerate(filters) if one.narrows]
    if exact_below == 0 or not narrow:
        return found
    candidates = places * oversample
    photos, shares = estimates(space, [filters[number] for number in narrow])
    for number, share in zip(narrow, shares, strict=True):
        bound = exact_below or round(_FEW * math.sqrt(candidates) * photos**_GROWTH)
        visits = max(_LEAST_VISITS, _PATIENCE * _VISITS * candidates / share if share else math.inf)
        found[number] = replace(
            plain,
            few=exact_below is not None or share * photos <= bound,
            bound=bound,
            candidates=candidates,
            visits=int(min(plain.visits, visits)),
        )
    return found


def estimates(space: Space, filters: Sequence[Filters]) -> tuple[int, list[float]]:
    """About how many photos the space has, and which share of the products passes each of the filters.

    What a question excludes is a handful, and the questions of a batch differ in nothing else: each filter is sampled once.
    """
    shared = [one.narrowing for one in filters]
    different = [one for number, one in enumerate(shared) if one not in shared[:number]]
    asked: list[Question] = [sql.photos_estimated(partition_name(space)), *map(sql.share_estimated, different)]
    (photos,), *shares = ask((sql.EXACT_SETTINGS, {}), asked)
    return int(photos[0][0]["Plan"]["Plan Rows"]), [shares[different.index(one)][0][0] for one in shared]
