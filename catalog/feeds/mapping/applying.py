"""Brings the rows of a feed under the names of Google's product feed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, islice

from catalog.feeds.mapping.files import Mapping
from catalog.feeds.mapping.plain import plain
from catalog.feeds.mapping.recognising import recognised
from catalog.feeds.mapping.ruled import missing_columns, ruled
from catalog.feeds.mapping.shop import Context
from catalog.feeds.rows import BadRow, FeedRow

JUDGED_ROWS = 100


def mapped(
    rows: Iterable[FeedRow | BadRow], context: Context, mapping: Mapping | None = None
) -> Iterator[FeedRow | BadRow]:
    """The rows under our names, by a mapping file, else as the shop system that wrote the feed names its columns.

    The first rows tell which system that is, which becomes a notice. A row that cannot be read keeps its id where `id` is our
    column, too. Raises MappingError where the file names columns that are not there.
    """
    remaining = iter(rows)
    first = list(islice(remaining, JUDGED_ROWS))
    good = [row for row in first if isinstance(row, FeedRow)]
    every: Iterator[FeedRow | BadRow] = chain(first, remaining)
    if mapping is not None:
        for text in missing_columns(mapping, good):
            context.notices.say(text.replace("the feed has", f"the first {len(good)} items have"))
        every = (ruled(row, mapping) if isinstance(row, FeedRow) else replace(row, id="") for row in every)
    elif (shop := recognised(dict.fromkeys(name for row in good for name in row.values))) is not None:
        context.notices.say(f"columns as {shop.name} exports them")
        if shop.map is not None:
            every = shop.map((row if isinstance(row, FeedRow) else replace(row, id="") for row in every), context)
    return (plain(row) if isinstance(row, FeedRow) else row for row in every)
