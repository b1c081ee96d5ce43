"""`brand=Aalto`: products of one of the brands, in capitals or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import LiteralString, Self

from django.db import connection

from catalog.filters.base import Condition, Filter, Parameter
from catalog.parameters import MAX_VALUES, InvalidParameter, Parameters


@dataclass(frozen=True)
class Brand(Filter):
    """`names`: brands as callers write them; Postgres folds them as it folded those of products (migration 0003)."""

    names: tuple[str, ...]

    parameters = (
        Parameter("brand", {"type": "string"}, "Brand, whatever its case; several by repetition or comma.", many=True),
    )

    @classmethod
    def read(cls, parameters: Parameters) -> Self | None:
        """A brand that has a comma in its own name is taken whole."""
        names: list[str] = []
        for value in map(str.strip, parameters.get("brand", ())):
            whole = "," in value and is_brand(value)
            names += [value] if whole else [part.strip() for part in value.split(",")]
        if len(names) > MAX_VALUES:
            raise InvalidParameter("brand", f"{len(names)} brands; at most {MAX_VALUES}")
        chosen = tuple(dict.fromkeys(filter(None, names)))
        return cls(chosen) if chosen else None

    @property
    def conditions(self) -> tuple[Condition, ...]:
        text: LiteralString = "{product}.folded_brand = ANY (catalog_fold({names}::text[]))"
        return (Condition(text, {"names": list(self.names)}),)


def is_brand(name: str) -> bool:
    """Whether a published product has the brand."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM catalog_product WHERE published AND folded_brand = catalog_fold(%s::text))",
            [name],
        )
        return bool(cursor.fetchone()[0])
