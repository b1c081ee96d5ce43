"""A product in a path: its id, or `sku:` and its SKU."""

from __future__ import annotations

from dataclasses import dataclass
from unicodedata import normalize

from django.urls import register_converter

from catalog.texts import text_problem

_SKU = "sku:"


@dataclass(frozen=True)
class ProductName:
    """A product by its id, or by its SKU in NFC."""

    id: int | None = None
    sku: str = ""

    def __str__(self) -> str:
        return str(self.id) if self.id is not None else f"{_SKU}{self.sku}"


class SkuOrId:
    """The path converter `product`."""

    regex = r"[0-9]+|sku:[^/]+"

    def to_python(self, value: str) -> ProductName:
        """Raises ValueError, which Django answers with 404, for a text that no product is called by, or thousands of digits."""
        if problem := text_problem(value):
            raise ValueError(problem)
        if value.startswith(_SKU):
            return ProductName(sku=normalize("NFC", value.removeprefix(_SKU)))
        return ProductName(id=int(value))

    def to_url(self, value: ProductName | int | str) -> str:
        return str(value)


register_converter(SkuOrId, "product")
