"""The products of an answer, read by one prepared statement and without model instances."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any

import orjson

from catalog.attributes import flat, flat_text
from catalog.fields import Fields, pick
from catalog.representation import ProductValues, columns_left_out, photo_json, product_columns, product_fields
from recommender.index.session import rows

# The matching photo first, then the product as the catalogue's representation reads it.
_PRODUCTS = """
SELECT i.id, i.file, i.digest, i.width, i.height, {columns}
FROM catalog_productimage i JOIN catalog_product p ON p.id = i.product_id LEFT JOIN catalog_category c ON c.id = p.category_id
WHERE i.id = ANY (%s::bigint[]) AND p.published
"""


@cache
def statement(left_out: tuple[str, ...] = ()) -> str:
    """What reads the products of photos, without those of the long columns: few statements, which stay prepared."""
    return _PRODUCTS.format(columns=product_columns(left_out))


def products_by_image(image_ids: Collection[int], fields: Fields | None = None) -> dict[int, dict[str, Any]]:
    """The published products of photos, by photo: what the catalogue says of a product, and that photo as `image`.

    `fields`: of all this, what is wanted. Attributes go from Postgres' text into JSON as they are, unless they are nested or
    single ones are wanted.
    """
    if not image_ids:
        return {}
    found: dict[int, dict[str, Any]] = {}
    single = fields is not None and fields.get("attributes") is not None
    for image_id, file, digest, width, height, *values in rows(statement(columns_left_out(fields)), [list(image_ids)]):
        product = ProductValues._make(values)
        shown = product_fields(product)
        text = product.attributes
        shown["attributes"] = flat(orjson.loads(text)) if single else orjson.Fragment(flat_text(text))
        shown["image"] = photo_json(file=file, digest=digest, width=width, height=height)
        found[image_id] = pick(shown, fields)
    return found
