"""Tells by the names of its columns which shop system wrote a feed."""

from __future__ import annotations

from collections.abc import Iterable

from catalog.feeds.mapping import (
    awin,
    commercetools,
    documents,
    magento,
    medusa,
    prestashop,
    shopify,
    vendure,
    woocommerce,
)
from catalog.feeds.mapping.shop import Shop

_GOOGLE_NEEDS = frozenset(("id", "title", "description", "link", "image_link", "availability", "price"))
_GOOGLE = Shop("Google", (_GOOGLE_NEEDS,))
_FACEBOOK = Shop(
    "Facebook",
    tuple(
        frozenset((*names, name))
        for names in (("id", "title", "price"), _GOOGLE_NEEDS)
        for name in ("fb_product_category", "quantity_to_sell_on_facebook", "image[0].url")
    ),
)
SHOPS: tuple[Shop, ...] = (
    *(
        shopify.SHOP,
        *woocommerce.SHOPS,
        magento.SHOP,
        prestashop.SHOP,
        vendure.SHOP,
        medusa.SHOP,
        commercetools.SHOP,
        awin.SHOP,
    ),
    *(*documents.SHOPS, _FACEBOOK, _GOOGLE),
)


def recognised(names: Iterable[str]) -> Shop | None:
    """The first shop system whose columns are all among these names."""
    every = tuple(names)
    return next((shop for shop in SHOPS if shop.recognises(every)), None)
