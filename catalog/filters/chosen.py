"""All the filters of one search together: what a product must fulfil to be answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from catalog.filters.base import Condition, Filter
from catalog.filters.entries.exclude import Excluded

F = TypeVar("F", bound=Filter)


@dataclass(frozen=True)
class Filters:
    """Filters that must all hold, at most one of a kind. Empty means: anything published. Comparable and hashable."""

    chosen: tuple[Filter, ...] = ()

    @property
    def narrows(self) -> bool:
        """Whether it is worth estimating how many products pass."""
        return any(one.narrows for one in self.chosen)

    @property
    def narrowing(self) -> Filters:
        """Only those that narrow: searches of one batch have these in common, while each excludes its own product."""
        return Filters(tuple(one for one in self.chosen if one.narrows))

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Which products pass: those for which all of them hold."""
        return tuple(condition for one in self.chosen for condition in one.conditions)

    @property
    def named(self) -> Mapping[str, str]:
        """What the answer's `query` says about the filters."""
        return {name: value for one in self.chosen for name, value in one.named.items()}

    def get(self, kind: type[F]) -> F | None:
        """The filter of a kind, if one was chosen."""
        return next((one for one in self.chosen if isinstance(one, kind)), None)

    def having(self, new: Filter) -> Filters:
        """With this filter, instead of the one of its kind."""
        return Filters((*(one for one in self.chosen if type(one) is not type(new)), new))

    def without(self, kind: type[Filter]) -> Filters:
        """Without the filter of a kind."""
        return Filters(tuple(one for one in self.chosen if not isinstance(one, kind)))

    def excluding(self, *, products: Sequence[int] = (), groups: Sequence[str] = ()) -> Filters:
        """Never with these products or variant groups either; the empty name is no group."""
        before = self.get(Excluded) or Excluded()
        after = Excluded(
            products=(*before.products, *products), groups=(*before.groups, *(group for group in groups if group))
        )
        return self if after == before else self.having(after)
