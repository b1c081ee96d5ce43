"""`in_stock=true`: products that can be bought now, or those that cannot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from catalog.filters.base import Condition, Filter, Parameter
from catalog.parameters import Parameters, read_truth


@dataclass(frozen=True)
class Stock(Filter):
    """`available`: whether products in stock pass, or those out of stock."""

    available: bool

    parameters = (Parameter("in_stock", {"type": "boolean"}, "true or false."),)

    @classmethod
    def read(cls, parameters: Parameters) -> Self | None:
        available = read_truth(parameters, "in_stock")
        return None if available is None else cls(available)

    @property
    def conditions(self) -> tuple[Condition, ...]:
        return (Condition("{product}.in_stock" if self.available else "NOT {product}.in_stock"),)
