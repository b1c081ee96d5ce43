"""Names of attributes in parameters: which of them are bounds of a range.

`attr.weight.min=2` asks for an attribute `weight` of at least 2. Some shops have attributes whose own names end so, such as
`voltage.min`. The rule: the name means the attribute that is called exactly so where a product has a number under it;
else it means the range where a product has a number under the name without the ending; else the attribute again, which is
then either a text or on no product.
"""

from __future__ import annotations

from typing import Literal

from django.db import connection

from catalog.filters.memory import remembered

PREFIX = "attr."
MAX_ATTRIBUTES = 32
_ENDINGS: tuple[tuple[str, Literal["min", "max"]], ...] = ((".min", "min"), (".max", "max"))


def bound_of(parameter: str) -> tuple[str, Literal["min", "max"]] | None:
    """`attr.weight.min` → `("weight", "min")` where that is a bound of a range, by the rule above; else None."""
    name = parameter.removeprefix(PREFIX)
    for ending, bound in _ENDINGS:
        base = name.removesuffix(ending)
        if parameter.startswith(PREFIX) and name.endswith(ending) and base:
            return (base, bound) if not has_numbers(name) and has_numbers(base) else None
    return None


@remembered
def has_numbers(name: str) -> bool:
    """Whether a product has a number under an attribute of that name, whatever the case."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM catalog_attributenumber WHERE name = catalog_fold(%s::text))", [name]
        )
        return bool(cursor.fetchone()[0])
