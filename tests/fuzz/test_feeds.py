"""The long run of `make fuzz` (`FUZZ_EXAMPLES`, 20,000 by default); the suite runs the same checks on fewer examples."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import feeds

long_run = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "200")), deadline=None, suppress_health_check=list(HealthCheck)
)
pytestmark = pytest.mark.timeout(0)


@long_run
@given(rows=feeds.ROWS, delimiter=st.sampled_from([",", "\t", ";", "|"]))
def test_tables_round_trip(rows: list[dict[str, str]], delimiter: str) -> None:
    assert feeds.read_table(feeds.write_table(rows, delimiter), delimiter) == feeds.without_blank(rows)


@long_run
@given(rows=feeds.XML_ROWS)
def test_rss_round_trips(rows: list[dict[str, str]]) -> None:
    assert feeds.read_xml(feeds.write_xml(rows)) == [feeds.stripped(row) for row in rows]


@long_run
@given(text=feeds.NOISE)
def test_no_text_breaks_a_parser(text: str) -> None:
    feeds.check_any_text(text)


@long_run
@given(spoilt=feeds.SPOILT_LINES, where=st.integers(0, 5))
def test_a_spoilt_line_never_takes_good_ones_along(spoilt: str, where: int) -> None:
    feeds.check_spoilt_line(spoilt, where)
