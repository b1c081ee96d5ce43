"""How many decimals prices show."""

from __future__ import annotations

from babel.numbers import get_currency_precision, list_currencies

from catalog.currencies import shown_digits


def test_prices_show_their_currencys_decimals_at_least_two_and_at_most_three() -> None:
    codes = [*list_currencies(), "", "ZZZ", "no currency"]
    expected = {code: max(2, min(3, get_currency_precision(code))) for code in codes}
    assert {code: shown_digits(code) for code in codes} == expected
    assert (shown_digits("kwd"), shown_digits("jpy"), shown_digits("eur")) == (3, 2, 2)
