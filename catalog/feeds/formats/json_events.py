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
    """Prefix, event and value. Raises ijson.JSONError, and FeedError where a text or a nest has no end."""
    patient = _Patient(stream)
    depth = 0
    for prefix, event, value in ijson.parse(patient, multiple_values=True):
        patient.waited = 0
        depth += (event in OPENS) - (event in CLOSES)
        if depth > _DEEPEST:
            raise FeedError(f"nested more than {_DEEPEST} deep")
        yield prefix, event, value
