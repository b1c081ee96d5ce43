"""`attr.weight.min=2&attr.weight.max=5`: products one of whose numbers under the attribute is within the bounds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import LiteralString, Self

from catalog.filters.attribute_names import PREFIX, bound_of
from catalog.filters.base import Condition, Filter, Parameter
from catalog.parameters import InvalidParameter, Parameters, number_in, quoted, read_one

_EXISTS: LiteralString = """EXISTS (
    SELECT FROM catalog_attributenumber n WHERE n.product_id = {product}.id
    AND n.name = catalog_fold({name}::text) AND n.value BETWEEN {least}::float8 AND {most}::float8
)"""
_LISTED: LiteralString = """{product}.id = ANY (ARRAY(
    SELECT n.product_id FROM catalog_attributenumber n
    WHERE n.name = catalog_fold({name}::text) AND n.value BETWEEN {least}::float8 AND {most}::float8
))"""
_RULE = (
    "An attribute whose own name ends in .min or .max and that holds numbers is asked for by its name, as any other; there is then"
    " no range."
)


@dataclass(frozen=True)
class AttributeRanges(Filter):
    """`ranges`: attributes in the order of their names, each with its bounds, which are included; infinite: none."""

    ranges: tuple[tuple[str, float, float], ...]

    parameters = (
        Parameter(
            PREFIX,
            {"type": "number"},
            f"The least number of an attribute, such as attr.weight.min=2. {_RULE}",
            open=True,
            ending=".min",
        ),
        Parameter(
            PREFIX,
            {"type": "number"},
            f"The greatest number of an attribute, such as attr.weight.max=5. {_RULE}",
            open=True,
            ending=".max",
        ),
    )

    @classmethod
    def read(cls, parameters: Parameters) -> Self | None:
        bounds: dict[str, dict[str, float]] = {}
        for parameter in parameters:
            bound = bound_of(parameter)
            if bound is None or (value := read_one(parameters, parameter)) is None:
                continue
            number = number_in(value)
            if not math.isfinite(number):
                raise InvalidParameter(parameter, f"{quoted(value)} is no number; write it like 2.5")
            bounds.setdefault(bound[0], {})[bound[1]] = number
        ranges = []
        for name, found in sorted(bounds.items()):
            least, most = found.get("min", -math.inf), found.get("max", math.inf)
            if least > most:
                raise InvalidParameter(f"{PREFIX}{name}.min", f"{least:g} is more than {PREFIX}{name}.max {most:g}")
            ranges.append((name, least, most))
        return cls(tuple(ranges)) if ranges else None

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Where few pass, their ids are read first. Asked for that by EXISTS, Postgres would read the ids of all products to
        join them; asked by a list where many pass, it would first write all of those down."""
        return tuple(
            Condition(_EXISTS, {"name": name, "least": least, "most": most}, where_few=_LISTED)
            for name, least, most in self.ranges
        )
