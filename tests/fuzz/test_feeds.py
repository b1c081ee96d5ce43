"""Feeds of any content: what was written is read, what is spoilt is reported, nothing else happens."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz import feeds


@given(rows=feeds.ROWS, delimiter=st.sampled_from([",", "\t", ";"]))
def test_tables_round_trip(rows: list[dict[str, str]], delimiter: str) -> None:
    assert feeds.read_table(feeds.write_table(rows, delimiter), delimiter) == feeds.without_blank(rows)


@given(rows=feeds.ROWS)
def test_json_lines_round_trip(rows: list[dict[str, str]]) -> None:
    assert feeds.read_json(feeds.write_json(rows)) == rows


@given(rows=feeds.XML_ROWS)
def test_rss_round_trips(rows: list[dict[str, str]]) -> None:
    assert feeds.read_xml(feeds.write_xml(rows)) == [feeds.stripped(row) for row in rows]


@given(text=feeds.NOISE)
def test_no_text_breaks_a_parser(text: str) -> None:
    feeds.check_any_text(text)


@given(spoilt=feeds.SPOILT_LINES, where=st.integers(0, 5))
def test_a_spoilt_line_never_takes_good_ones_along(spoilt: str, where: int) -> None:
    feeds.check_spoilt_line(spoilt, where)
