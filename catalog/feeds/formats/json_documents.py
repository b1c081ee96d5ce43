"""JSON feeds of one document: a list of products, or an object that holds one somewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import ijson

from catalog.feeds.formats.json_events import CLOSES, OPENS, json_events
from catalog.feeds.formats.json_structure import find_objects
from catalog.feeds.formats.json_values import json_row
from catalog.feeds.formats.nesting import MAX_DEPTH
from catalog.feeds.formats.utf8 import Encoded
from catalog.feeds.rows import MAX_LINE, BadRow, FeedRow, Notices

_DEEPEST = 2 * MAX_DEPTH + 10  # levels that are built: more than any row may have, of which lists count as well


def read_json_document(source: Encoded, notices: Notices) -> Iterator[FeedRow | BadRow]:
    """The objects of the list that holds the products, one at a time. JSON that breaks off is a last BadRow."""
    with source.open(Notices()) as stream:
        prefix = find_objects(stream)
    name = prefix.removesuffix("item").strip(".").replace(".item.", ".")
    if name:
        notices.say(f"items are the objects in {name}")
    number = 0
    with source.open(notices) as stream:
        try:
            for number, item in enumerate(_objects(stream, prefix), 1):
                where = f"{name or 'item'} {number}"
                yield BadRow(number, item, where) if isinstance(item, str) else json_row(item, number, where)
        except ijson.JSONError as error:
            reason = " ".join(str(error).split())[:200]
            yield BadRow(
                number + 1, f"the JSON breaks off ({reason}); nothing after item {number} was read", cut_off=True
            )


def _objects(stream: BinaryIO, prefix: str) -> Iterator[dict[str, Any] | str]:
    """The objects at a prefix; a text that says why, for one that is too large."""
    builder: Any = None
    size = depth = 0
    for place, event, value in json_events(stream):
        if depth == 0:
            if event != "start_map" or place != prefix:
                continue
            builder, size = ijson.ObjectBuilder(), 0
        depth += (event in OPENS) - (event in CLOSES)
        size += 1 + (len(value) if isinstance(value, str) else 0)
        if size <= MAX_LINE and depth <= _DEEPEST:
            builder.event(event, value)
        elif depth > _DEEPEST:
            size = MAX_LINE + 1
        if depth == 0:
            yield builder.value if size <= MAX_LINE else f"larger than {MAX_LINE:,} characters, or nested too deep"
