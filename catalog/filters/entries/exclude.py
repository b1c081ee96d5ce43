"""`exclude=17,sku:SKU-3`: products that are not to be answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from catalog.filters.base import Condition, Filter, Parameter
from catalog.identifiers import read_names
from catalog.parameters import MAX_ID, Parameters

_MOST = 1000


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
            "Products never answered: ids, or `sku:` and a SKU; several by repetition or comma. What is no number is a SKU,"
            " also without `sku:`. A SKU with a comma in it stands alone, after `sku:`.",
            many=True,
        ),
    )

    @classmethod
    def read(cls, parameters: Parameters) -> Self | None:
        """Those that no product has exclude nothing."""
        names = read_names(parameters, "exclude", most=_MOST, bare=True, published=False)
        ids = tuple(dict.fromkeys(pk for pk in names.values() if pk is not None and pk <= MAX_ID))
        return cls(products=ids) if ids else None

    @property
    def conditions(self) -> tuple[Condition, ...]:
        found = []
        if self.products:
            found.append(Condition("{product}.id <> ALL ({products}::bigint[])", {"products": list(self.products)}))
        if self.groups:
            found.append(Condition("{product}.variant_group <> ALL ({groups}::text[])", {"groups": list(self.groups)}))
        return tuple(found)
