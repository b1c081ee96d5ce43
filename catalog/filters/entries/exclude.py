"""`exclude=17,SKU-3`: products that are not to be answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self
from unicodedata import normalize

from catalog.filters.base import Condition, Filter, Parameter
from catalog.models import Product
from catalog.parameters import MAX_ID, InvalidParameter, Parameters, read_listed

_MOST = 1000
_ID_DIGITS = len(str(MAX_ID))


@dataclass(frozen=True)
class Excluded(Filter):
    """Product ids, and variant groups by name, of which none passes. They are a handful, so they narrow nothing."""

    products: tuple[int, ...] = ()
    groups: tuple[str, ...] = ()

    narrows = False
    parameters = (
        Parameter(
            "exclude",
            {"type": "string"},
            "Products never answered: ids, or SKUs; several by repetition or comma.",
            many=True,
        ),
    )

    @classmethod
    def read(cls, parameters: Parameters) -> Self | None:
        """Product ids, or SKUs where a value is no number. Those that no product has exclude nothing."""
        values = read_listed(parameters, "exclude", most=_MOST)
        numbers = [value for value in values if value.isascii() and value.isdigit()]
        for value in numbers:
            if len(value) > _ID_DIGITS:  # no id is so long, and Python refuses to convert thousands of digits
                raise InvalidParameter("exclude", f"{value[:_ID_DIGITS]}… ({len(value)} digits) is no product id")
        ids = [number for number in map(int, numbers) if number <= MAX_ID]
        skus = [value for value in values if value not in numbers]
        if skus:
            forms = {form for sku in skus for form in (sku, normalize("NFC", sku), normalize("NFD", sku))}
            ids += Product.objects.filter(sku__in=forms).order_by("pk").values_list("pk", flat=True)
        return cls(products=tuple(ids)) if ids else None

    @property
    def conditions(self) -> tuple[Condition, ...]:
        found = []
        if self.products:
            found.append(Condition("{product}.id <> ALL ({products}::bigint[])", {"products": list(self.products)}))
        if self.groups:
            found.append(Condition("{product}.variant_group <> ALL ({groups}::text[])", {"groups": list(self.groups)}))
        return tuple(found)
