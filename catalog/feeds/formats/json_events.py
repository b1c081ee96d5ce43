"""The events of a JSON document, as ijson gives them, bounded in memory whatever the document holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import ijson

from catalog.feeds.rows import MAX_LINE, FeedError

OPENS, CLOSES = frozenset({"start_map", "start_array"}), frozenset({"end_map", "end_array"})
_LONGEST = 4 * MAX_LINE  # bytes of one text
_DEEPEST = 500


class _Patient:
    """Refuses to read on when the parser asks for more and more without giving an event."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.waited = 0

    def read(self, size: int = -1) -> bytes:
        if self.waited > _LONGEST:
            raise FeedError(f"a single text of more than {_LONGEST:,} bytes; is a quote missing?")
        data = self._stream.read(size)
        self.waited += len(data)
        return data


def json_events(stream: BinaryIO) -> Iterator[tuple[str, str, Any]]:
    """Prefix, event and value, as of `ijson.parse`, whose time and memory grow with the square of a nest's depth.

    Raises ijson.JSONError, and FeedError where a text or a nest has no end.
    """
    patient = _Patient(stream)
    opened: list[str] = []  # the prefix of each open map and array
    places: list[str] = [""]  # where the next value stands, in the document and in each of them
    for event, value in ijson.basic_parse(patient, multiple_values=True):
        patient.waited = 0
        if event in OPENS:
            if len(opened) == _DEEPEST:
                raise FeedError(f"nested more than {_DEEPEST} deep")
            prefix = places[-1]
            opened.append(prefix)
            places.append(f"{prefix}.item" if prefix else "item")
        elif event in CLOSES:
            prefix = opened.pop()
            places.pop()
        elif event == "map_key":
            prefix = opened[-1]
            places[-1] = f"{prefix}.{value}" if prefix else value
        else:
            prefix = places[-1]
        yield prefix, event, value
