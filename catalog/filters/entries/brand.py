"""`brand=Aalto`: products of one of the brands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from catalog.filters.base import Condition, Filter, Parameter
from catalog.models import Product
from catalog.parameters import MAX_VALUES, InvalidParameter, Parameters


@dataclass(frozen=True)
class Brand(Filter):
    """`names`: brands exactly as products hold them."""

    names: tuple[str, ...]

    parameters = (
        Parameter("brand", {"type": "string"}, "Brand, exactly as written; several by repetition or comma.", many=True),
    )

    @classmethod
    def read(cls, parameters: Parameters) -> Self | None:
        """A brand that has a comma in its own name is taken whole."""
        names: list[str] = []
        for value in map(str.strip, parameters.get("brand", ())):
            whole = "," in value and Product.objects.filter(published=True, brand=value).exists()
            names += [value] if whole else [part.strip() for part in value.split(",")]
        if len(names) > MAX_VALUES:
            raise InvalidParameter("brand", f"{len(names)} brands; at most {MAX_VALUES}")
        chosen = tuple(dict.fromkeys(filter(None, names)))
        return cls(chosen) if chosen else None

    @property
    def conditions(self) -> tuple[Condition, ...]:
        return (Condition("{product}.brand = ANY ({names}::text[])", {"names": list(self.names)}),)
