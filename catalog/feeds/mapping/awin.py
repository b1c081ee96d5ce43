"""Awin's product feeds, whose columns are the same for all its shops."""

from __future__ import annotations

from catalog.feeds.mapping.shop import Shop, renaming

_FIELDS = {
    "id": ("merchant_product_id", "aw_product_id"),
    "title": ("product_name",),
    "description": ("description", "product_short_description"),
    "link": ("merchant_deep_link", "aw_deep_link"),
    "image_link": ("merchant_image_url", "large_image", "aw_image_url"),
    "additional_image_link": ("alternate_image", "alternate_image_two"),
    "price": ("search_price", "store_price", "display_price"),
    "currency": ("currency",),
    "availability": ("in_stock", "stock_status", "stock_quantity"),
    "brand": ("brand_name",),
    "product_type": ("merchant_product_category_path", "merchant_category", "category_name"),
    "item_group_id": ("parent_product_id",),
}
_PASSED_OVER = frozenset(
    (
        *(
            "merchant_name",
            "merchant_id",
            "category_id",
            "delivery_cost",
            "language",
            "last_updated",
            "data_feed_id",
            "basket_link",
        ),
        *(
            "aw_thumb_url",
            "merchant_thumb_url",
            "aw_product_id",
            "merchant_category",
            "alternate_image_three",
            "alternate_image_four",
        ),
    )
)

SHOP = Shop(
    "Awin",
    (
        frozenset(("aw_product_id", "product_name")),
        frozenset(("aw_deep_link", "product_name", "merchant_product_id")),
    ),
    renaming(_FIELDS, _PASSED_OVER),
)
