"""Feeds of any content: what was written is read, what is spoilt is reported, nothing else happens."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.feeds.prices import parse_price
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


@given(price=st.decimals(0, 10**9, places=2), currency=st.sampled_from(["EUR", "usd", ""]))
def test_prices_round_trip(price: Decimal, currency: str) -> None:
    for text in (f"{price} {currency}", f"{currency} {price}", f"{price:,} {currency}", f"{price}{currency}"):
        assert parse_price(text) == (price, currency.upper())


@given(text=st.text(max_size=30))
def test_a_price_is_understood_exactly_or_refused(text: str) -> None:
    try:
        price, currency = parse_price(text)
    except ValueError:
        return
    assert price is None or (price >= 0 and price == price.quantize(Decimal("0.01")))
    assert currency == "" or (len(currency) == 3 and currency.isupper())


@pytest.mark.parametrize(
    ("text", "price", "currency"),
    [
        ("59.50 EUR", "59.50", "EUR"),
        ("EUR 59.5", "59.50", "EUR"),
        ("€59,50", "59.50", "EUR"),
        ("1,299.00 USD", "1299.00", "USD"),
        ("1.299,00 EUR", "1299.00", "EUR"),
        ("1 299,00 PLN", "1299.00", "PLN"),
        ("1,299", "1299.00", ""),
        ("0", "0.00", ""),
        ("15.000 KWD", "15.00", "KWD"),
    ],
)
def test_prices_as_shops_write_them(text: str, price: str, currency: str) -> None:
    assert parse_price(text) == (Decimal(price), currency)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("-5 EUR", "negative"),
        ("free", "is no price"),
        ("1.2.3", "is no price"),
        ("NaN", "is no price"),
        ("1e5", "is no price"),
        ("5 $", "three letters"),
        ("5 EURO", "three letters"),
        ("EUR 5 EUR", "is no price"),
        ("1.999", "more than two decimals"),
        ("99999999999", "too large"),
        ("9" * 100, "is no price"),
    ],
)
def test_what_is_no_price_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_price(text)
