"""Products and photos as the API shows them: plain dicts in the order of the documented fields, made without a serializer.

A product comes as a model, loaded with `products_for_answers()` so that a page costs a fixed number of queries, or as a
row that PRODUCT_COLUMNS selected. Either way `product_fields` says what is shown: a new field is added in this file.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple, overload

from django.core.files.storage import default_storage
from django.db.models import Prefetch, QuerySet

from catalog.currencies import shown_digits
from catalog.models import Product, ProductImage

THUMBNAIL_URL = "/media/thumbnails/{}.jpg"
THUMBNAIL_SIDE = 400


def products_for_answers() -> QuerySet[Product]:
    """Published products with their category and their stored photos: two queries for any number of rows."""
    stored = ProductImage.objects.exclude(digest="").order_by("position", "id")
    return (
        Product.objects.filter(published=True).select_related("category").prefetch_related(Prefetch("images", stored))
    )


class ProductValues(NamedTuple):
    """What answers say of a product, as its row has it: one entry a field, of whatever was read (a model or SQL)."""

    id: int
    sku: str
    group: str
    title: str
    description: str
    category_slug: str | None
    category_name: str | None
    brand: str
    price: Decimal | None
    list_price: Decimal | None
    currency: str
    in_stock: bool
    url: str
    attributes: Any  # in SQL they come as text; whoever reads them there says how JSON takes them


# What reads ProductValues by SQL, in their order: from catalog_product p and, beside it, its catalog_category c.
_ELSEWHERE = {
    "group": "p.variant_group",
    "price": "p.amount",
    "category_slug": "c.slug",
    "category_name": "c.name",
    "attributes": "p.attributes::text",
}
PRODUCT_COLUMNS = ", ".join(_ELSEWHERE.get(name, f"p.{name}") for name in ProductValues._fields)


def product_fields(product: ProductValues) -> dict[str, Any]:
    """What every answer of the API says of a product, in its order; the photos that belong to the answer come after."""
    return {
        "id": product.id,
        "sku": product.sku,
        "group": product.group,
        "title": product.title,
        "description": product.description,
        "category": (
            None if product.category_slug is None else {"slug": product.category_slug, "name": product.category_name}
        ),
        "brand": product.brand,
        "price": price_text(product.price, product.currency),
        "list_price": price_text(product.list_price, product.currency),
        "currency": product.currency,
        "in_stock": product.in_stock,
        "url": product.url,
        "attributes": product.attributes,
    }


def product_json(product: Product) -> dict[str, Any]:
    """The catalogue's answer on a product: its fields and all its stored photos."""
    images = [image_json(image, title=product.title) for image in product.images.all() if image.digest]
    return {**product_fields(product_values(product)), "images": images}


def photo_json(*, file: str, digest: str, width: int | None, height: int | None) -> dict[str, Any]:
    """Where a stored photo is, and how large; `file` is its name in storage."""
    return {"url": photo_url(file), "thumbnail": thumbnail_url(digest), "width": width, "height": height}


def product_values(product: Product) -> ProductValues:
    """What answers say of a product that was read as a model."""
    category = product.category
    return ProductValues(
        id=product.pk,
        sku=product.sku,
        group=product.group,
        title=product.title,
        description=product.description,
        category_slug=None if category is None else category.slug,
        category_name=None if category is None else category.name,
        brand=product.brand,
        price=product.price,
        list_price=product.list_price,
        currency=product.currency,
        in_stock=product.in_stock,
        url=product.url,
        attributes=product.attributes,
    )


def image_json(image: ProductImage, *, title: str = "") -> dict[str, Any]:
    """A photo with its place and its alternative text, for which `title` (of the product) stands in where it has none."""
    photo = photo_json(file=str(image.file), digest=image.digest, width=image.width, height=image.height)
    return {
        "id": image.pk,
        **photo,
        "position": image.position,
        "alt": image.alt or title,
    }


def photo_url(name: str) -> str:
    """Where browsers find a stored photo; `name` is its name in storage."""
    return default_storage.url(name)


def thumbnail_url(digest: str) -> str:
    return THUMBNAIL_URL.format(digest)


@overload
def price_text(price: None, currency: str) -> None: ...


@overload
def price_text(price: Decimal, currency: str) -> str: ...


def price_text(price: Decimal | None, currency: str) -> str | None:
    """Two decimals, or the currency's if it has more: `12.90` of EUR, `3.125` of KWD."""
    return None if price is None else f"{price:.{shown_digits(currency)}f}"
