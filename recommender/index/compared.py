"""What Postgres compares itself: all photos that pass, or those that an engine proposed. Needs no engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from recommender.index import sql
from recommender.index.base import Candidates
from recommender.index.session import Row, Statement, ask
from recommender.index.types import Hit, SpaceQuery
from recommender.models import Space

AT_ONCE = 100  # statements that go out together, in one transaction
Path = Literal["few", "all"]


@dataclass(frozen=True)
class Page:
    """The best products among the photos compared. `more`: whether there may be photos that pass and were not compared.

    `met`: False where an engine that proposed the photos did not come by the one that asks (`Candidates.met`).
    """

    hits: list[Hit]
    more: bool
    met: bool = True


def all_that_pass(
    space: Space,
    path: Path,
    queries: Sequence[SpaceQuery],
    *,
    k: int,
    depths: Sequence[int],
    bounds: Sequence[int],
) -> list[Page | None]:
    """The k nearest products of each query, of the `depths` nearest photos that pass, all of which are compared.

    `few`: by way of the products that pass; None where those are more than the query's bound. `all`: by way of the photos.
    """
    statements = [
        sql.comparing(space, path, query, k=k, depth=depth, bound=bound)
        for query, depth, bound in zip(queries, depths, bounds, strict=True)
    ]
    return [
        None if rows and rows[0][0] is None else page_of(rows, depth)
        for rows, depth in zip(_ask(statements), depths, strict=True)
    ]


def pages_of(space: Space, queries: Sequence[SpaceQuery], found: Sequence[Candidates], *, k: int) -> list[Page | None]:
    """The k nearest products of each query among what an engine proposed, filtered and measured here unless they were."""
    raw = [number for number, one in enumerate(found) if one.hits is None]
    statements = [
        sql.comparing(space, "proposed", queries[number], k=k, images=list(found[number].image_ids)) for number in raw
    ]
    pages: list[Page | None] = [Page(list(one.hits or ()), one.more, one.met) for one in found]
    for number, rows in zip(raw, _ask(statements), strict=True):
        pages[number] = Page(hits_of(rows), found[number].more, found[number].met)
    return pages


def page_of(rows: Sequence[Row], depth: int) -> Page:
    """The page of a statement's rows: as many photos seen as were asked for means that there may be more."""
    return Page(hits_of(rows), bool(rows) and rows[0][0] >= depth)


def hits_of(rows: Sequence[Row]) -> list[Hit]:
    """Hits of rows `(seen, image_id, product_id, distance)`, with the cosines of the parts behind them where there are any."""
    return [Hit(*row[1:]) for row in rows]


def _ask(statements: Sequence[Statement]) -> list[list[Row]]:
    return [
        rows
        for start in range(0, len(statements), AT_ONCE)
        for rows in ask((sql.EXACT_SETTINGS, {}), statements[start : start + AT_ONCE])
    ]
