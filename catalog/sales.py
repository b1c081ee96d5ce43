"""Sales: which price is paid now, and how that changes by itself when a sale begins or ends."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TypedDict

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from catalog import announce
from catalog.models import Product

FIELDS = ("price", "list_price", "sale_price", "sale_from", "sale_until")
BATCH = 500
SECONDS = 20.0  # a run ends after so long; the next one goes on


@dataclass(frozen=True)
class Sale:
    """A price for a time. `begins`: None: it has begun; `ends`: the first moment without it, None: it does not end."""

    price: Decimal
    begins: datetime | None = None
    ends: datetime | None = None

    def is_over(self, now: datetime) -> bool:
        return self.ends is not None and self.ends <= now

    def is_on(self, now: datetime) -> bool:
        return not self.is_over(now) and (self.begins is None or self.begins <= now)


class PriceCells(TypedDict, total=False):
    """What somebody says of a product's prices; what is not there is left as it is."""

    regular: Decimal | None
    sale: Decimal | None
    begins: datetime | None
    ends: datetime | None


@dataclass(frozen=True)
class Pricing:
    """A product's price without a sale, and its sale, on or yet to begin."""

    regular: Decimal | None
    sale: Sale | None = None

    @classmethod
    def of(cls, product: Product) -> Pricing:
        """What a product's fields say."""
        regular = product.price if product.list_price is None else product.list_price
        if product.sale_price is None:
            return cls(regular)
        return cls(regular, Sale(product.sale_price, product.sale_from, product.sale_until))

    def changed(self, cells: PriceCells) -> Pricing:
        """With what the cells say, and without a sale where they say that there is none."""
        before = self.sale
        price = cells.get("sale", before.price if before else None)
        begins = cells.get("begins", before.begins if before else None)
        ends = cells.get("ends", before.ends if before else None)
        return Pricing(cells.get("regular", self.regular), None if price is None else Sale(price, begins, ends))

    def fields(self, now: datetime) -> dict[str, Decimal | datetime | None]:
        """The values of FIELDS. A sale that is over, or that saves nothing, is none."""
        sale = self.sale
        if sale is None or sale.is_over(now) or self.regular is None or sale.price >= self.regular:
            return {
                "price": self.regular,
                "list_price": None,
                "sale_price": None,
                "sale_from": None,
                "sale_until": None,
            }
        on = sale.is_on(now)
        return {
            "price": sale.price if on else self.regular,
            "list_price": self.regular if on else None,
            "sale_price": sale.price,
            "sale_from": sale.begins,
            "sale_until": sale.ends,
        }


def apply(product: Product, pricing: Pricing, now: datetime) -> None:
    """Give a product, which the caller saves, the fields of a pricing."""
    for name, value in pricing.fields(now).items():
        setattr(product, name, value)


def turn(*, now: datetime | None = None, seconds: float = SECONDS) -> int:
    """Begin and end the sales that are due, in small batches; how many products changed. Harmless at any time, in parallel."""
    moment = now or timezone.now()
    stops = time.monotonic() + seconds
    turned = 0
    while time.monotonic() < stops and (batch := _turn_batch(moment)):
        turned += batch
    return turned


def _turn_batch(now: datetime) -> int:
    """Products that another process holds are left to the next run. Every product taken is due no more afterwards."""
    begins = Q(sale_price__isnull=False, list_price__isnull=True) & (Q(sale_from=None) | Q(sale_from__lte=now))
    ends = Q(list_price__isnull=False, sale_until__isnull=False, sale_until__lte=now)
    with transaction.atomic():
        products = [
            product
            for due in (begins, ends)
            for product in Product.objects.filter(due)
            .order_by()
            .select_for_update(skip_locked=True, no_key=True)[:BATCH]
        ]
        for product in products:
            apply(product, Pricing.of(product), now)
            product.updated_at = now
        Product.objects.bulk_update(products, [*FIELDS, "updated_at"])
        announce.products_changed([product.pk for product in products], hidden=False)
    return len(products)
