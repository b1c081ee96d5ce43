"""Products as lists show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from catalog.models import Product
from catalog.representation import products_for_answers
from catalog.storefront.pictures import Picture, picture_of
from catalog.storefront.port import Alike
from catalog.storefront.prices import money

EAGER = 6  # pictures that a window shows at first


@dataclass(frozen=True)
class Card:
    """`price` and `list_price` as a shopper reads them, "" where there is none. `eager`: shown before the page is scrolled."""

    id: int
    title: str
    brand: str
    price: str
    list_price: str
    sold_out: bool
    picture: Picture | None
    eager: bool


def cards_of(products: Sequence[Product], *, shown: Mapping[int, int] | None = None, eager: int = EAGER) -> list[Card]:
    """`products` as `products_for_answers` loads them. `shown`: by product the photo to show; else the first."""
    return [_card(product, (shown or {}).get(product.pk), place < eager) for place, product in enumerate(products)]


def cards_of_alike(found: Sequence[Alike]) -> list[Card]:
    """In their order; what was hidden meanwhile is left out."""
    products = products_for_answers().defer("description", "attributes").in_bulk([one.product_id for one in found])
    listed = [products[one.product_id] for one in found if one.product_id in products]
    return cards_of(listed, shown={one.product_id: one.image_id for one in found}, eager=0)


def price_of(product: Product) -> str:
    return "" if product.price is None else money(product.price, product.currency)


def list_price_of(product: Product) -> str:
    """What it cost before its sale; "" where there is none."""
    return "" if product.list_price is None else money(product.list_price, product.currency)


def _card(product: Product, image_id: int | None, eager: bool) -> Card:
    images = [image for image in product.images.all() if image.digest]
    image = next((one for one in images if one.pk == image_id), images[0] if images else None)
    return Card(
        id=product.pk,
        title=product.title,
        brand=product.brand,
        price=price_of(product),
        list_price=list_price_of(product),
        sold_out=not product.in_stock,
        picture=None if image is None else picture_of(image, title=product.title),
        eager=eager,
    )
