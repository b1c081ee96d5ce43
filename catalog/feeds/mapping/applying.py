"""Brings the rows of a feed under the names of Google's product feed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice

from catalog.feeds.mapping.plain import plain
from catalog.feeds.mapping.recognising import recognised
from catalog.feeds.mapping.shop import Again
from catalog.feeds.rows import BadRow, FeedRow, Notices

JUDGED_ROWS = 100


def mapped(rows: Iterable[FeedRow | BadRow], again: Again, notices: Notices) -> Iterator[FeedRow | BadRow]:
    """The rows under our names. The first ones tell which shop system wrote the feed, and `notices` gets its name.

    `again` reads the feed once more, for shop systems that name what belongs together only later in the feed.
    """
    remaining = iter(rows)
    first = list(islice(remaining, JUDGED_ROWS))
    shop = recognised(dict.fromkeys(name for row in first if isinstance(row, FeedRow) for name in row.values))
    every: Iterator[FeedRow | BadRow] = chain(first, remaining)
    if shop is not None:
        notices.say(f"columns as {shop.name} exports them")
        if shop.map is not None:
            every = shop.map(every, again)
    return (plain(row) if isinstance(row, FeedRow) else row for row in every)
