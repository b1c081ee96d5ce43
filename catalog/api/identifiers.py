"""Products in paths: `products/17/` and `products/sku:CL-DRES-000/`."""

from __future__ import annotations

from django.urls import register_converter

from catalog.identifiers import PREFIX, ProductName
from catalog.texts import text_problem


class SkuOrId:
    """`<product:product>` in a route. A SKU may hold anything, slashes too, for servers decode a path before they read it."""

    regex = r"[0-9]+|sku:.+"

    def to_python(self, value: str) -> ProductName:
        """Raises ValueError, after which the route is not the one."""
        if problem := text_problem(value):
            raise ValueError(problem)
        return ProductName(sku=value.removeprefix(PREFIX)) if value.startswith(PREFIX) else ProductName(id=int(value))

    def to_url(self, value: ProductName | int | str) -> str:
        return str(value)


register_converter(SkuOrId, "product")
