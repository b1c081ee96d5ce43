"""Cuts the items out of a stream of XML, each as the bytes of one element, however broken its neighbours are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

from catalog.feeds.formats.xml_tags import MAX_KEPT, DocumentType, Tag, Tags
from catalog.feeds.rows import MAX_LINE

# Yandex's own DTD, which nearly every YML names and nobody needs: nothing is read from it.
ALLOWED_TYPE = re.compile(rb"<!DOCTYPE\s+yml_catalog\s+SYSTEM\s+[\"']shops\.dtd[\"']\s*>")
MAX_DEPTH = 60
_MAX_NESTED = 16  # items inside an item; more were never closed


@dataclass(frozen=True)
class Cut:
    """An item's bytes, from its start tag to its end tag; or, with a `reason`, none and why it cannot be read.

    `cut_off`: because the feed ends before its time.
    """

    line: int
    data: bytes
    reason: str = ""
    cut_off: bool = False


class Cutter:
    """Iterates over the items of a name. `opened`: how many start tags of items there were, each of which gives one Cut.

    `until`: the name of an element before which the reading ends.
    """

    def __init__(self, stream: BinaryIO, name: bytes, until: bytes = b"") -> None:
        self._tags = Tags(stream, ALLOWED_TYPE)
        self._name, self._until = name, until
        self._outer: list[bytes] = []  # names of the elements that are open around the items
        self._inner: list[bytes] | None = None  # of those that are open inside the open item; None: no item is open
        self._line = 0  # of the open item
        self._nested: int | None = None  # where the first item inside the item begins, counted from the item's start
        self._nested_count = 0
        # How many elements were open around an item that was given up and whose end may follow.
        self._abandoned: int | None = None
        self.opened = 0

    def __iter__(self) -> Iterator[Cut]:
        try:
            yield from self._cuts()
            while self._inner is not None:
                yield replace(self._give_up("the feed ends inside this item: it was cut off"), cut_off=True)
                yield from self._cuts()
        except DocumentType as found:
            yield Cut(
                found.line,
                b"",
                f"a DTD or an entity in the XML is refused ({_shown(found.text)}); leave it out",
                cut_off=True,
            )
            return
        if self._outer and self._abandoned is None:
            line = self._tags.line(len(self._tags.buffer))
            yield Cut(line, b"", f"the XML ends before </{_shown(self._outer[0])}>: the feed was cut off", cut_off=True)

    def _cuts(self) -> Iterator[Cut]:
        while (tag := self._tags.next()) is not None:
            if self._inner is None:
                if tag.name == self._until:
                    return
                cut = self._outside(tag)
            elif (start := self._tags.keep) is None or tag.end - start > MAX_KEPT or len(self._inner) > MAX_DEPTH:
                cut = self._give_up(f"an item of more than {MAX_LINE:,} characters, or of more than {MAX_DEPTH} levels")
                self._tags.position = tag.start if start is None else self._tags.position
            else:
                cut = self._inside(tag, start, self._inner)
            if cut is not None:
                yield cut

    def _outside(self, tag: Tag) -> Cut | None:
        name = tag.local_name
        if name == self._name:
            return self._stray_end(tag) if tag.closes else self._open(tag)
        if not tag.closes:
            if not tag.empty and len(self._outer) < MAX_DEPTH:
                self._outer.append(name)
        elif name in self._outer:
            del self._outer[_last(self._outer, name) :]
            if self._abandoned is not None:
                self._abandoned = min(self._abandoned, len(self._outer))
        return None

    def _open(self, tag: Tag) -> Cut | None:
        self._forget_abandoned()
        self.opened += 1
        self._line = self._tags.line(tag.start)
        if tag.empty:
            return Cut(self._line, self._tags.buffer[tag.start : tag.end])
        if (data := self._tags.plain_element(tag)) is not None:
            return Cut(self._line, data)
        self._tags.keep, self._inner = tag.start, []
        self._nested, self._nested_count = None, 0
        return None

    def _stray_end(self, tag: Tag) -> Cut | None:
        if self._abandoned is not None:
            self._forget_abandoned()
            return None
        reason = f"an item ends here that begins nowhere: its <{_shown(tag.name)}> cannot be read"
        return Cut(self._tags.line(tag.start), b"", reason)

    def _inside(self, tag: Tag, start: int, inner: list[bytes]) -> Cut | None:
        name = tag.local_name
        if not tag.closes:
            if name == self._name:
                self._nested = tag.start - start if self._nested is None else self._nested
                self._nested_count += 1
                if not inner or self._nested_count > _MAX_NESTED:
                    return self._give_up(f"<{_shown(name)}> is not closed before the next one")
            if not tag.empty:
                inner.append(name)
        elif name == self._name and name not in inner:
            self._tags.keep = self._inner = None
            return Cut(self._line, self._tags.buffer[start : tag.end])
        elif inner and inner[-1] == name:
            inner.pop()
        elif name in inner:
            del inner[_last(inner, name) :]
        elif name in self._outer:
            cut = self._give_up(f"<{_shown(self._name)}> is not closed before </{_shown(name)}>")
            self._tags.position = tag.start if self._nested is None else self._tags.position
            return cut
        return None

    def _give_up(self, reason: str) -> Cut:
        """The open item costs itself alone: reading goes on at the first item inside it, if any."""
        if self._nested is not None and self._tags.keep is not None:
            self._tags.position = self._tags.keep + self._nested
        self._abandoned = len(self._outer)
        self._tags.keep = self._inner = None
        return Cut(self._line, b"", reason)

    def _forget_abandoned(self) -> None:
        """Nothing that an abandoned item has opened is still open around the next one."""
        if self._abandoned is not None:
            del self._outer[self._abandoned :]
            self._abandoned = None


def _last(names: list[bytes], name: bytes) -> int:
    return len(names) - 1 - names[::-1].index(name)


def _shown(text: bytes) -> str:
    return text[:60].decode("utf-8", "replace")
