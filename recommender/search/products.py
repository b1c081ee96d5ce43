"""The products of an answer, read by one prepared statement and without model instances."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import orjson

from catalog.attributes import flat_text
from catalog.representation import PRODUCT_COLUMNS, ProductValues, photo_json, product_fields
from recommender.index.session import rows

# The matching photo first, then the product as the catalogue's representation reads it.
PRODUCTS = f"""
SELECT i.id, i.file, i.digest, i.width, i.height, {PRODUCT_COLUMNS}
FROM catalog_productimage i JOIN catalog_product p ON p.id = i.product_id LEFT JOIN catalog_category c ON c.id = p.category_id
WHERE i.id = ANY (%s::bigint[]) AND p.published
"""  # noqa: S608 (column names of our own)


def products_by_image(image_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """The published products of photos, by photo: what the catalogue says of a product, and that photo as `image`.

    Attributes go from Postgres' text into JSON as they are, unless they are nested.
    """
    if not image_ids:
        return {}
    found: dict[int, dict[str, Any]] = {}
    for image_id, file, digest, width, height, *values in rows(PRODUCTS, [list(image_ids)]):
        product = ProductValues._make(values)
        shown = found[image_id] = product_fields(product)
        shown["attributes"] = orjson.Fragment(flat_text(product.attributes))
        shown["image"] = photo_json(file=file, digest=digest, width=width, height=height)
    return found
