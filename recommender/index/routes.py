"""Whether a query compares all that passes in Postgres or asks the engine: Postgres' own choice is measurably wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from catalog.filters.chosen import Filters
from recommender.index import sql
from recommender.index.base import Effort
from recommender.index.partitions import partition_name
from recommender.index.session import Statement, ask
from recommender.models import Space

# Candidates asked for beyond those needed, so that a few doubles do not cost a second scan. Behind a filter of share s each
# costs 1/s of what it costs without one, so there only what earlier queries needed is added (`places`).
SLACK = 4

# A candidate of an ANN index (pgvector's was measured), joined with its product, costs as much as several photos compared
# one by one. Of n photos a share s passes: d of those are found among d/s candidates, or by comparing all sn photos that
# pass. Both cost the same where sn ~ √(dn). At a million photos of 256-d, 12 µs a candidate, 2.4 a photo and 3.8 behind attributes were measured.
# In a smaller gallery a photo is likelier to be in the processor's caches, so the threshold grows a little slower than
# √n; how much slower was not measured but chosen by `bench search`: 2,700 photos of 100,000, 6,700 of a million.
_FEW, _GROWTH = 7.75, 0.4


@dataclass(frozen=True)
class Route:
    """How a query is to be answered.

    `few`: by comparing all that pass, if they are no more products than `bound`; of what is compared, the nearest
    `compared` photos are grouped. `depth`: photos that pass, asked of the engine. `share`: which share of the products passes,
    None where the filter hardly narrows.
    """

    few: bool
    bound: int
    compared: int
    depth: int
    share: float | None


def routes(
    space: Space, filters: Sequence[Filters], *, places: int, effort: Effort, exact_below: int | None
) -> list[Route]:
    """The route of each query: where its filter narrows, by what is likely the cheaper path.

    `places`: photos needed, with those that share a product. `exact_below`: so many products that pass are compared in any
    case, if they turn out to be no more (0: never); None: as many as the gallery's size makes worth it.
    """
    wanted = places + SLACK
    plain = Route(few=False, bound=0, compared=wanted, depth=min(wanted, effort.most), share=None)
    found = [plain] * len(filters)
    narrow = [number for number, one in enumerate(filters) if one.narrows]
    if exact_below == 0 or not narrow:
        return found
    photos, shares = estimates(space, [filters[number] for number in narrow])
    bound = exact_below or round(_FEW * math.sqrt(places * effort.oversampling) * photos**_GROWTH)
    for number, share in zip(narrow, shares, strict=True):
        found[number] = replace(
            plain,
            few=exact_below is not None or share * photos <= bound,
            bound=bound,
            depth=min(places, effort.most),
            share=share,
        )
    return found


def estimates(space: Space, filters: Sequence[Filters]) -> tuple[int, list[float]]:
    """About how many photos the space has, and which share of the products passes each of the filters.

    What a query excludes is a handful, and the queries of a batch differ in nothing else: each filter is sampled once.
    """
    shared = [one.narrowing for one in filters]
    different = [one for number, one in enumerate(shared) if one not in shared[:number]]
    asked: list[Statement] = [sql.photos_estimated(partition_name(space)), *map(sql.share_estimated, different)]
    (photos,), *shares = ask((sql.EXACT_SETTINGS, {}), asked)
    return int(photos[0][0]["Plan"]["Plan Rows"]), [shares[different.index(one)][0][0] for one in shared]
