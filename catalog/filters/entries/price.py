"""`min_price=10&max_price=20&currency=EUR`: products whose price is within bounds, in one currency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from django.db import connection

from catalog.filters.base import Condition, Filter, Parameter
from catalog.filters.memory import remembered
from catalog.parameters import InvalidParameter, Parameters, quoted, read_one, read_price

_SHOWN = 100  # currencies that an error lists

# Currencies as published products hold them, each found by one step into the index. How many products have each is
# counted only where there are several.
_CURRENCIES = """
WITH RECURSIVE named AS (
    (SELECT currency FROM catalog_product WHERE published AND currency > '' ORDER BY currency LIMIT 1)
    UNION ALL
    SELECT (SELECT p.currency FROM catalog_product p WHERE p.published AND p.currency > named.currency
        ORDER BY p.currency LIMIT 1)
    FROM named WHERE named.currency IS NOT NULL
)
SELECT currency, CASE WHEN (SELECT count(currency) FROM named) > 1
    THEN (SELECT count(*) FROM catalog_product p WHERE p.published AND p.currency = named.currency) ELSE 0 END
FROM named WHERE currency IS NOT NULL
"""


@dataclass(frozen=True)
class Currency:
    """`code`: ISO 4217 in capitals; empty where no product names a currency. `stored`: as the products hold it.

    A product that names no currency counts as one of the catalogue's commonest.
    """

    code: str
    stored: tuple[str, ...]


_AMOUNT = {"type": "string", "format": "decimal", "pattern": r"^[0-9]{1,10}(\.[0-9]{1,6})?$"}


@dataclass(frozen=True)
class Price(Filter):
    """From `least` to `most`, both included, None: no bound; of products of one `currency`.

    With a bound, products without a price do not pass.
    """

    least: Decimal | None
    most: Decimal | None
    currency: Currency

    parameters = (
        Parameter("min_price", _AMOUNT, "Least price, like 19.99."),
        Parameter("max_price", _AMOUNT, "Greatest price."),
        Parameter(
            "currency",
            {"type": "string", "pattern": "^[A-Za-z]{3}$"},
            "Currency of the prices (ISO 4217, like EUR), and only products of it. Without it, min_price and max_price are"
            " in the catalogue's commonest currency, which the answer names as `query.currency`. A product that names no"
            " currency counts as one of the commonest.",
        ),
    )

    @classmethod
    def read(cls, parameters: Parameters) -> Self | None:
        least, most = read_price(parameters, "min_price"), read_price(parameters, "max_price")
        if least is not None and most is not None and least > most:
            raise InvalidParameter("min_price", f"{least} is more than max_price {most}")
        written = read_one(parameters, "currency")
        if least is None and most is None and written is None:
            return None
        return cls(least, most, _chosen(written))

    @property
    def conditions(self) -> tuple[Condition, ...]:
        found = [Condition("{product}.currency = ANY ({stored}::text[])", {"stored": list(self.currency.stored)})]
        if self.least is not None:
            found.append(Condition("{product}.amount >= {least}", {"least": self.least}))
        if self.most is not None:
            found.append(Condition("{product}.amount <= {most}", {"most": self.most}))
        return tuple(found)

    @property
    def named(self) -> Mapping[str, str]:
        return {"currency": self.currency.code} if self.currency.code else {}


def _chosen(written: str | None) -> Currency:
    """The currency of that code, in capitals or not; the commonest for None."""
    known = currencies()
    if written is None:
        return commonest()
    for currency in known:
        if currency.code and currency.code == written.upper():
            return currency
    codes = ", ".join(currency.code for currency in known[:_SHOWN] if currency.code)
    there = f"there are {codes}" if codes else "no product names one"
    raise InvalidParameter("currency", f"{quoted(written)} is no currency of this catalogue; {there}")


def commonest() -> Currency:
    """The currency of most published products."""
    return currencies()[0]


@remembered
def currencies() -> tuple[Currency, ...]:
    """Those of published products, the commonest first, alphabetically where equally common; at least one, see Currency."""
    with connection.cursor() as cursor:
        cursor.execute(_CURRENCIES)
        rows = cursor.fetchall()
    counts: dict[str, int] = {}
    stored: dict[str, list[str]] = {}
    for text, count in rows:
        counts[text.upper()] = counts.get(text.upper(), 0) + count
        stored.setdefault(text.upper(), []).append(text)
    first, *others = sorted(counts, key=lambda code: (-counts[code], code)) or [""]
    return (
        Currency(first, (*stored.get(first, ()), "")),
        *(Currency(code, tuple(stored[code])) for code in others),
    )
