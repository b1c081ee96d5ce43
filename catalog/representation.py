"""Products as the API shows them: plain dicts in the order of the documented fields, made without a serializer.

Load products with `products_for_answers()` so that a page costs a fixed number of queries.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.core.files.storage import default_storage
from django.db.models import Prefetch, QuerySet

from catalog.models import Product, ProductImage

THUMBNAIL_URL = "/media/thumbnails/{}.jpg"
THUMBNAIL_SIDE = 400


def products_for_answers() -> QuerySet[Product]:
    """Published products with their category and their stored photos: two queries for any number of rows."""
    stored = ProductImage.objects.exclude(digest="").order_by("position", "id")
    return (
        Product.objects.filter(published=True).select_related("category").prefetch_related(Prefetch("images", stored))
    )


def product_json(product: Product) -> dict[str, Any]:
    category = product.category
    return {
        "id": product.pk,
        "sku": product.sku,
        "group": product.group,
        "title": product.title,
        "description": product.description,
        "category": None if category is None else {"slug": category.slug, "name": category.name},
        "brand": product.brand,
        "price": None if product.price is None else price_text(product.price),
        "currency": product.currency,
        "in_stock": product.in_stock,
        "url": product.url,
        "attributes": product.attributes,
        "images": [image_json(image, title=product.title) for image in product.images.all() if image.digest],
    }


def image_json(image: ProductImage, *, title: str = "") -> dict[str, Any]:
    """`title` of the product stands in for a missing alternative text."""
    return {
        "id": image.pk,
        "url": photo_url(str(image.file)),
        "thumbnail": thumbnail_url(image.digest),
        "width": image.width,
        "height": image.height,
        "position": image.position,
        "alt": image.alt or title,
    }


def photo_url(name: str) -> str:
    """Where browsers find a stored photo; `name` is its name in storage."""
    return default_storage.url(name)


def thumbnail_url(digest: str) -> str:
    return THUMBNAIL_URL.format(digest)


def price_text(price: Decimal) -> str:
    """Two decimals, always."""
    return f"{price:.2f}"
