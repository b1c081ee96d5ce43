"""Finds where in a JSON document the products are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import BinaryIO

import ijson

from catalog.feeds.formats.json_events import json_events
from catalog.feeds.rows import FeedError

_LISTS = {"products", "items", "product", "item", "offers", "entries", "results", "edges", "nodes", "rows", "listings"}
_OTHER_LISTS = {"categories", "collections", "brands", "currencies", "vendors", "errors", "tags"}
_ID_KEYS = {"id", "sku", "handle", "code", "key", "slug", "node"}
_TITLE_KEYS = {"title", "name", "node"}
_JUDGED_OBJECTS = 100
_MAX_PATH = 200  # characters of a prefix, and names of a list's objects that are looked at
_SHOWN = 10


@dataclass
class _Objects:
    """The objects at one place of the document: the document itself, or the entries of one list."""

    prefix: str
    count: int = 0
    keys: set[str] = field(default_factory=set)

    @property
    def depth(self) -> int:
        """In how many lists they lie."""
        return self.prefix.split(".").count("item")

    def fitness(self) -> tuple[int, int, int, int]:
        """The largest is where the products are."""
        return self.likeness(), -self.depth, len(self.keys), self.count

    def likeness(self) -> int:
        """3: a list of that name whose objects have an id or a title; 0: nothing speaks for it."""
        lower = {key.lower() for key in self.keys}
        identified = bool(lower & _ID_KEYS) + bool(lower & _TITLE_KEYS)
        if not self.prefix:
            return 2 if identified == 2 and "node" not in lower else -1
        name = self.prefix.removesuffix("item").strip(".").rpartition(".")[2].lower()
        if name in _OTHER_LISTS:
            return 0
        return (2 if name in _LISTS or not name else 0) + bool(identified)


def find_objects(stream: BinaryIO) -> str:
    """The prefix, as ijson writes it, of the products. Raises FeedError where nothing in the document could be one."""
    found: dict[str, _Objects] = {}
    try:
        _collect(stream, found)
    except ijson.JSONError as error:
        if not found:
            raise FeedError(f"it begins like JSON and is none ({' '.join(str(error).split())[:200]})") from error
    best = max(found.values(), key=_Objects.fitness, default=None)
    if best is None:
        raise FeedError("JSON without a list of objects: one object a product is needed")
    if best.likeness() < 0:
        names = ", ".join(sorted(best.keys)[:_SHOWN]) or "no keys"
        raise FeedError(f"a JSON object with {names} and without a list of products")
    return best.prefix


def _collect(stream: BinaryIO, found: dict[str, _Objects]) -> None:
    """Look at the document's objects until a list is met that can only be that of the products."""
    for prefix, event, value in json_events(stream):
        if event == "start_map" and (prefix == "" or prefix == "item" or prefix.endswith(".item")):
            if len(prefix) <= _MAX_PATH and len(found) < _MAX_PATH:
                found.setdefault(prefix, _Objects(prefix)).count += 1
        elif event == "map_key":
            objects = found.get(prefix)
            if objects is not None and objects.count <= _JUDGED_OBJECTS and len(objects.keys) < _MAX_PATH:
                objects.keys.add(value)
        elif event == "end_map":
            if (objects := found.get(prefix)) is not None and objects.likeness() == 3 and objects.depth == 1:
                return
