"""The catalogue's own list: words, category, brand, price and stock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Q, QuerySet

from catalog.models import Category, Product

MAX_WORDS = 8


@dataclass(frozen=True)
class ProductFilters:
    """Empty and None mean: any. A category includes its descendants; every word must occur in title, brand or sku."""

    search: str = ""
    category: Category | None = None
    brands: Sequence[str] = ()
    in_stock: bool | None = None
    min_price: Decimal | None = None
    max_price: Decimal | None = None


@dataclass(frozen=True)
class CategoryCount:
    """A category of the tree and how many published products it and its descendants have."""

    category: Category
    parent: str | None
    products: int


def filtered(products: QuerySet[Product], filters: ProductFilters) -> QuerySet[Product]:
    """Products that pass every filter, by id."""
    for word in filters.search.split()[:MAX_WORDS]:
        products = products.filter(Q(title__icontains=word) | Q(brand__icontains=word) | Q(sku__icontains=word))
    if filters.category is not None:
        products = products.filter(category__path__startswith=filters.category.path)
    if filters.brands:
        products = products.filter(brand__in=filters.brands)
    if filters.in_stock is not None:
        products = products.filter(in_stock=filters.in_stock)
    if filters.min_price is not None:
        products = products.filter(price__gte=filters.min_price)
    if filters.max_price is not None:
        products = products.filter(price__lte=filters.max_price)
    return products.order_by("pk")


def category_counts() -> list[CategoryCount]:
    """The whole tree in its order, parents first: two queries."""
    rows = Product.objects.filter(published=True, category__isnull=False).order_by().values_list("category__path")
    direct = dict(rows.annotate(Count("pk")))
    totals: dict[str, int] = {}
    for path, number in direct.items():
        for end in range(Category.steplen, len(path) + 1, Category.steplen):
            totals[path[:end]] = totals.get(path[:end], 0) + number
    categories = list(Category.objects.order_by("path"))
    slugs = {category.path: category.slug for category in categories}
    return [
        CategoryCount(category, slugs.get(category.path[: -Category.steplen]), totals.get(category.path, 0))
        for category in categories
    ]
