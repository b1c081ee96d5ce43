"""Admin of the catalogue. What other apps extend is importable from here."""

from catalog.admin.api_keys import ApiKeyAdmin
from catalog.admin.categories import CategoryAdmin
from catalog.admin.errands import ErrandAdmin
from catalog.admin.feeds import FeedAdmin, FeedRunAdmin
from catalog.admin.products import ProductAdmin, ProductImageInline

__all__ = [
    "ApiKeyAdmin",
    "CategoryAdmin",
    "ErrandAdmin",
    "FeedAdmin",
    "FeedRunAdmin",
    "ProductAdmin",
    "ProductImageInline",
]
