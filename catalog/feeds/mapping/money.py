"""Which of a product's prices counts, where a shop system gives several in different currencies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from catalog.feeds.mapping.shop import Context, Values, put


@dataclass(frozen=True)
class Money:
    """A price as the feed writes it. `minor`: its amount is in the smallest part of the currency, such as cents, of which
    `digits` says how many decimals that is, "" as the currency has.
    """

    amount: str
    currency: str
    minor: bool = False
    digits: str = ""


@dataclass(frozen=True)
class PriceChoice:
    """Chooses among the prices of the row at `place`."""

    context: Context
    place: str

    def among(self, prices: Sequence[Money]) -> Money | None:
        """The price in the feed's currency, else the first; None where there is none."""
        if not prices:
            return None
        wanted = next((price for price in prices if price.currency == self.context.currency), None)
        chosen = wanted or prices[0]
        if len(names := dict.fromkeys(price.currency for price in prices)) > 1:
            hint = "" if wanted else "; --currency says which of them is wanted"
            what = f"of prices in {', '.join(names)} ({self.place}) the one in {chosen.currency} was taken{hint}"
            self.context.notices.decided("prices in several currencies", what)
        return chosen

    def decided(self, price: Money, how: str) -> None:
        """Note how an amount was read."""
        self.context.notices.decided(how, f"{price.amount} {price.currency} ({self.place}) {how}")


def put_money(values: Values, price: Money | None, *, there: bool = True) -> None:
    """Put a price; None empties it, if the feed has a column for it (`there`)."""
    if price is not None and price.minor:
        values["price.centAmount"], values["price.currencyCode"] = [price.amount], [price.currency]
        values["price.fractionDigits"] = [price.digits] if price.digits else []
    elif price is not None:
        put(values, "price", [price.amount])
        put(values, "currency", [price.currency], there=False)
    else:
        put(values, "price", [], there=there)
