"""Hits → what the API shows of their products, by one query and without model instances.

Field names and order are those of catalog.representation, with the matching photo in place of all photos.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import orjson

from catalog.representation import photo_url, price_text, thumbnail_url
from recommender.index.session import rows

PRODUCTS = """
SELECT i.id, p.id, p.sku, p.variant_group, p.title, p.description, c.slug, c.name, p.brand, p.price, p.currency,
    p.in_stock, p.url, p.attributes::text, i.file, i.digest, i.width, i.height
FROM catalog_productimage i JOIN catalog_product p ON p.id = i.product_id LEFT JOIN catalog_category c ON c.id = p.category_id
WHERE i.id = ANY (%s::bigint[]) AND p.published
"""


def products_by_image(image_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """The published products of photos, by photo: a product's fields and `image`, that photo's."""
    if not image_ids:
        return {}
    return {
        image_id: {
            "id": product_id,
            "sku": sku,
            "group": group,
            "title": title,
            "description": description,
            "category": None if slug is None else {"slug": slug, "name": name},
            "brand": brand,
            "price": None if price is None else price_text(price),
            "currency": currency,
            "in_stock": in_stock,
            "url": url,
            "attributes": orjson.Fragment(attributes),
            "image": {"url": photo_url(file), "thumbnail": thumbnail_url(digest), "width": width, "height": height},
        }
        for (
            image_id,
            product_id,
            sku,
            group,
            title,
            description,
            slug,
            name,
            brand,
            price,
            currency,
            in_stock,
            url,
            attributes,
            file,
            digest,
            width,
            height,
        ) in rows(PRODUCTS, [list(image_ids)])
    }
