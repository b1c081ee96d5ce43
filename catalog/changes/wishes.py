"""What a caller wants a product to be. What is not said is left as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Literal, TypedDict

from catalog.categories import Path

AttributeValue = str | list[str]


class Prices(TypedDict, total=False):
    """Prices as answers show them; see catalog.changes.pricing for how they go together."""

    price: Decimal | None
    list_price: Decimal | None
    sale_price: Decimal | None
    sale_from: datetime | None
    sale_until: datetime | None


@dataclass(frozen=True)
class CategoryWish:
    """A category by its slug, which must be there, or by its path, which is made. `member`: where it was named."""

    member: str
    slug: str = ""
    path: Path = ()


@dataclass(frozen=True)
class PhotoWish:
    """A photo of the product by its `id`, or one to be fetched from a `url`. `alt`: None: as it is. `member`: where it was named."""

    member: str
    id: int | None = None
    url: str = ""
    alt: str | None = None


@dataclass(frozen=True)
class ProductWish:
    """`fields`: values by name of Product. `attributes` are merged into those that are there, where None takes one away; of a
    `whole` wish they replace them, and prices begin anew. `category`: None: it is not said; (): none. `photos`: all of them.
    """

    fields: Mapping[str, object] = field(default_factory=dict)
    prices: Prices = field(default_factory=Prices)
    attributes: Mapping[str, AttributeValue | None] | None = None
    category: tuple[CategoryWish, ...] | None = None
    further: Sequence[CategoryWish] | None = None
    photos: Sequence[PhotoWish] | None = None
    whole: bool = False

    @property
    def categories(self) -> tuple[CategoryWish, ...]:
        """All that are named."""
        return (*(self.category or ()), *(self.further or ()))


class Operation(Enum):
    """CREATE makes a product that is not there; REPLACE gives one all its values anew, and by SKU makes it where it is missing."""

    CREATE = "create"
    REPLACE = "replace"
    PATCH = "patch"
    DELETE = "delete"


@dataclass(frozen=True)
class Target:
    """A product by its id, or by its SKU in NFC."""

    id: int | None = None
    sku: str = ""

    def __str__(self) -> str:
        return str(self.id) if self.id is not None else f"sku:{self.sku}"


@dataclass(frozen=True)
class Change:
    """One product's change. `if_match`: the versions it may have, "" for any; `if_none`: it must not be there.

    `same_id`: the id that the caller takes the product to have; None: they do not say. `at`: where the change stands in the
    caller's body, such as `items/3`.
    """

    operation: Operation
    target: Target
    wish: ProductWish = field(default_factory=ProductWish)
    if_match: str = ""
    if_none: bool = False
    same_id: int | None = None
    at: str = ""


Done = Literal["created", "changed", "unchanged", "deleted"]


@dataclass(frozen=True)
class Outcome:
    """What became of a change. `version`: the product's now; "" of a deleted one."""

    done: Done
    id: int
    sku: str
    version: str = ""
