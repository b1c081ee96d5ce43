"""XML feeds: items of any name, cut from the stream and parsed one by one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError, XMLParser

from catalog.feeds.formats.nesting import Values
from catalog.feeds.formats.utf8 import Encoded
from catalog.feeds.formats.xml_cutting import Cut, Cutter
from catalog.feeds.formats.xml_mending import mended
from catalog.feeds.formats.xml_structure import Structure, find_items
from catalog.feeds.formats.xml_values import Names, item_values
from catalog.feeds.formats.yml import Categories, offer_values, read_categories
from catalog.feeds.rows import MAX_LINE, BadRow, FeedRow, Notices

_STANDARD = {("rss", "item"), ("RDF", "item"), ("feed", "entry")}
_PREFIX = re.compile(rb"[<\s/]([A-Za-z_][\w.-]*+):")
_DECLARATION = re.compile(rb"\sxmlns(?::[\w.-]+)?\s*=\s*(?:\"[^\"]*\"|'[^']*')")
_FOREIGN_CHARACTERS = re.compile(r"[^\x00-\x7f]")


def read_xml(source: Encoded, notices: Notices) -> Iterator[FeedRow | BadRow]:
    """The items of a feed. Whatever is broken in one costs it alone; raises FeedError where there is none."""
    with source.open(Notices()) as stream:
        structure = find_items(stream)
    if structure.root and (structure.root, structure.item) not in _STANDARD:
        notices.say(f"items are <{structure.item}>")
    categories: Categories = {}
    if structure.yml:
        with source.open(Notices()) as stream:
            categories = read_categories(stream)
    reader = _ItemReader(structure, categories, notices)
    with source.open(notices) as stream:
        for cut in Cutter(stream, structure.item.encode()):
            yield BadRow(cut.line, cut.reason, cut_off=cut.cut_off) if cut.reason else reader.row(cut)


class _ItemReader:
    def __init__(self, structure: Structure, categories: Categories, notices: Notices) -> None:
        self._structure, self._categories, self._notices = structure, categories, notices
        self._names = Names(structure)
        self._roots: dict[frozenset[bytes], bytes] = {}

    def row(self, cut: Cut) -> FeedRow | BadRow:
        if len(cut.data) > MAX_LINE and len(cut.data.decode("utf-8", "replace")) > MAX_LINE:
            return BadRow(cut.line, f"an item of more than {MAX_LINE:,} characters")
        try:
            return FeedRow(cut.line, self._values(self._parsed(cut)), complete=True)
        except ParseError as error:
            reason = _FOREIGN_CHARACTERS.sub("?", str(error).partition(": line")[0])
            line = cut.line + error.position[0] - 1
            return BadRow(cut.line, f"the XML of this item is not well formed ({reason}, line {line})")
        except RecursionError:
            return BadRow(cut.line, "the XML of this item is nested too deep")

    def _values(self, item: Element) -> Values:
        if self._structure.yml:
            return offer_values(item, self._categories, self._names)
        return item_values(item, self._names)

    def _parsed(self, cut: Cut) -> Element:
        """As it stands; where that is not well formed, mended. Raises ParseError."""
        data = _DECLARATION.sub(b"", cut.data) if b"xmlns" in cut.data else cut.data
        try:
            return self._element(data)
        except ParseError:
            data, done = mended(data)
            if not done:
                raise
        item = self._element(data)
        for what, count in done.items():
            self._notices.mended(what, cut.line, count)
        return item

    def _element(self, data: bytes) -> Element:
        """Parse an item inside an element that declares its prefixes as namespaces of the same name, so that none is missing.

        Inside an element expat takes no DOCTYPE, so that no entity can be declared: a plain parser is as safe here as
        defusedxml's, and reads four times as fast.
        """
        prefixes = frozenset(_PREFIX.findall(data))
        if (root := self._roots.get(prefixes)) is None:
            root = (
                b"<r" + b"".join(b' xmlns:%s="%s"' % (one, one) for one in sorted(prefixes - {b"xml", b"xmlns"})) + b">"
            )
            if len(self._roots) < 1000:
                self._roots[prefixes] = root
        parser = XMLParser(encoding="utf-8")
        parser.feed(root + data + b"</r>")
        [item] = parser.close()
        return item
