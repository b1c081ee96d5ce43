"""Products and photos as the API shows them: plain dicts in the order of the documented fields, made without a serializer.

A product comes as a model, loaded with `products_for_answers()` so that a page costs a fixed number of queries, or as a
row that `product_columns` selects. Either way `product_fields` says what is shown: a new field is added in this file.
"""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from typing import Any, NamedTuple, overload

from django.conf import settings
from django.db.models import Prefetch, QuerySet

from catalog.attributes import flat
from catalog.currencies import shown_digits
from catalog.derivatives import derivative_extension, derivative_size
from catalog.fields import Fields, pick, wants
from catalog.models import Product, ProductImage

PHOTO_URL = "/media/photos/{}.{}"
THUMBNAIL_URL = "/media/thumbnails/{}.jpg"
THUMBNAIL_SIDE = 400


def products_for_answers(fields: Fields | None = None) -> QuerySet[Product]:
    """Published products with their category and their stored photos: two queries for any number of rows.

    What is long and not among `fields` is not read.
    """
    products = Product.objects.filter(published=True).select_related("category")
    if unread := columns_left_out(fields):
        products = products.defer(*unread)
    if not wants(fields, "images"):
        return products
    return products.prefetch_related(
        Prefetch("images", ProductImage.objects.exclude(digest="").order_by("position", "id"))
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
# The long ones, and what stands in their place where an answer is to be without them.
_LONG = {"description": "''", "attributes": "'{}'"}


def columns_left_out(fields: Fields | None) -> tuple[str, ...]:
    """Long columns that an answer of these fields needs not read."""
    return tuple(name for name in _LONG if not wants(fields, name))


def product_columns(left_out: Collection[str] = ()) -> str:
    """The columns of ProductValues in a SELECT, without the text of those of `columns_left_out`."""
    columns = {name: _ELSEWHERE.get(name, f"p.{name}") for name in ProductValues._fields}
    return ", ".join(_LONG[name] if name in left_out else column for name, column in columns.items())


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


def product_json(product: Product, fields: Fields | None = None) -> dict[str, Any]:
    """The catalogue's answer on a product: its fields and all its stored photos. `fields`: as it was loaded with."""
    shown = product_fields(product_values(product, columns_left_out(fields)))
    if wants(fields, "images"):
        shown["images"] = [image_json(image, title=product.title) for image in product.images.all() if image.digest]
    picked: dict[str, Any] = pick(shown, fields)
    return picked


def photo_json(*, file: str, digest: str, width: int | None, height: int | None) -> dict[str, Any]:
    """Where what is served of a stored photo is, and how large that is; `file`, `width` and `height` are the photo's own."""
    if width is not None and height is not None:
        width, height = derivative_size(width, height)
    return {
        "url": public_url(photo_url(digest, file)),
        "thumbnail": public_url(thumbnail_url(digest)),
        "width": width,
        "height": height,
    }


def public_url(path: str) -> str:
    """A path of this service as answers name it: under PUBLIC_URL, or as it is where that is not set."""
    return f"{settings.PUBLIC_URL}{path}"


def product_values(product: Product, left_out: Collection[str] = ()) -> ProductValues:
    """What answers say of a product that was read as a model, without the long columns `left_out`."""
    category = product.category
    return ProductValues(
        id=product.pk,
        sku=product.sku,
        group=product.group,
        title=product.title,
        description="" if "description" in left_out else product.description,
        category_slug=None if category is None else category.slug,
        category_name=None if category is None else category.name,
        brand=product.brand,
        price=product.price,
        list_price=product.list_price,
        currency=product.currency,
        in_stock=product.in_stock,
        url=product.url,
        attributes={} if "attributes" in left_out else flat(product.attributes),
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


def photo_url(digest: str, name: str) -> str:
    """The path of what is served of a stored photo, its derivative; `name` is the photo's name in storage."""
    return PHOTO_URL.format(digest, derivative_extension(name))


def thumbnail_url(digest: str) -> str:
    """The path of the thumbnail of a stored photo."""
    return THUMBNAIL_URL.format(digest)


@overload
def price_text(price: None, currency: str) -> None: ...


@overload
def price_text(price: Decimal, currency: str) -> str: ...


def price_text(price: Decimal | None, currency: str) -> str | None:
    """Two decimals, or the currency's if it has more: `12.90` of EUR, `3.125` of KWD."""
    return None if price is None else f"{price:.{shown_digits(currency)}f}"
