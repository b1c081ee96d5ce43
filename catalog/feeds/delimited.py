"""CSV and TSV feeds."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from typing import TextIO

from catalog.feeds.lines import Lines, LineTooLong
from catalog.feeds.rows import MAX_LINE, BadRow, FeedError, FeedRow

MAX_RECORD_LINES = 1000
LISTS = {"additional_image_link"}
_DELIMITERS = ",;\t|"
_BETWEEN_URLS = re.compile(r",\s*(?=https?://|\Z)", re.IGNORECASE)


class _Endless(Exception):
    """A record takes more lines than any real one: a quote was opened and never closed."""


class _RecordLines(Lines):
    def __next__(self) -> str:
        if self.given >= MAX_RECORD_LINES:
            raise _Endless
        return super().__next__()


def column_key(name: str) -> str:
    """`g:Image Link` → `image_link`: how a column is known, whoever wrote its name."""
    return "_".join(name.strip().lower().removeprefix("g:").replace("-", " ").split())


def split_list(cell: str) -> list[str]:
    """The photos of one cell. A URL may hold commas itself, so a list of URLs is split only where the next one begins."""
    if cell.lstrip().lower().startswith(("http://", "https://")):
        return _BETWEEN_URLS.split(cell)
    return cell.split(",")


def read_delimited(stream: TextIO, delimiter: str | None = None) -> Iterator[FeedRow | BadRow]:
    """Rows of a table with a header line; the delimiter is read off the header unless given.

    A spoilt row (an open quote, too many cells) costs its first line: reading goes on at the next one.
    Raises FeedError when the header cannot serve.
    """
    lines = _RecordLines(stream)
    header = _header(lines, delimiter)
    while True:
        first = lines.begin()
        try:
            cells = next(csv.reader(lines, delimiter=header.delimiter, strict=True))
        except StopIteration:
            return
        except (csv.Error, LineTooLong, _Endless) as error:
            reason = _reason(error, lines.given)
            lines.back_to_second()
            yield BadRow(first, reason)
            continue
        if not any(cell.strip() for cell in cells):
            continue
        while len(cells) > len(header.names) and not cells[-1].strip():
            cells.pop()
        if len(cells) != len(header.names):
            lines.back_to_second()
            yield BadRow(first, f"{len(cells)} cells where the header has {len(header.names)}")
            continue
        yield FeedRow(first, header.row(cells), complete=False)


class _Header:
    def __init__(self, names: list[str], delimiter: str) -> None:
        self.names, self.delimiter = names, delimiter
        keys = [column_key(name) for name in names]
        for name, key in zip(names, keys, strict=True):
            if not key:
                raise FeedError("line 1: a column of the header has no name")
            if keys.count(key) > 1 and key not in LISTS:
                raise FeedError(f"line 1: the header has the column {name.strip()!r} twice")
        self._keys = keys

    def row(self, cells: list[str]) -> dict[str, list[str]]:
        values: dict[str, list[str]] = {}
        for name, key, cell in zip(self.names, self._keys, cells, strict=True):
            if key in LISTS:
                values.setdefault(key, []).extend(split_list(cell))
            else:
                values[name.strip()] = [cell]
        return values


def _header(lines: Lines, delimiter: str | None) -> _Header:
    lines.begin()
    try:
        text = next(lines)
    except StopIteration:
        raise FeedError("the feed is empty: a header line with the names of the columns is needed") from None
    except LineTooLong:
        raise FeedError(f"line 1: a header of more than {MAX_LINE:,} characters") from None
    delimiter = delimiter or max(_DELIMITERS, key=text.count)
    try:
        names = next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        raise FeedError(f"line 1: the header cannot be read ({error})") from error
    while names and not names[-1].strip():
        names.pop()
    if not names:
        raise FeedError("line 1: the header is empty: the names of the columns are needed")
    return _Header(names, delimiter)


def _reason(error: Exception, lines: int) -> str:
    text = str(error)
    if isinstance(error, LineTooLong) and lines == 1:
        return f"a line of more than {MAX_LINE:,} characters"
    if isinstance(error, (LineTooLong, _Endless)) or "end of data" in text:
        return "a quote is opened and never closed"
    if "field limit" in text:
        too_long = f"a cell of more than {csv.field_size_limit():,} characters"
        return too_long if lines == 1 else f"{too_long}, or a quote that is opened and never closed"
    if "expected after" in text:
        return "text after a closing quote; write a quote inside a cell twice"
    return f"not readable as a row of a table ({text})"
