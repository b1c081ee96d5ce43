"""Feeds of any content: what was written is read, what is spoilt is reported, nothing else happens."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from tests.catalog.feeds.workbooks import workbook
from tests.fuzz import feeds


@given(
    rows=feeds.ROWS,
    delimiter=st.sampled_from([",", "\t", ";", "|"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_tables_round_trip(rows: feeds.Table, delimiter: str, encoding: str, end: str) -> None:
    data = feeds.write_table(rows, delimiter, end=end).encode(encoding)
    assert feeds.good(feeds.read(data)) == feeds.without_blank(rows)


@given(rows=feeds.ROWS, named=st.booleans())
def test_tables_with_escaped_quotes_round_trip(rows: feeds.Table, named: bool) -> None:
    rows = [{name: 'a "quoted" word' for name in feeds.COLUMNS}, *rows]
    data = ("sep=;\n" if named else "") + feeds.write_table(rows, ";", escaped=True)
    assert feeds.good(feeds.read(data.encode())) == feeds.without_blank(rows)


@given(written=feeds.word_tables(), delimiter=st.sampled_from([",", "\t", ";"]))
def test_tables_in_encodings_without_a_mark_round_trip(written: tuple[str, feeds.Table], delimiter: str) -> None:
    encoding, rows = written
    assert feeds.good(feeds.read(feeds.write_table(rows, delimiter).encode(encoding))) == rows


@given(rows=feeds.ROWS, encoding=st.sampled_from(["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]))
def test_wide_encodings_without_a_mark_round_trip(rows: feeds.Table, encoding: str) -> None:
    lines = "".join(f"{number},Kettle,Acme,red\n" for number in range(20))
    data = (",".join(feeds.COLUMNS) + "\n" + lines + feeds.write_table(rows, ",").partition("\n")[2]).encode(encoding)
    assert feeds.good(feeds.read(data))[20:] == feeds.without_blank(rows)


@given(rows=feeds.ROWS)
def test_json_round_trips(rows: feeds.Table) -> None:
    assert feeds.good(feeds.read(feeds.write_json(rows).encode())) == rows
    for document in (rows, {"products": rows}, {"data": {"items": [{"node": row} for row in rows]}}):
        assert feeds.good(feeds.read(json.dumps(document, ensure_ascii=False, indent=1).encode())) == rows


@given(rows=feeds.XML_ROWS, item=st.sampled_from(["item", "entry", "product", "offer", "ROW", "listing", "thing"]))
def test_xml_round_trips(rows: feeds.Table, item: str) -> None:
    rows = [{name: "first" for name in feeds.COLUMNS}, {name: "second" for name in feeds.COLUMNS}, *rows]
    assert feeds.good(feeds.read(feeds.write_xml(rows, item))) == [feeds.stripped(row) for row in rows]


@given(text=feeds.NOISE, encoding=st.sampled_from(["utf-8", "utf-16"]), name=feeds.FILE_NAMES)
def test_no_text_breaks_a_reader(text: str, encoding: str, name: str) -> None:
    feeds.check_any_bytes(text.encode(encoding), name)


@given(data=st.binary(max_size=300), name=feeds.FILE_NAMES)
def test_no_bytes_break_a_reader(data: bytes, name: str) -> None:
    feeds.check_any_bytes(data, name)


@given(
    feed=st.sampled_from(["table", "lines", "document", "xml", "gz", "zip", "xlsx"]),
    noise=st.binary(max_size=12) | feeds.MARKUP.map(lambda text: text.encode("utf-8", "surrogateescape")),
    at=st.floats(0, 1),
    length=st.integers(0, 40),
)
def test_no_damage_breaks_a_reader(feed: str, noise: bytes, at: float, length: int) -> None:
    rows = [{name: f"{name} {number}" for name in feeds.COLUMNS} for number in range(6)]
    whole = {
        "table": lambda: feeds.write_table(rows, ",").encode(),
        "lines": lambda: feeds.write_json(rows).encode(),
        "document": lambda: json.dumps({"shop": "x", "products": rows}).encode(),
        "xml": lambda: feeds.write_xml(rows),
        "gz": lambda: feeds.packed(feeds.write_xml(rows), "gz"),
        "zip": lambda: feeds.packed(feeds.write_xml(rows), "zip"),
        "xlsx": lambda: workbook([feeds.COLUMNS, *([row[name] for name in feeds.COLUMNS] for row in rows)]),
    }[feed]()
    where = round(at * len(whole))
    feeds.check_any_bytes(whole[:where] + noise + whole[where + length :], "feed")


@given(spoilt=feeds.SPOILT_LINES, where=st.integers(0, 5))
def test_a_spoilt_line_never_takes_good_ones_along(spoilt: str, where: int) -> None:
    feeds.check_spoilt_line(spoilt, where)


@given(markup=feeds.MARKUP, where=st.integers(0, 5))
def test_a_broken_item_never_takes_good_ones_along(markup: str, where: int) -> None:
    feeds.check_spoilt_item(markup, where)


@given(count=st.integers(1, 6), length=st.integers(0, 1000))
def test_xml_that_is_cut_off_says_so(count: int, length: int) -> None:
    feeds.check_cut_off(count, length)
