"""What a person sees of products that show the same photo: pictures side by side, and past decisions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from catalog.models import Product, ProductImage
from catalog.representation import price_text, thumbnail_url
from recommender.models import DuplicateCluster, DuplicateDecision

SHOWN = 24  # products of one cluster


@dataclass(frozen=True)
class Shown:
    """A product beside the others of its cluster. `thumbnail`: address of the photo that is alike."""

    id: int
    title: str
    sku: str
    brand: str
    group: str
    price: str
    category: str
    published: bool
    thumbnail: str


@dataclass(frozen=True)
class ShownCluster:
    """`more`: products that are not shown. `percent`: how alike the two most alike are; None where that is not known."""

    id: int
    products: Sequence[Shown]
    more: int
    percent: float | None


@dataclass(frozen=True)
class ShownDecision:
    """A decision, with the first of its products."""

    id: int
    kind: str
    products: Sequence[Shown]
    count: int
    group: str
    by: str
    at: datetime


def shown_clusters(clusters: Iterable[DuplicateCluster]) -> list[ShownCluster]:
    """Clusters with their products, in a fixed number of statements; those whose products are gone are left out."""
    found = list(clusters)
    by_image = _by_image(image for one in found for image in one.images[:SHOWN])
    shown = []
    for one in found:
        products = [by_image[image] for image in one.images[:SHOWN] if image in by_image]
        if len(products) > 1:
            more = max(0, len(one.products) - SHOWN)
            shown.append(ShownCluster(one.pk, products, more, None if one.cosine is None else 100 * one.cosine))
    return shown


def shown_decisions(decisions: Iterable[DuplicateDecision]) -> list[ShownDecision]:
    """Decisions with up to six of their products."""
    found = list(decisions)
    by_image = _by_image(image for one in found for image in one.images[:6])
    return [
        ShownDecision(
            id=one.pk,
            kind=one.get_kind_display(),
            products=[by_image[image] for image in one.images[:6] if image in by_image],
            count=len(one.products),
            group=one.group,
            by=one.decided_by.get_username() if one.decided_by else "somebody who is gone",
            at=one.decided_at,
        )
        for one in found
    ]


def _by_image(image_ids: Iterable[int]) -> dict[int, Shown]:
    images = ProductImage.objects.filter(pk__in=list(image_ids)).exclude(digest="").select_related("product__category")
    return {image.pk: _shown(image.product, image) for image in images}


def _shown(product: Product, image: ProductImage) -> Shown:
    price = price_text(product.price, product.currency)
    return Shown(
        id=product.pk,
        title=product.title,
        sku=product.sku,
        brand=product.brand,
        group=product.group,
        price="" if price is None else f"{price} {product.currency}".strip(),
        category=product.category.name if product.category else "",
        published=product.published,
        thumbnail=thumbnail_url(image.digest),
    )
