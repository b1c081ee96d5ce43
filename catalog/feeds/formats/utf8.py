"""Gives a feed of any encoding as UTF-8 that is valid throughout, so that every reader knows one encoding only."""

from __future__ import annotations

import codecs
import io
import re
from dataclasses import dataclass
from typing import BinaryIO

from catalog.feeds.formats.encodings import MISREAD, judge, marked
from catalog.feeds.rows import Notices

_CHUNK = 64 * 1024
_START = 4096
_STRAY = re.compile("[\udc80-\udcff]")  # bytes that the decoder could not read, as `surrogateescape` keeps them
_REPLACED = re.compile("\ufffd")


class Utf8(io.RawIOBase):
    """A stream of valid UTF-8 without a mark. A byte that does not belong to the encoding is read alone, and noticed."""

    def __init__(self, file: BinaryIO, encoding: str, notices: Notices) -> None:
        self._file, self._encoding, self._notices = file, encoding, notices
        # The escape of stray bytes is for encodings that contain ASCII; the wide ones mark them with U+FFFD themselves.
        self._wide = encoding.startswith(("utf-16", "utf-32"))
        self._decoder = codecs.getincrementaldecoder(encoding)("replace" if self._wide else "surrogateescape")
        self._ready = memoryview(b"")
        self._line = 1
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        while not self._ready and not self._ended:
            self._ready = memoryview(self._next())
        count = min(len(self._ready), len(buffer))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _next(self) -> bytes:
        chunk = self._file.read(_CHUNK)
        self._ended = not chunk
        text = self._decoder.decode(chunk, self._ended)
        if not text.isascii():
            text = self._mended(text)
        self._line += text.count("\n")
        return text.encode("utf-8", "replace")

    def _mended(self, text: str) -> str:
        found = _REPLACED if self._wide else _STRAY
        if (stray := found.search(text)) is None:
            return text
        line = self._line + text.count("\n", 0, stray.start())
        if self._wide:
            self._notices.mended(f"characters that are not {self._encoding}, read as \ufffd", line)
            return text
        count = len(found.findall(text))
        name = MISREAD if self._encoding == "utf-8" else "\ufffd"
        self._notices.mended(f"bytes that are not {self._encoding}, read as {name}", line, count)
        return found.sub(self._read_alone, text)

    def _read_alone(self, stray: re.Match[str]) -> str:
        byte = stray[0].encode("ascii", "surrogateescape")
        return byte.decode(MISREAD, "replace") if self._encoding == "utf-8" else "\ufffd"


@dataclass(frozen=True)
class Encoded:
    """A seekable file, its encoding, and the length of its byte-order mark. It can be read several times, one at a time."""

    file: BinaryIO
    encoding: str
    mark: int

    @classmethod
    def judged(cls, file: BinaryIO, declared: str = "") -> Encoded:
        """`declared`: the encoding that the file itself names."""
        file.seek(0)
        encoding, mark = marked(file.read(_START))
        file.seek(0)
        return cls(file, encoding or judge(file, declared), mark)

    def open(self, notices: Notices) -> BinaryIO:
        """The file from its start, as UTF-8. What is not UTF-8 is noticed."""
        self.file.seek(self.mark)
        if self.encoding != "utf-8":
            notices.say(f"read as {self.encoding}")
        stream = io.BufferedReader(Utf8(self.file, self.encoding, notices), _CHUNK)
        while stream.peek(3)[:3] == codecs.BOM_UTF8:  # a second mark, of a feed pasted from several files
            stream.read(3)
        return stream
