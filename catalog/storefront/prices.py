"""Prices as a shopper writes them: `€12.90` in English, `12,90 €` in German.

Babel is imported by the function that needs it: its data takes 8 MB, which a web process that only answers the API does without.
"""

from __future__ import annotations

from decimal import Decimal

from django.utils import translation
from django.utils.translation import to_locale

from catalog.representation import price_text


def money(amount: Decimal, currency: str) -> str:
    """In the language that is active. An amount without a currency, or of one that nobody knows, is a number."""
    from babel.core import Locale
    from babel.numbers import format_currency, format_decimal

    locale = Locale.parse(to_locale(translation.get_language() or "en"))
    if currency.upper() in locale.currencies:
        return str(format_currency(amount, currency.upper(), locale=locale))
    number = format_decimal(Decimal(price_text(amount, currency)), format="#,##0.00", locale=locale)
    return f"{number} {currency}".strip()
