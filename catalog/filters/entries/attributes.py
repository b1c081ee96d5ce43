"""`attr.colour=red&attr.colour=blue`: products whose attribute has one of the values; different attributes must all hold.

Names and values match whatever their case. `attr.weight.min=2` is read here only where it is no range
(catalog.filters.attribute_names).
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString, Self

from catalog.filters.attribute_names import MAX_ATTRIBUTES, PREFIX, bound_of
from catalog.filters.base import Condition, Filter, Parameter
from catalog.parameters import MAX_VALUES, InvalidParameter, Parameters

_EXACT = 2**53  # from here on a float written as a whole number has digits that it does not hold


@dataclass(frozen=True)
class Attributes(Filter):
    """`wanted`: attributes in the order of their names, each with the values of which one must hold."""

    wanted: tuple[tuple[str, tuple[str, ...]], ...]

    parameters = (
        Parameter(
            PREFIX,
            {"type": "string"},
            "An attribute's value, such as attr.colour=red, whatever its case; repeated: any of the values."
            f" At most {MAX_ATTRIBUTES} attributes, and {MAX_VALUES} values of all parameters together.",
            many=True,
            open=True,
        ),
    )

    @classmethod
    def check(cls, parameters: Parameters) -> None:
        names = [name for name in parameters if name.startswith(PREFIX)]
        if len(names) > MAX_ATTRIBUTES:
            raise InvalidParameter(
                names[MAX_ATTRIBUTES], f"more than {MAX_ATTRIBUTES} attributes; ask for {MAX_ATTRIBUTES} at most"
            )

    @classmethod
    def read(cls, parameters: Parameters) -> Self | None:
        wanted = {}
        for name, values in parameters.items():
            if name.startswith(PREFIX) and values and bound_of(name) is None:
                if name == PREFIX:
                    raise InvalidParameter(name, "the attribute's name is missing: attr.colour=red")
                wanted[name.removeprefix(PREFIX)] = tuple(dict.fromkeys(values))
        return cls(tuple(sorted(wanted.items()))) if wanted else None

    @property
    def conditions(self) -> tuple[Condition, ...]:
        text: LiteralString = "{product}.folded_attributes @@ catalog_fold({path}::text)::jsonpath"
        return (Condition(text, {"path": self._path()}),)

    def _path(self) -> str:
        """Every attribute has one of its values, as a jsonpath: `($."colour" == "red" || $."colour" == "blue") && ($."n" == "7" || …)`.

        One parameter of one statement, however many attributes and values there are. The GIN index looks for all of them
        in one scan; asked by several `@> ANY`, it would scan once for every combination of their values. A path takes an
        element of a list for the value. What it quotes is JSON, so nothing that a caller writes is read as a path. Postgres folds
        the path as it folded what products hold; what stands between the quotes' ends has no case.
        """
        return " && ".join(f"({self._any_of(name, values)})" for name, values in self.wanted)

    @staticmethod
    def _any_of(name: str, values: Sequence[str]) -> str:
        return " || ".join(f"$.{_json(name)} == {_json(form)}" for value in values for form in _forms(value))


def _forms(value: str) -> list[object]:
    """How a value that a caller writes as text may stand in JSON: as text, number or truth value."""
    if value in ("true", "false"):
        return [value, value == "true"]
    try:
        number = float(value)
    except ValueError:
        return [value]
    if not math.isfinite(number):
        return [value]
    return [value, int(number) if number.is_integer() and abs(number) < _EXACT else number]


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
