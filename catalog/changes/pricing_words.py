"""Prices in words, for people who look at what is about to change."""

from __future__ import annotations

from catalog.representation import price_text
from catalog.sales import PriceCells


def price_words(cells: PriceCells, currency: str) -> str:
    """`59.50 EUR`, or `39.50 EUR instead of 59.50 EUR`; "" where nothing is said of a price."""
    regular = price_text(cells.get("regular"), currency)
    sale = price_text(cells.get("sale"), currency)
    shown = [f"{text} {currency}".strip() for text in (sale, regular) if text is not None]
    return " instead of ".join(shown)
