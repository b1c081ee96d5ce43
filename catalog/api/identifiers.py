"""Products in paths: `products/17/` and `products/sku:CL-DRES-000/`."""

from __future__ import annotations

from django.urls import register_converter

from catalog.identifiers import PREFIX, ProductName, read_name


class ProductConverter:
    """`<product:product>` in a route. A SKU may hold anything, slashes too, for servers decode a path before they read it."""

    regex = r"[0-9]+|sku:(?s:.+)"

    def to_python(self, value: str) -> ProductName:
        """Raises ValueError, after which the route is not the one."""
        return read_name(value) if value.startswith(PREFIX) else ProductName(id=int(value))

    def to_url(self, value: ProductName | int | str) -> str:
        return str(value)


register_converter(ProductConverter, "product")
