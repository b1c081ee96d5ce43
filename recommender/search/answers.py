"""The result of a search: an answer, or a reason why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from recommender.models import Space
from recommender.search.query_products import Status
from recommender.search.ranking.base import Candidate


class NoActiveSpace(RuntimeError):
    """There is no space to search in yet."""


class EncoderChanged(RuntimeError):
    """The active space was switched to another encoder's: encode the photo again."""


class QueryCancelsOut(ValueError):
    """Likes and dislikes leave no direction to search in."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """`query`: what was asked for, as the API repeats it. `found`: the products, best first. `exact`: every photo was compared.

    `confidence_basis`: by what confidences are calibrated ("labels", "percentile"); None where nothing is fitted, or nothing of
    `found` has one.
    `fallback` is "category" when the page was filled from the query's category. `reason` (in a word) and `detail` (in
    words) say why a query has no vector and never will.
    """

    status: Status
    space: Space
    exact: bool
    query: dict[str, object]
    found: Sequence[Candidate] = ()
    fallback: str | None = None
    confidence_basis: str | None = None
    reason: str = ""
    detail: str = ""
