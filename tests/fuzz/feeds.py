"""Strategies and checks for feed parsers, shared by the short run of the suite and the long one of `make fuzz`."""

from __future__ import annotations

import csv
import io
import json
from contextlib import suppress
from xml.sax.saxutils import escape

from hypothesis import strategies as st

from catalog.feeds.columns import RowError, read_columns
from catalog.feeds.delimited import read_delimited
from catalog.feeds.json_lines import read_json_lines
from catalog.feeds.rows import BadRow, FeedError, FeedRow
from catalog.feeds.rss import read_rss

COLUMNS = ["id", "title", "brand", "colour"]
_CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
_XML_CELL = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co"]), min_size=1, max_size=20)
ROWS = st.lists(st.fixed_dictionaries({name: _CELL for name in COLUMNS}), max_size=8)
XML_ROWS = st.lists(st.fixed_dictionaries({name: _XML_CELL for name in COLUMNS}), max_size=5)
NOISE = st.text(st.sampled_from('",;\t\r\n<>&{}[]: ab1é\\gx\x00\ufeff'), max_size=200)
SPOILT_LINES = st.text(st.sampled_from('",ab1é \t'), max_size=30)


def write_table(rows: list[dict[str, str]], delimiter: str) -> str:
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, COLUMNS, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def read_table(text: str, delimiter: str) -> list[dict[str, str]]:
    return _good(list(read_delimited(io.StringIO(text, newline=""), delimiter)))


def write_json(rows: list[dict[str, str]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def read_json(text: str) -> list[dict[str, str]]:
    return _good(list(read_json_lines(io.StringIO(text, newline=""))))


def write_xml(rows: list[dict[str, str]]) -> bytes:
    items = "".join(
        "<item>" + "".join(f"<g:{name}>{escape(value)}</g:{name}>" for name, value in row.items()) + "</item>\n"
        for row in rows
    )
    text = f'<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel>{items}</channel></rss>'
    return text.encode()


def read_xml(data: bytes) -> list[dict[str, str]]:
    return _good(list(read_rss(io.BytesIO(data))))


def without_blank(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Rows of empty cells are passed over."""
    return [row for row in rows if any(cell.strip() for cell in row.values())]


def stripped(row: dict[str, str]) -> dict[str, str]:
    """Elements without text are left out."""
    return {name: cell.strip() for name, cell in row.items() if cell.strip()}


def check_any_text(text: str) -> None:
    """Whatever the text, a parser yields rows or says that the feed cannot be read; so do the columns."""
    streams = (
        read_delimited(io.StringIO(text, newline="")),
        read_json_lines(io.StringIO(text, newline="")),
        read_rss(io.BytesIO(text.encode())),
    )
    for rows in streams:
        last = 0
        try:
            for row in rows:
                assert row.line >= last >= 0
                last = row.line
                if isinstance(row, FeedRow):
                    with suppress(RowError):
                        read_columns(row)
        except FeedError:
            continue


def check_spoilt_line(spoilt: str, where: int) -> None:
    """Good rows stand whatever line is put between them."""
    good = [f"{number},title {number},brand,blue" for number in range(6)]
    lines = [",".join(COLUMNS), *good[:where], spoilt, *good[where:]]
    rows = list(read_delimited(io.StringIO("\n".join(lines) + "\n", newline=""), ","))
    read = [row.values["id"][0] for row in rows if isinstance(row, FeedRow) and row.line != where + 2]
    assert read == [str(number) for number in range(6)]


def _good(rows: list[FeedRow | BadRow]) -> list[dict[str, str]]:
    assert not [row for row in rows if isinstance(row, BadRow)]
    return [{name: values[0] for name, values in row.values.items()} for row in rows if isinstance(row, FeedRow)]
