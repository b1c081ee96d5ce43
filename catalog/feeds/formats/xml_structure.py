"""Finds which element of an XML feed is the item: the one that repeats and has fields, whatever its name."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import BinaryIO

from catalog.feeds.formats.xml_cutting import ALLOWED_TYPE
from catalog.feeds.formats.xml_tags import DocumentType, Tag, Tags
from catalog.feeds.rows import FeedError

_ITEMS = frozenset(
    (
        "item entry product offer row listing record article good shopitem "
        "artikel produkt produit producto prodotto produto"
    ).split()
)
_OTHERS = {"category", "currency", "image", "picture", "param", "variant", "option", "shipping", "review", "brand"}
_ID_FIELDS = {"id", "sku", "code", "g:id", "guid", "handle", "item_id", "product_id", "productid"}
_TITLE_FIELDS = {"title", "name", "productname", "product_name", "product"}
_SEARCHED = 1024 * 1024  # bytes in which the item is looked for; where none is likely, up to
_SEARCHED_AT_MOST = 64 * 1024 * 1024
_DEEPEST = 10
_MOST_PATHS = 5000
_SHOWN = 8
_ATTRIBUTE = re.compile(rb"([^\s=\"'/]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_GOOGLE = re.compile(rb"base\.google\.com/c?ns/1\.0", re.IGNORECASE)
_ATOM = re.compile(rb"www\.w3\.org/2005/Atom|purl\.org/atom", re.IGNORECASE)


@dataclass
class _Element:
    """All elements at one path: how many, and the names of what is in them."""

    path: tuple[str, ...]
    count: int = 0
    fields: set[str] = field(default_factory=set)

    def fitness(self) -> tuple[int, bool, int, int]:
        """The largest is the item."""
        return self._likeness(), self.count > 1, -len(self.path), self.count

    def _likeness(self) -> int:
        name = self.path[-1].lower()
        if len(self.fields) < 2 or name in _OTHERS:
            return 1 if name in _ITEMS and self.fields else 0
        lower = {one.lower() for one in self.fields}
        identified = bool(lower & _ID_FIELDS) + bool(lower & _TITLE_FIELDS)
        if name in _ITEMS:
            outer = self.path[-2].lower() if len(self.path) > 1 else ""
            return 5 if len(self.path) <= 2 or outer == "channel" or outer.startswith(name[:-1]) else 4
        if self.count > 1:
            return 2 + bool(identified)
        return 1 if identified == 2 else 0


@dataclass(frozen=True)
class Structure:
    """`root`, `item`: local names of the outermost element and of the items. `google`: prefixes of Google's namespace.

    `atom`, `yml`: the feed is one of those.
    """

    root: str
    item: str
    google: frozenset[str]
    atom: bool

    @property
    def yml(self) -> bool:
        return self.root == "yml_catalog" and self.item == "offer"


class _Survey:
    """Counts the elements by their path, until it is clear which is the item."""

    def __init__(self, stream: BinaryIO) -> None:
        self._tags = Tags(stream, ALLOWED_TYPE)
        self._open: list[str] = []
        self._enough = _SEARCHED
        self.elements: dict[tuple[str, ...], _Element] = {}
        self.google: set[str] = set()
        self.atom = False

    def run(self) -> None:
        while (tag := self._tags.next()) is not None:
            name = tag.local_name.decode("utf-8", "replace")
            if not tag.closes:
                self._start(tag, name)
            elif name in self._open:
                while self._open.pop() != name:
                    pass
            read = self._tags.forgotten + self._tags.position
            if read > self._enough:
                if read > _SEARCHED_AT_MOST or self._is_clear():
                    return
                self._enough += _SEARCHED

    def best(self) -> _Element | None:
        return max(self.elements.values(), key=_Element.fitness, default=None)

    def _is_clear(self) -> bool:
        best = self.best()
        return best is not None and best.fitness()[0] >= 5

    def _start(self, tag: Tag, name: str) -> None:
        attributes = _ATTRIBUTE.findall(tag.attributes) if b"=" in tag.attributes else []
        path = (*self._open, name)
        if len(path) <= _DEEPEST and len(self.elements) < _MOST_PATHS:
            element = self.elements.setdefault(path, _Element(path))
            element.count += 1
            for attribute, double, single in attributes:
                if attribute.startswith(b"xmlns"):
                    self._declare(attribute.partition(b":")[2].decode("utf-8", "replace"), double or single)
                elif b":" not in attribute:
                    element.fields.add(attribute.decode("utf-8", "replace"))
            if len(path) > 1 and (outer := self.elements.get(path[:-1])) is not None:
                outer.fields.add(name)
        if not tag.empty and len(self._open) < 2 * _DEEPEST:
            self._open.append(name)

    def _declare(self, prefix: str, namespace: bytes) -> None:
        if _GOOGLE.search(namespace):
            self.google.add(prefix)
        elif not prefix and _ATOM.search(namespace):
            self.atom = True


def find_items(stream: BinaryIO) -> Structure:
    """Raises FeedError, naming what the XML is, where it has no item."""
    survey = _Survey(stream)
    try:
        survey.run()
    except DocumentType:
        # Whoever cuts the items meets it again, and says that it is refused.
        return Structure("", "item", frozenset(), atom=False)
    if not survey.elements:
        raise FeedError("it begins like XML and has no element")
    root = next(iter(survey.elements))[0]
    best = survey.best()
    if best is None or best.fitness()[0] == 0:
        raise FeedError(_nothing_found(root, survey))
    return Structure(root, best.path[-1], frozenset(survey.google | {"g", "c"}), survey.atom or root == "feed")


def _nothing_found(root: str, survey: _Survey) -> str:
    names = list(dict.fromkeys(path[-1] for path in survey.elements if len(path) > 1))[:_SHOWN]
    inside = f" with {', '.join(f'<{name}>' for name in names)}" if names else ", which is empty"
    return f"XML without an item: <{root}>{inside}, and no element in it has the fields of a product"
