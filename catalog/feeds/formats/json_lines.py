"""JSON Lines feeds: one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TextIO

from catalog.feeds.formats.json_values import json_row
from catalog.feeds.formats.lines import Lines, LineTooLong
from catalog.feeds.rows import MAX_LINE, BadRow, FeedRow, Number

# Numbers as they are written: a price has two decimals, an article number more digits than a float.
# Tabs and line ends inside a text are taken as they stand.
_DECODER = json.JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=str, strict=False)


def read_json_lines(stream: TextIO) -> Iterator[FeedRow | BadRow]:
    """The objects of a feed; a line that is none costs itself alone."""
    lines = Lines(stream)
    while True:
        number = lines.begin()
        try:
            text = next(lines).strip()
        except StopIteration:
            return
        except LineTooLong:
            yield BadRow(number, f"a line of more than {MAX_LINE:,} characters")
            continue
        if text:
            yield _row(text, number)


def _row(text: str, number: int) -> FeedRow | BadRow:
    try:
        return json_row(_DECODER.decode(text), number)
    except (ValueError, RecursionError) as error:
        return BadRow(number, f"not JSON ({error})")
