"""Finds tags in a stream of XML without asking it to be well formed: comments, CDATA and quoted attributes are passed over."""

from __future__ import annotations

import re
from typing import BinaryIO

from catalog.feeds.rows import MAX_LINE

CHUNK = 64 * 1024
MAX_KEPT = 4 * MAX_LINE  # bytes that are kept: as many characters as a row may have, of whatever script
MAX_SECTION = MAX_LINE  # bytes of a comment or a CDATA section in which its end is looked for before more is read

# A tag: [1] "/" of an end tag, [2] the name with its prefix, [3] attributes, whose values may hold ">" and never "<".
# [4]: the start of a section that ends with a text of its own.
_TOKEN = re.compile(
    rb"<(?:(/?)([A-Za-z_:\x80-\xff][^\s<>/=\"']*+)((?:[^<>\"']++|\"[^\"<]*+\"|'[^'<]*+')*+)>"
    rb"|(!--|!\[CDATA\[|\?|!DOCTYPE))"
)
_ENDS = {b"!--": b"-->", b"![CDATA[": b"]]>", b"?": b"?>"}
_UNFINISHED = 64 * 1024  # bytes that a tag may have; a "<" that is none of a tag is text


class Tag:
    """A start tag, an end tag or an element without content, at bytes `start` to `end` of the buffer."""

    __slots__ = ("attributes", "closes", "empty", "end", "name", "start")

    def __init__(self, found: re.Match[bytes]) -> None:
        self.start, self.end = found.span()
        self.closes = found[1] == b"/"
        self.name: bytes = found[2]
        self.attributes: bytes = found[3]
        self.empty = self.attributes.endswith(b"/")

    @property
    def local_name(self) -> bytes:
        """Without its prefix."""
        return self.name.rpartition(b":")[2]


class DocumentType(Exception):
    """A DOCTYPE, with its text as far as it can be seen."""

    def __init__(self, text: bytes, line: int) -> None:
        super().__init__(text)
        self.text, self.line = text, line


class Tags:
    """Reads tags one by one. The caller sets `keep` to where what it still needs begins in `buffer`, else to None.

    Whenever the buffer is read on, what stands before is forgotten: positions in it, `keep` too, become less by as much as
    `forgotten` grows. Once more than MAX_KEPT bytes are to be kept, they are given up, and `keep` becomes None. `allowed_type`: a
    DOCTYPE that is passed over; any other is refused.
    """

    def __init__(self, stream: BinaryIO, allowed_type: re.Pattern[bytes]) -> None:
        self._stream, self._allowed_type = stream, allowed_type
        self.buffer = b""
        self.position = 0
        self.keep: int | None = None
        self.forgotten = 0
        self._ended = False
        self._counted, self._line = 0, 1

    def line(self, position: int) -> int:
        """The number of the line at a position of the buffer."""
        if position < self._counted:
            return self._line - self.buffer.count(b"\n", position, self._counted)
        self._line += self.buffer.count(b"\n", self._counted, position)
        self._counted = position
        return self._line

    def next(self) -> Tag | None:
        """The next tag, or None at the end. Raises DocumentType."""
        while True:
            found = _TOKEN.search(self.buffer, self.position)
            if found is None:
                if not self._more_for_a_tag():
                    return None
            elif found[2] is not None:
                self.position = found.end()
                return Tag(found)
            else:
                self._pass_section(found)

    def plain_element(self, tag: Tag) -> bytes | None:
        """The element that a start tag begins, and go on behind it, where its end can be told at a glance.

        That is: its end tag is in the buffer, no element of its name begins before, and no comment or open CDATA section
        may hide either. Otherwise None, and the tags inside have to be looked at one by one.
        """
        end_tag = b"</" + tag.name + b">"
        end = self.buffer.find(end_tag, tag.end)
        if end < 0:
            return None
        data = self.buffer[tag.start : end + len(end_tag)]
        if data.find(b"<" + tag.name, 1) >= 0 or b"<!--" in data or data.count(b"<![CDATA[") != data.count(b"]]>"):
            return None
        self.position = end + len(end_tag)
        return data

    def _more_for_a_tag(self) -> bool:
        """Read on, keeping a tag that has begun; one that has no end in sight is text."""
        last = self.buffer.rfind(b"<", self.position)
        if last < 0:
            self.position = len(self.buffer)
        elif len(self.buffer) - last > _UNFINISHED:
            self.position = last + 1
            return True
        else:
            self.position = max(self.position, last)
        return self.read()

    def read(self) -> bool:
        """Read on and forget what is not needed any more; False at the end of the file."""
        chunk = self._stream.read(CHUNK)
        if self.keep is not None and len(self.buffer) - self.keep > MAX_KEPT:
            self.keep = None
        cut = self.position if self.keep is None else min(self.keep, self.position)
        self.line(cut)  # counts what is forgotten
        self._counted -= cut
        self.buffer = self.buffer[cut:] + chunk
        self.position -= cut
        self.forgotten += cut
        if self.keep is not None:
            self.keep -= cut
        return bool(chunk)

    def _pass_section(self, found: re.Match[bytes]) -> None:
        """To the end of a section, or behind its opening where it has no end and so is text.

        A section in which another one opens was never closed itself: the end in sight is that of the other one.
        """
        opening, terminator = found[0], _ENDS.get(found[4], b"")
        self.position = found.start()
        if not terminator:
            self._pass_document_type()
            return
        begin = self.forgotten + found.end()
        while True:
            inside = begin - self.forgotten
            end = self.buffer.find(terminator, inside)
            if end >= 0:
                nested = self.buffer.find(opening, inside, end) >= 0
                self.position = inside if nested and opening != b"<?" else end + len(terminator)
                return
            if len(self.buffer) - inside > MAX_SECTION:
                self.position = inside
                if self.keep is None:
                    self._pass_to(terminator)
                return
            if not self.read():
                self.position = begin - self.forgotten
                return

    def _pass_to(self, terminator: bytes) -> None:
        """Behind the end of a section that is longer than may be kept."""
        while (end := self.buffer.find(terminator, self.position)) < 0:
            self.position = max(self.position, len(self.buffer) - len(terminator) + 1)
            if not self.read():
                self.position = len(self.buffer)
                return
        self.position = end + len(terminator)

    def _pass_document_type(self) -> None:
        while b">" not in self.buffer[self.position :] and len(self.buffer) - self.position < CHUNK and self.read():
            pass
        allowed = self._allowed_type.match(self.buffer, self.position)
        if allowed is None:
            raise DocumentType(self.buffer[self.position : self.position + 200], self.line(self.position))
        self.position = allowed.end()
