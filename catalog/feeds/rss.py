"""RSS 2.0 feeds with Google's `g:` namespace, read as a stream: no tree is built, entities and DTDs are refused."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any, BinaryIO
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from catalog.feeds.rows import MAX_LINE, BadRow, FeedRow

_CHUNK = 64 * 1024
_GOOGLE = "{http://base.google.com/ns/1.0}"
_IGNORED = {"pubDate", "guid"}  # of RSS itself; `guid` serves where there is no id
_MAX_DEPTH = 4


class _Items:
    """The parser's target: collects the elements of an item, keeps nothing else."""

    def __init__(self) -> None:
        self.found: deque[FeedRow | BadRow] = deque()
        self.parser: Any = None
        self._path: list[str] = []  # names of the open elements inside the open item
        self._text: list[str] = []
        self._size = 0
        self._line = 0
        self._inside = False
        self._values: dict[str, list[str]] = {}

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if self._inside:
            self._path.append(_name(tag))
            self._text = []
        elif tag == "item":
            self._inside, self._values, self._size, self._path = True, {}, 0, []
            self._line = self.parser.parser.CurrentLineNumber

    def data(self, text: str) -> None:
        if self._inside:
            self._size += len(text)
            if self._size <= MAX_LINE:
                self._text.append(text)

    def end(self, tag: str) -> None:
        if not self._inside:
            return
        if self._path:
            text = "".join(self._text).strip()
            self._text = []
            if text and all(self._path) and len(self._path) <= _MAX_DEPTH:
                self._add(".".join(self._path), text, google=tag.startswith(_GOOGLE))
            self._path.pop()
            return
        self._inside = False
        if self._size > MAX_LINE:
            self.found.append(BadRow(self._line, f"an item of more than {MAX_LINE:,} characters"))
            return
        values = self._values
        guid = values.get("guid")
        if guid and not values.get("g:id") and not values.get("id"):
            values["id"] = guid
        plain = {name: given for name, given in values.items() if not name.startswith("g:") and name not in _IGNORED}
        google = {name.removeprefix("g:"): given for name, given in values.items() if name.startswith("g:")}
        self.found.append(FeedRow(self._line, plain | google, complete=True))

    def close(self) -> None:
        """Called by the parser at the end of the document."""

    def _add(self, name: str, text: str, *, google: bool) -> None:
        self._values.setdefault(f"g:{name}" if google else name, []).append(text)


def read_rss(stream: BinaryIO) -> Iterator[FeedRow | BadRow]:
    """The items of a feed. XML that is not well formed ends the reading with a BadRow that says where."""
    items = _Items()
    parser: Any = DefusedXMLParser(target=items, forbid_dtd=True)
    items.parser = parser
    try:
        while chunk := stream.read(_CHUNK):
            parser.feed(chunk)
            yield from _taken(items.found)
        parser.close()
    except ParseError as error:
        yield from _taken(items.found)
        reason = f"the XML is not well formed ({error}); nothing after this line was read"
        yield BadRow(error.position[0], reason)
    except DefusedXmlException as error:
        yield from _taken(items.found)
        line = parser.parser.CurrentLineNumber
        yield BadRow(line, f"a DTD or an entity in the XML is refused ({type(error).__name__}); leave it out")
    except (ValueError, LookupError) as error:
        yield BadRow(1, f"the encoding that the XML names cannot be read ({error}); save it as UTF-8")


def _taken(found: deque[FeedRow | BadRow]) -> Iterator[FeedRow | BadRow]:
    while found:
        yield found.popleft()


def _name(tag: str) -> str:
    """Local name of RSS's own and Google's elements; empty for those of other namespaces, which are left out."""
    if tag.startswith(_GOOGLE):
        return tag.removeprefix(_GOOGLE)
    return "" if tag.startswith("{") else tag
