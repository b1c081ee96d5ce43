"""The tables of a shop's catalogue, a file for each kind."""

from catalog.models.access import ApiKey
from catalog.models.errands import Errand
from catalog.models.feeds import Feed, FeedProduct, FeedRun
from catalog.models.photos import PhotoOrigin, ProductImage
from catalog.models.products import AttributeNumber, Category, Product, ProductCategory
from catalog.models.texts import ProductText

__all__ = [
    "ApiKey",
    "AttributeNumber",
    "Category",
    "Errand",
    "Feed",
    "FeedProduct",
    "FeedRun",
    "PhotoOrigin",
    "Product",
    "ProductCategory",
    "ProductImage",
    "ProductText",
]
