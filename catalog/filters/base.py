"""What a filter of products is: a class that says how callers write it, and instances of it, each what one caller chose.

@dataclass(frozen=True)
class Sku(Filter):
    skus: tuple[str, ...]
    parameters = (Parameter("sku", {"type": "string"}, "SKU; several by repetition or comma.", many=True),)

    @classmethod
    def read(cls, parameters: Parameters) -> Self | None:
        skus = read_listed(parameters, "sku", most=MAX_VALUES)
        return cls(tuple(skus)) if skus else None

    @property
    def conditions(self) -> tuple[Condition, ...]:
        return (Condition("{product}.sku = ANY ({skus}::text[])", {"skus": list(self.skus)}),)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from string import Formatter
from typing import ClassVar, LiteralString, Self

from psycopg import sql

from catalog.parameters import Parameters


@dataclass(frozen=True)
class Parameter:
    """A parameter of a filter, for reading and for the OpenAPI schema.

    `schema`: OpenAPI's of one value. `many`: may be repeated. `open`: `name` is what the name begins with and `ending` what it
    ends with, and callers write what is between.
    """

    name: str
    schema: Mapping[str, object]
    help: str
    many: bool = False
    open: bool = False
    ending: str = ""

    def takes(self, name: str) -> bool:
        """Whether a caller who writes `name` means this parameter."""
        if not self.open:
            return name == self.name
        return name.startswith(self.name) and name.endswith(self.ending)

    def written(self, between: str) -> str:
        """The name as a caller writes it, with `between` where it is open."""
        return f"{self.name}{between}{self.ending}" if self.open else self.name


@dataclass(frozen=True)
class Condition:
    """SQL that is true for the rows of catalog_product that pass.

    In `text`, `{product}` stands for the table's alias and `{name}` for a value of `values`; a per cent sign is written
    twice. Values never change the text, so that few statements are ever prepared.

    `where_few`: the same condition for a statement that expects few products to pass and begins with those; None: no other.
    """

    text: LiteralString
    values: Mapping[str, object] = field(default_factory=dict)
    where_few: LiteralString | None = None


def compose(text: LiteralString, *, product: str, value: Callable[[str], sql.Composable]) -> sql.Composed:
    """A condition's text as SQL: `product` is the table's alias, `value` makes the placeholder of a value by its name."""
    return sql.SQL(text).format(
        product=sql.Identifier(product), **{name: value(name) for name in names_in(text) if name != "product"}
    )


def names_in(text: LiteralString) -> list[str]:
    """The names in braces in the order in which they stand, each as often as it does."""
    return [name for _, name, _, _ in Formatter().parse(text) if name]


class Filter(ABC):
    """One filter. Subclasses are frozen dataclasses, comparable and hashable: equal filters are answered together.

    `parameters`: what callers write. `narrows`: whether it may leave out much of the catalogue, so that it is worth
    estimating how many products pass.
    """

    parameters: ClassVar[tuple[Parameter, ...]]
    narrows: ClassVar[bool] = True

    @classmethod
    def check(cls, parameters: Parameters) -> None:
        """What must hold before any value is looked at, such as how many names there are. Raises InvalidParameter."""
        return

    @classmethod
    @abstractmethod
    def read(cls, parameters: Parameters) -> Self | None:
        """What a caller chose; None where it is not given. Raises InvalidParameter."""

    @property
    @abstractmethod
    def conditions(self) -> tuple[Condition, ...]:
        """Which products pass: those for which all of them hold."""

    @property
    def named(self) -> Mapping[str, str]:
        """What an answer's `query` says about it: what was chosen on the caller's behalf."""
        return {}
