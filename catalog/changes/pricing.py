"""Prices as a caller writes them, in the words of answers, and how they go together with catalog.sales.

`price` is what is paid now and `list_price` what it is without the sale that is on, so that what was written is what is answered.
Beside `sale_price`, or the dates of a sale, `price` is the price without the sale, as in feeds: `sale_from` to come
leaves it what is paid.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from catalog.changes.refusals import invalid
from catalog.changes.wishes import Prices
from catalog.sales import PriceCells, Pricing, Sale

_PLANNED = ("sale_price", "sale_from", "sale_until")


def priced(before: Pricing, given: Prices, now: datetime) -> Pricing:
    """The pricing of a product that was priced as `before`, with what is given. Raises Refused."""
    if any(name in given for name in _PLANNED):
        return _with_sale(before, given)
    sale = before.sale if before.sale is not None and before.sale.is_on(now) else None
    paid = given.get("price", sale.price if sale else before.regular)
    regular = given.get("list_price", before.regular if sale else None)
    listed = given.get("list_price")
    if listed is not None and (paid is None or paid >= listed):
        raise invalid(
            "list_price", f"{listed} is not more than price, which is what is paid while there is a list_price"
        )
    if regular is None or paid is None or paid >= regular:
        planned = before.sale if sale is None else None
        return Pricing(paid, planned)
    return Pricing(regular, Sale(paid, sale.begins if sale else None, sale.ends if sale else None))


def _with_sale(before: Pricing, given: Prices) -> Pricing:
    cells: PriceCells = {}
    price, listed = given.get("price"), given.get("list_price")
    if listed is not None:
        cells["regular"] = listed
    elif "price" in given:
        cells["regular"] = price
    if "sale_price" in given:
        cells["sale"] = given["sale_price"]
    if "sale_from" in given:
        cells["begins"] = given["sale_from"]
    if "sale_until" in given:
        cells["ends"] = given["sale_until"]
    wanted = before.changed(cells)
    _check(wanted, paid=price if listed is not None else None)
    return wanted


def _check(wanted: Pricing, *, paid: Decimal | None) -> None:
    sale = wanted.sale
    if sale is None:
        return
    if wanted.regular is None:
        raise invalid("sale_price", "there is no price without the sale; give price too")
    if sale.price >= wanted.regular:
        raise invalid("sale_price", f"{sale.price} is not less than the price without the sale, {wanted.regular}")
    if paid is not None and paid not in (sale.price, wanted.regular):
        raise invalid("price", f"{paid} is neither sale_price nor list_price; leave out one of the three")
    if sale.begins is not None and sale.ends is not None and sale.begins >= sale.ends:
        raise invalid("sale_until", "the sale ends before it begins")
