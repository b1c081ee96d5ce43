"""Rows that would be new products and have no title: each a problem, unless they are all that the feed has."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from catalog.feeds.columns import ProductRow
from catalog.feeds.rows import FeedError
from catalog.texts import printable

_HELD = 1000
_SHOWN = 30


@dataclass
class UntitledRows:
    """Holds such rows back until one row of the feed is taken. `tell` gets line, place and reason, and for how many rows it is."""

    tell: Callable[[int, str, str, int], None]
    _held: list[ProductRow] = field(default_factory=list)
    _more: int = 0
    _some_taken: bool = False

    def add(self, row: ProductRow) -> None:
        if self._some_taken:
            self._tell(row)
        elif len(self._held) < _HELD:
            self._held.append(row)
        else:
            self._more += 1

    def taken(self) -> None:
        """A row of the feed became a product, or was about one that is there."""
        if self._some_taken:
            return
        self._some_taken = True
        for row in self._held:
            self._tell(row)
        if self._more:
            last = self._held[-1]
            self.tell(
                last.line,
                f"after {last.place}",
                f"title: missing, in {self._more:,} more rows of ids that no product has",
                self._more,
            )
        self._held.clear()

    def end(self, columns: Iterable[str]) -> None:
        """To be called when the feed was read. Raises FeedError where it has such rows and nothing else that could be taken."""
        if not self._held:
            return
        names = [printable(name) for name in columns]
        shown = ", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")
        count = len(self._held) + self._more
        raise FeedError(
            f"nothing went in: no product has one of its {count:,} ids yet, new ones need a title, and no row has one; its columns"
            f" are {shown}; say which of them is the title in a mapping file, which --suggest-mapping writes"
        )

    def _tell(self, row: ProductRow) -> None:
        if any(problem.startswith("title: ") for problem in row.problems):
            return  # said already
        reason = f"title: missing; no product has the id {row.sku} yet, and a new one needs a title"
        self.tell(row.line, row.place, reason, 1)
