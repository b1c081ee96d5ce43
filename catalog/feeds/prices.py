"""Prices as feeds write them."""

from __future__ import annotations

import re
from decimal import Decimal

_SYMBOLS = {"€": "EUR", "£": "GBP", "¥": "JPY", "zł": "PLN", "kč": "CZK"}
_PRICE = re.compile(r"(?P<before>[^\d\s.,+-]*)\s*(?P<number>[+-]?[\d.,'\s\u00a0\u202f]*\d)\s*(?P<after>[^\d\s.,+-]*)")
_PLAIN = re.compile(r"\d+(\.\d+)?")
_GROUPED = re.compile(r"\d{1,3}((?P<group>[,'\s\u00a0\u202f])\d{3})((?P=group)\d{3})*(\.\d+)?")
_COMMA_DECIMAL = re.compile(r"\d+,\d{1,2}|\d{1,3}(?:[.\s\u00a0\u202f]\d{3})+,\d{1,2}")
_LONGEST = 60
_LARGEST = Decimal(10) ** 10


def parse_price(text: str) -> tuple[Decimal | None, str]:
    """`"59.50 EUR"` → `(Decimal("59.50"), "EUR")`; empty → `(None, "")`.

    A decimal point, as the feed's format says; `1,299.00`, `1 299.00`, `59,50` and `1.299,00` are understood too.
    Raises ValueError with the reason.
    """
    text = text.strip()
    if not text:
        return None, ""
    match = _PRICE.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None or (match["before"] and match["after"]):
        raise ValueError(f"{text[:_LONGEST]!r} is no price; write it as 59.50 EUR")
    currency = _currency(match["before"] or match["after"], text)
    number = match["number"]
    if number.startswith("-"):
        raise ValueError(f"{text!r} is negative")
    value = Decimal(_plain(number.removeprefix("+"), text))
    if value >= _LARGEST:
        raise ValueError(f"{text!r} is too large")
    rounded = value.quantize(Decimal("0.01"))
    if rounded != value:
        raise ValueError(f"{text!r} has more than two decimals")
    return rounded, currency


def _plain(number: str, text: str) -> str:
    if _PLAIN.fullmatch(number):
        return number
    if _GROUPED.fullmatch(number):
        return re.sub(r"[^\d.]", "", number)
    if _COMMA_DECIMAL.fullmatch(number):
        whole, _, decimals = number.rpartition(",")
        return re.sub(r"\D", "", whole) + "." + decimals
    raise ValueError(f"{text[:_LONGEST]!r} is no price; write it as 59.50 EUR")


def _currency(word: str, text: str) -> str:
    if not word:
        return ""
    if len(word) == 3 and word.isascii() and word.isalpha():
        return word.upper()
    if code := _SYMBOLS.get(word.lower()):
        return code
    raise ValueError(f"{text!r}: write the currency as its three letters, like EUR")
