"""Prices as shops write them: what is read, what the whole column decides, and what is refused."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from catalog.feeds.prices import Price, PriceReader, survey
from catalog.feeds.rows import Number


def read(text: str, *, column: Iterable[str] = (), currency: str = "", commonest: str = "") -> tuple[Price, list[str]]:
    """A price in line 2 of a feed with that column, and the notices."""
    reader = PriceReader(currency, lambda: commonest, lambda: survey(column))
    price = reader.read(text, place="line 2")
    return price, [str(notice) for notice in reader.notices]


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("$1,234.50", "1234.50", "USD"),
        ("129 kr", "129", "SEK"),
        ("1 299,00 kr", "1299", "SEK"),
        ("1\N{NO-BREAK SPACE}299,00\N{NARROW NO-BREAK SPACE}kr", "1299", "SEK"),
        ("₹1,299.00", "1299", "INR"),
        ("1,23,456.00 INR", "123456", "INR"),
        ("1.299.000 VND", "1299000", "VND"),
        ("R$ 12,90", "12.90", "BRL"),
        ("3.125 KWD", "3.125", "KWD"),
        (Number("12.999"), "13.00", ""),
        (Number("1e2"), "100", ""),
        ("59.50 EUR", "59.50", "EUR"),
        ("EUR 59.5", "59.50", "EUR"),
        ("€59,50", "59.50", "EUR"),
        ("1.299,00 eur", "1299", "EUR"),
        ("1 299,00 PLN", "1299", "PLN"),
        ("59,50 zł", "59.50", "PLN"),
        ("1 299,- Kč", "1299", "CZK"),
        ("129:-", "129", ""),
        ("1'234.50 CHF", "1234.50", "CHF"),
        ("1’234.50 Fr.", "1234.50", "CHF"),
        ("$12.90 USD", "12.90", "USD"),
        ("US $12.90", "12.90", "USD"),
        ("CA$ 5", "5", "CAD"),
        ("Rs.99", "99", "INR"),
        (".99 EUR", "0.99", "EUR"),
        ("0.125 KWD", "0.125", "KWD"),
        ("٣٠ KWD", "30", "KWD"),
        ("￥1,299", "1299", "JPY"),
        ("8000 JPY", "8000", "JPY"),
        ("5 EURO", "5", "EUR"),
        ("0", "0", ""),
        ("", None, ""),
        ("N/A", None, ""),
        ("-", None, ""),
    ],
)
def test_prices_as_shops_write_them(text: str, amount: str | None, currency: str) -> None:
    price, _ = read(text)
    assert price == Price(None if amount is None else Decimal(amount), currency)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("10-20", "is no price; write it as 59.50 EUR"),
        ("10 – 20 EUR", "is no price"),
        ("2 for 10 EUR", "is no price"),
        ("-5 EUR", "is negative"),
        ("−5", "is negative"),
        (Number("-5"), "is negative"),
        ("+5 EUR", "has a sign"),
        ("10 EUR/kg", "'EUR/kg' is no currency"),
        ("10 EUR per kg", "'EUR per kg' is no currency"),
        ("10 EUR / 100 g", "is no price"),
        ("from 10 EUR", "'from' is no currency"),
        ("ab 10 €", "'ab' is no currency"),
        ("10 BTC", "'BTC' is no currency; write one price, with three letters: 59.50 EUR"),
        ("€5 USD", "names two currencies"),
        ("EUR 5 EUR", "is no price"),
        ("free", "is no price"),
        ("1.2.3", "is no price"),
        ("12,345,67", "is no price"),
        ("1e5", "is no price"),
        ("99999999999", "is too large"),
        ("9999999999.999 EUR", "is too large"),
        (Number("1e400"), "is too large"),
        ("9" * 100, "is no price"),
    ],
)
def test_what_is_no_price_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason.replace("/", "\\/")):
        read(text)


def test_a_sign_of_several_currencies_is_the_callers_the_catalogues_or_the_commonest() -> None:
    assert read("$5", currency="CAD", commonest="MXN") == (Price(Decimal(5), "CAD"), [])
    assert read("$5", currency="EUR", commonest="MXN") == (Price(Decimal(5), "MXN"), [])
    price, notices = read("5 kr", commonest="EUR")
    assert (price.currency, notices) == (
        "SEK",
        ["price: 'kr' (line 2) was read as SEK; --currency says which of DKK, ISK, NOK, SEK it is"],
    )


def test_a_price_without_a_currency_is_in_the_callers() -> None:
    assert read("5", currency="KWD") == (Price(Decimal(5), "KWD"), [])
    assert read("5 EUR", currency="KWD") == (Price(Decimal(5), "EUR"), [])


@pytest.mark.parametrize(
    ("text", "column", "amount"),
    [
        ("1.299 EUR", ["12.50"], "1.30"),
        ("1.299 EUR", ["12,50"], "1299"),
        ("1.299 EUR", ["1.299.000"], "1299"),
        ("1.299 EUR", ["1,299.00 EUR", "7"], "1.30"),
        ("1,299 EUR", ["12.50"], "1299"),
        ("1,299 EUR", ["12,5"], "1.30"),
        ("3,125 KWD", ["1.299,000 KWD"], "3.125"),
        ("3.125 KWD", ["1.299,000 KWD"], "3125"),
    ],
)
def test_the_column_says_what_points_and_commas_mean(text: str, column: list[str], amount: str) -> None:
    assert read(text, column=[*column, "10-20", "many", ""])[0].amount == Decimal(amount)


@pytest.mark.parametrize(
    ("text", "column", "amount", "why"),
    [
        ("1.299 EUR", ["1.300 EUR", "7"], "1299", "the column does not say what '.' means"),
        ("1.299", ["12.50", "1.299,00"], "1299", "the column does not say what '.' means"),
        ("3.125 KWD", [], "3.125", "the column does not say what '.' means"),
        ("1.299 VND", ["12.50 EUR"], "1299", "VND has no decimals"),
    ],
)
def test_what_the_column_does_not_decide_the_currency_does_and_it_is_said(
    text: str, column: list[str], amount: str, why: str
) -> None:
    price, notices = read(text, column=column)
    assert price.amount == Decimal(amount)
    assert notices == [f"price: {text!r} (line 2) was read as {amount}, for {why}"]


def test_a_notice_is_given_once_with_the_first_example() -> None:
    reader = PriceReader()
    for line, text in enumerate(["12.3456 EUR", "1.0055 EUR", "7.777 KWD", "9.9999 EUR"], start=2):
        reader.read(text, place=f"line {line}")
    assert [str(notice) for notice in reader.notices] == [
        "price: '12.3456 EUR' (line 2) was rounded to 12.35: prices in EUR have 2 decimals; so were 2 more",
        "price: '7.777 KWD' (line 4) was read as 7.777, for the column does not say what '.' means",
    ]


def test_the_column_is_surveyed_once_and_only_where_it_must_be() -> None:
    asked = []

    def column() -> list[str]:
        asked.append(1)
        return ["12.50"]

    reader = PriceReader(evidence=lambda: survey(column()))
    for text in ("5.00 EUR", "1,299.00 EUR", "7"):
        reader.read(text)
    assert asked == []
    for text in ("1.299 EUR", "2.499 EUR"):
        reader.read(text)
    assert asked == [1]


@pytest.mark.parametrize(
    ("cents", "digits", "currency", "amount"),
    [("1299", "2", "EUR", "12.99"), ("1299", "", "KWD", "1.299"), ("1299", "0", "JPY", "1299"), ("5", "", "", "0.05")],
)
def test_cents(cents: str, digits: str, currency: str, amount: str) -> None:
    assert PriceReader().minor_units(cents, digits, currency) == Price(Decimal(amount), currency)


@pytest.mark.parametrize(
    ("cents", "digits"), [("12.5", "2"), ("-1", "2"), ("5", "9"), ("9" * 16, "2"), ("9" * 14, "2")]
)
def test_what_is_no_number_of_cents_is_refused(cents: str, digits: str) -> None:
    with pytest.raises(ValueError, match=r"no whole number|decimals|too large"):
        PriceReader().minor_units(cents, digits, "EUR")


WAYS = st.sampled_from(["western", "indian", "none"])
MARKS = st.sampled_from(
    [(".", ","), (",", "."), (".", "'"), (",", " "), (",", "\N{NARROW NO-BREAK SPACE}"), (".", " ")]
)
SIGNS = st.sampled_from(
    ["{} EUR", "EUR{}", "€ {}", "{}€", "{} kwd", "KWD {}", "₹{}", "R$ {}", "{} zł", "{} Kč", "{} USD", "US${}", "{}"]
)
CODES = {
    "EUR": "EUR",
    "€": "EUR",
    "kwd": "KWD",
    "KWD": "KWD",
    "₹": "INR",
    "R$": "BRL",
    "zł": "PLN",
    "Kč": "CZK",
    "US": "USD",
}


def written(amount: Decimal, way: str, marks: tuple[str, str], digits: int) -> str:
    whole, _, fraction = f"{amount:.{digits}f}".partition(".")
    groups = []
    size = 3
    while way != "none" and len(whole) > size:
        groups.insert(0, whole[-size:])
        whole = whole[:-size]
        size = 2 if way == "indian" else 3
    return marks[1].join([whole, *groups]) + (marks[0] + fraction if fraction else "")


@example(amount=Decimal("1.299"), way="none", marks=(".", ","), sign="{} EUR", digits=3)
@given(amount=st.decimals(0, 10**9, places=3), way=WAYS, marks=MARKS, sign=SIGNS, digits=st.integers(0, 3))
def test_a_price_of_any_spelling_is_read_as_what_it_is(
    amount: Decimal, way: str, marks: tuple[str, str], sign: str, digits: int
) -> None:
    """In a column in which another price says what the marks mean."""
    amount = Decimal(f"{amount:.{digits}f}")
    code = next((code for word, code in CODES.items() if word in sign), "")
    text = sign.format(written(amount, way, marks, digits))
    column = [written(Decimal("1234567.25"), "western", marks, 2), "7" + marks[0] + "5"]
    price, _ = read(text, column=column)
    places = 3 if code == "KWD" else 2
    assert price.currency == code
    assert abs(price.amount - amount) <= Decimal("0.5").scaleb(-places)
    assert digits > places or price.amount == amount


@given(text=st.text(max_size=30) | st.text("0123456789.,' -–/€$krEURx", max_size=15))
def test_a_price_is_understood_or_refused(text: str) -> None:
    try:
        price, _ = read(text)
    except ValueError:
        return
    assert price.amount is None or (0 <= price.amount < 10**10 and price.amount == round(price.amount, 3))
    assert price.currency == "" or (len(price.currency) == 3 and price.currency.isupper())
