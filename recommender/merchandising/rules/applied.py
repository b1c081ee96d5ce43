"""What the rules in force mean for one search: the values that ranking steps work with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from recommender.merchandising.rules.conditions import Hidden, PriceBand


@dataclass(frozen=True)
class MovedBy:
    """The rule that moved a result. `id`: None of a rule that is not kept yet, in a preview."""

    id: int | None
    kind: str


@dataclass(frozen=True)
class Target:
    """The products that a boost or bury is about, by one of these. `attribute`: its name and the value."""

    product_id: int | None = None
    brand: str = ""
    attribute: tuple[str, str] | None = None
    band: PriceBand | None = None


@dataclass(frozen=True)
class Emphasis:
    """A boost or a bury: scores of the target are multiplied by `factor`."""

    by: MovedBy
    factor: float
    target: Target


@dataclass(frozen=True)
class Pin:
    """A place that a rule asks for; 1 is the first."""

    by: MovedBy
    place: int


@dataclass(frozen=True, kw_only=True)
class RulesOfSearch:
    """Those of the rules in force that concern one search.

    `pins`: by product, in the order in which they choose among places that several ask for. `hidden`: what is never shown.
    `stock_first`: the rule that puts products in stock before the others, if there is one.
    """

    pins: Mapping[int, Pin]
    hidden: Hidden | None
    same_category: bool
    stock_only: bool
    stock_first: MovedBy | None
    emphases: tuple[Emphasis, ...]


NO_RULES = RulesOfSearch(pins={}, hidden=None, same_category=False, stock_only=False, stock_first=None, emphases=())
