"""How callers name a product: by its number, or by `sku:` and its SKU, as in `sku:CL-DRES-000`."""

from __future__ import annotations

from dataclasses import dataclass

PREFIX = "sku:"


@dataclass(frozen=True)
class ProductName:
    """What a caller wrote for a product: `id`, which no product need have, or else `sku`, as it was written."""

    id: int | None = None
    sku: str = ""

    def __str__(self) -> str:
        return f"{PREFIX}{self.sku}" if self.id is None else str(self.id)
