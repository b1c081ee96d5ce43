"""What rules add to the conditions of a search: filters that no caller can choose."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import LiteralString, Self

from catalog.filters.base import Condition, Filter
from catalog.filters.entries.attributes import Attributes
from catalog.parameters import Parameters


@dataclass(frozen=True)
class PriceBand:
    """Prices from `least` to `most`, both included, None: no bound; in `currency`, in capitals."""

    least: Decimal | None
    most: Decimal | None
    currency: str

    def holds(self, price: Decimal | None, currency: str) -> bool:
        """Whether a price lies within; a product without one does not."""
        if price is None or currency != self.currency:
            return False
        return (self.least is None or price >= self.least) and (self.most is None or price <= self.most)


class _OfRules(Filter):
    """A filter that stands in no caller's parameters."""

    parameters = ()
    narrows = False  # what it drops is little beside what it leaves

    @classmethod
    def read(cls, parameters: Parameters) -> Self | None:
        return None


@dataclass(frozen=True)
class Hidden(_OfRules):
    """Products that are never shown: with all of their variant group, those of a brand, with an attribute's value, or in a price band.

    `attributes`: pairs of name and value.
    """

    products: tuple[int, ...] = ()
    brands: tuple[str, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()
    bands: tuple[PriceBand, ...] = ()

    @property
    def conditions(self) -> tuple[Condition, ...]:
        found = []
        if self.products:
            text: LiteralString = """NOT ({product}.id = ANY ({hidden}::bigint[]) OR {product}.variant_group IN (
                SELECT h.variant_group FROM catalog_product h WHERE h.id = ANY ({hidden}::bigint[]) AND h.variant_group <> ''
            ))"""
            found.append(Condition(text, {"hidden": list(self.products)}))
        if self.brands:
            text = "{product}.folded_brand <> ALL (catalog_fold({brands}::text[]))"
            found.append(Condition(text, {"brands": list(self.brands)}))
        if self.attributes:
            text = "({product}.folded_attributes @@ catalog_fold({path}::text)::jsonpath) IS NOT TRUE"
            found.append(Condition(text, {"path": " || ".join(f"({path_of(*one)})" for one in self.attributes)}))
        if self.bands:
            text = """NOT EXISTS (
                SELECT FROM unnest({least}::numeric[], {most}::numeric[], {currencies}::text[]) band (least, most, currency)
                WHERE {product}.amount >= coalesce(band.least, 0) AND {product}.amount <= coalesce(band.most, 'Infinity')
                    AND upper({product}.currency) = band.currency
            )"""
            values = {
                "least": [one.least for one in self.bands],
                "most": [one.most for one in self.bands],
                "currencies": [one.currency for one in self.bands],
            }
            found.append(Condition(text, values))
        return tuple(found)


@dataclass(frozen=True)
class Pinned(_OfRules):
    """These products and no others."""

    products: tuple[int, ...]

    narrows = True

    @property
    def conditions(self) -> tuple[Condition, ...]:
        return (Condition("{product}.id = ANY ({pinned}::bigint[])", {"pinned": list(self.products)}),)


@dataclass(frozen=True)
class InStock(_OfRules):
    """Products that can be bought now, where most can: like the caller's filter, but how many pass is not estimated first."""

    @property
    def conditions(self) -> tuple[Condition, ...]:
        return (Condition("{product}.in_stock"),)


def path_of(name: str, value: str) -> str:
    """The jsonpath that holds for a product whose attribute has the value, as the filter of attributes writes it."""
    (condition,) = Attributes(((name, (value,)),)).conditions
    return str(condition.values["path"])
