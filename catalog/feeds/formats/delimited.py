"""CSV and TSV feeds."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import TextIO

from catalog.feeds.formats import dialects
from catalog.feeds.formats.dialects import Dialect
from catalog.feeds.formats.lines import Lines, LineTooLong
from catalog.feeds.names import LISTS, column_key, split_list
from catalog.feeds.rows import MAX_LINE, BadRow, FeedError, FeedRow, Notices

MAX_RECORD_LINES = 1000
_SHOWN = 200  # characters of the names of columns in an error
_SAMPLE_LINES = 100
_SAMPLE_CHARACTERS = 256 * 1024


class _Endless(Exception):
    """A record takes more lines than any real one: a quote was opened and never closed."""


class _RecordLines(Lines):
    def __next__(self) -> str:
        if self.given >= MAX_RECORD_LINES:
            raise _Endless
        return super().__next__()


def read_delimited(stream: TextIO, notices: Notices) -> Iterator[FeedRow | BadRow]:
    """Rows of a table with a header line; delimiter and quotes are judged by its first lines.

    A spoilt row (an open quote, too many cells) costs its first line: reading goes on at the next one.
    Raises FeedError when the header cannot serve.
    """
    lines = _RecordLines(stream)
    dialect = _dialect(lines)
    header = _header(lines, dialect, notices)
    empty = True
    while True:
        first = lines.begin()
        cells: list[str] = []
        try:
            cells = dialect.read(lines)
            problem = header.misfit(cells)
        except StopIteration:
            if empty:
                raise FeedError(f"a table of the columns {header} and no row") from None
            return
        except (csv.Error, LineTooLong, _Endless) as error:
            problem = _reason(error, lines.given)
        if problem and lines.may_hold("\\"):
            lines.back_to_first()
            if (again := _read(lines, dialect.other(), header)) is not None:
                cells, dialect, problem = again, dialect.other(), ""
                if dialect.escaped:
                    notices.say("quotes inside cells are escaped with a backslash")
        if problem:
            lines.back_to_second()
            empty = False
            yield BadRow(first, problem, id=header.id_of(cells))
        elif any(cell.strip() for cell in cells):
            empty = False
            yield FeedRow(first, header.row(cells), complete=False)


def _read(lines: _RecordLines, dialect: Dialect, header: Header) -> list[str] | None:
    """A record's cells, or None where they are no row in this dialect."""
    try:
        cells = dialect.read(lines)
    except (csv.Error, LineTooLong, _Endless, StopIteration):
        return None
    return None if header.misfit(cells) else cells


class Header:
    """The columns of a table, by the names in its first row; turns the cells of a row into values by name."""

    def __init__(self, names: list[str], line: int, notices: Notices) -> None:
        # The name, "" for a column that is passed over; whether it holds lists.
        self._columns: list[tuple[str, bool]] = []
        self._first: dict[str, str] = {}
        repeated: set[str] = set()
        for number, written in enumerate(names, 1):
            name, key = written.strip(), column_key(written)
            if not key:
                notices.say(f"column {number} has no name and was passed over")
            elif key in self._first:
                repeated.add(key)
            self._columns.append((self._first.setdefault(key, name) if key else "", key in LISTS))
        if not self._first:
            raise FeedError(f"line {line}: the header is empty: the names of the columns are needed")
        self._plain = not (repeated or LISTS & self._first.keys() or len(self._first) < len(names))
        self._names = [name for name, _ in self._columns]

    def __str__(self) -> str:
        return ", ".join(self._first.values())[:_SHOWN]

    def misfit(self, cells: list[str]) -> str:
        """Why the cells are no row of this table, or "". Empty cells at the end are taken off."""
        while len(cells) > len(self._columns) and not cells[-1].strip():
            cells.pop()
        if len(cells) == len(self._columns) or not any(cell.strip() for cell in cells):
            return ""
        return f"{len(cells)} cells where the header has {len(self._columns)}"

    def id_of(self, cells: list[str]) -> str:
        """The id of a row that has too few or too many cells: of the first column alone, as any other may have moved."""
        return cells[0].strip() if cells and column_key(self._names[0]) == "id" else ""

    def row(self, cells: list[str]) -> dict[str, list[str]]:
        if self._plain:
            return {name: [cell] for name, cell in zip(self._names, cells, strict=True)}
        values: dict[str, list[str]] = {}
        for (name, is_list), cell in zip(self._columns, cells, strict=True):
            if is_list:
                values.setdefault(column_key(name), []).extend(split_list(cell))
            elif name:
                values.setdefault(name, []).append(cell)
        return values


def _dialect(lines: _RecordLines) -> Dialect:
    """Judged by the first lines, which will be given again, but for blank ones and Excel's `sep=;` before the header."""
    sample: list[str] = []
    delimiter, length = "", 0
    lines.begin()
    try:
        for line in lines:
            if not sample and (not line.strip() or (named := dialects.named_delimiter(line))):
                delimiter = delimiter or (named if line.strip() else "")
                lines.begin()
                continue
            sample.append(line)
            length += len(line)
            if len(sample) >= _SAMPLE_LINES or length >= _SAMPLE_CHARACTERS:
                break
    except LineTooLong:
        if not sample:
            raise FeedError(f"line {lines.number}: a header of more than {MAX_LINE:,} characters") from None
    if not sample:
        raise FeedError("the feed is empty: a header line with the names of the columns is needed")
    lines.back_to_first()
    return dialects.judge(sample, delimiter)


def _header(lines: _RecordLines, dialect: Dialect, notices: Notices) -> Header:
    number = lines.begin()
    try:
        names = dialect.read(lines)
    except (csv.Error, StopIteration, LineTooLong, _Endless) as error:
        raise FeedError(f"line {number}: the header cannot be read ({_reason(error, lines.given)})") from error
    while names and not names[-1].strip():
        names.pop()
    return Header(names, number, notices)


def _reason(error: Exception, lines: int) -> str:
    text = str(error)
    if isinstance(error, LineTooLong) and lines == 1:
        return f"a line of more than {MAX_LINE:,} characters"
    if isinstance(error, (LineTooLong, _Endless, StopIteration)) or "end of data" in text:
        return "a quote is opened and never closed"
    if "field limit" in text:
        too_long = f"a cell of more than {csv.field_size_limit():,} characters"
        return too_long if lines == 1 else f"{too_long}, or a quote that is opened and never closed"
    if "expected after" in text:
        return "text after a closing quote; write a quote inside a cell twice"
    return f"not readable as a row of a table ({text})"
