"""The cells of a row that say what a product costs: prices, their currencies, and the dates of a sale."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from catalog.feeds.names import column_key
from catalog.feeds.prices import Price, PriceReader
from catalog.feeds.rows import FeedRow
from catalog.feeds.sale_dates import read_interval
from catalog.sales import PriceCells

PRICES = ("price", "sale_price")
DATES = "sale_price_effective_date"
CURRENCIES = ("currency", "currency_code", "price_currency")
# `{"price": {"value": "12.50", "currency": "EUR"}}` and what else shops write as an object, by column_key; in XML also as
# attributes, `<price currency="EUR">12.50</price>`.
_AMOUNT = ("value", "amount", "@value", "@amount")
_CURRENCY = ("currency", "currencycode", "currency_code", "@currency", "@currencycode", "@currency_code")
_CENTS = ("centamount", "cent_amount")
_DIGITS = ("fractiondigits", "fraction_digits")
_PASSED_OVER = ("type",)
_PARTS = (*_AMOUNT, *_CURRENCY, *_CENTS, *_DIGITS, *_PASSED_OVER)
NESTED = frozenset(f"{price}.{part}" for price in PRICES for part in _PARTS)
PRICE_KEYS = frozenset((*PRICES, DATES, *NESTED))
_KEYS = {price: frozenset((price, *(f"{price}.{part}" for part in _PARTS))) for price in PRICES}
_CURRENCY_KEYS = {price: (*(f"{price}.{part}" for part in _CURRENCY), *CURRENCIES) for price in PRICES}

Cells = Mapping[str, Sequence[str]]


@dataclass
class PriceOfRow:
    """What a row says of prices. `currency`: None: nothing; empty: there is no price, so none has a currency."""

    cells: PriceCells = field(default_factory=PriceCells)
    currency: str | None = None


def read_prices(cells: Cells, reader: PriceReader, place: str, tell: Callable[[str], None]) -> PriceOfRow:
    """`tell` gets a sentence for every cell that cannot be read, of which the row then says nothing."""
    found = PriceOfRow()
    read: dict[str, Price] = {}
    for column in PRICES:
        if _KEYS[column].isdisjoint(cells):
            continue
        try:
            read[column] = _price(cells, column, reader, place)
        except ValueError as error:
            tell(f"{column}: {error}")
    regular, sale = read.get("price"), read.get("sale_price")
    if regular is not None:
        found.cells["regular"] = regular.amount
        found.currency = "" if regular.amount is None else regular.currency or None
    if sale is not None:
        if sale.amount is not None and regular is not None and (problem := _contradiction(regular, sale)):
            tell(f"sale_price: {problem}")
        else:
            found.cells["sale"] = sale.amount
            found.currency = found.currency or sale.currency or found.currency
    if DATES in cells:
        try:
            found.cells["begins"], found.cells["ends"] = read_interval(_first(cells, DATES))
        except ValueError as error:
            tell(f"{DATES}: {error}")
            found.cells.pop("sale", None)
    return found


def price_texts(row: FeedRow) -> Iterator[str]:
    """The prices of a row as they are written, for a survey of the column."""
    for name, values in row.values.items():
        if (key := column_key(name)) in PRICES or (key in NESTED and key.rpartition(".")[2] in _AMOUNT):
            yield from values


def _price(cells: Cells, column: str, reader: PriceReader, place: str) -> Price:
    beside = _first(cells, *_CURRENCY_KEYS[column])
    if not _first(cells, column) and (cents := _first(cells, *(f"{column}.{part}" for part in _CENTS))):
        return reader.minor_units(cents, _first(cells, *(f"{column}.{part}" for part in _DIGITS)), beside)
    text = _first(cells, column) or _first(cells, *(f"{column}.{part}" for part in _AMOUNT))
    return reader.read(text, beside=beside, column=column, place=place)


def _contradiction(regular: Price, sale: Price) -> str:
    if regular.amount is None or sale.amount is None:
        return "there is no price beside it; write the price without the sale under price"
    if regular.currency and sale.currency and regular.currency != sale.currency:
        return f"is in {sale.currency}, and price in {regular.currency}"
    if sale.amount > regular.amount:
        return f"{sale.amount} is more than price {regular.amount}"
    return ""


def _first(cells: Cells, *keys: str) -> str:
    """The first value there is under the first of the keys that has one."""
    for key in keys:
        for value in cells.get(key, ()):
            if value:
                return value
    return ""
