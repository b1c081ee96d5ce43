"""A product as those see it who may write it: what answers say, whether it is shown or not, and what answers do not say."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from catalog.changes.versions import version_of
from catalog.models import Category, Product, ProductCategory, ProductImage
from catalog.representation import photo_json, price_text, product_fields, product_values


def written_product(product_id: int) -> tuple[dict[str, Any], str] | None:
    """The product and its entity tag; None where it is gone meanwhile."""
    product = Product.objects.select_related("category").filter(pk=product_id).first()
    if product is None:
        return None
    further = Category.objects.filter(
        pk__in=ProductCategory.objects.filter(product=product_id).values("category")
    ).order_by("path")
    images = ProductImage.objects.filter(product=product_id).order_by("position", "id")
    told = {
        **product_fields(product_values(product)),
        "further_categories": [{"slug": category.slug, "name": category.name} for category in further],
        "published": product.published,
        "expires_at": _moment(product.expires_at),
        "sale_price": price_text(product.sale_price, product.currency),
        "sale_from": _moment(product.sale_from),
        "sale_until": _moment(product.sale_until),
        "images": [written_image(image) for image in images],
    }
    return told, f'"{version_of(product.pk, product.updated_at)}"'


def written_image(image: ProductImage) -> dict[str, Any]:
    """A photo with its own alternative text. One that is still to be fetched has no `url` yet."""
    stored = photo_json(file=str(image.file), digest=image.digest, width=image.width, height=image.height)
    return {
        "id": image.pk,
        **(stored if image.digest else dict.fromkeys(stored)),
        "position": image.position,
        "alt": image.alt,
        "source_url": image.source_url,
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")
