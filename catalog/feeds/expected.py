"""Refuses a feed whose columns cannot be those of products."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice

from catalog.feeds.names import column_key
from catalog.feeds.rows import BadRow, FeedError, FeedRow

_JUDGED_ROWS = 100
_NEEDED = {"id", "title"}
_SHOWN = 30


def noting_names(rows: Iterable[FeedRow | BadRow], names: dict[str, None]) -> Iterator[FeedRow | BadRow]:
    """The same rows; the names of the first ones' columns are noted in `names`."""
    remaining = iter(rows)
    for row in islice(remaining, _JUDGED_ROWS):
        if isinstance(row, FeedRow):
            names.update(dict.fromkeys(row.values))
        yield row
    yield from remaining


def with_known_columns(rows: Iterable[FeedRow | BadRow]) -> Iterator[FeedRow | BadRow]:
    """The same rows. Raises FeedError where the first ones name neither id nor title, with the names they have."""
    remaining = iter(rows)
    first = list(islice(remaining, _JUDGED_ROWS))
    names = dict.fromkeys(name for row in first if isinstance(row, FeedRow) for name in row.values)
    if names and not _NEEDED & {column_key(name) for name in names}:
        shown = ", ".join(list(names)[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")
        raise FeedError(f"its columns name neither id nor title: {shown}")
    return chain(first, remaining)
