"""The catalogue's own list: words and filters; and how many products its categories have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from django.db.models import BooleanField, Count, QuerySet
from django.db.models.expressions import RawSQL
from psycopg import sql

from catalog.filters.base import compose, names_in
from catalog.filters.chosen import Filters
from catalog.models import Category, Product, ProductCategory
from catalog.text_search import TextSearch


@dataclass(frozen=True)
class CategoryCount:
    """A category of the tree and how many published products it and its descendants have."""

    category: Category
    parent: str | None
    products: int


def filtered(products: QuerySet[Product], *, filters: Filters, search: TextSearch | None = None) -> QuerySet[Product]:
    """Products that pass every filter and have the words that are searched for, in no order."""
    if search is not None:
        products = search.among(products)
    for condition in filters.conditions:
        text = compose(condition.text, product=Product._meta.db_table, value=lambda _: sql.Placeholder())
        values = [condition.values[name] for name in names_in(condition.text) if name != "product"]
        products = products.filter(RawSQL(text.as_string(), values, BooleanField()))
    return products.order_by()


def category_counts(products: QuerySet[Product] | None = None) -> list[CategoryCount]:
    """The tree in its order, parents first, without categories in which none of the products is: three queries.

    `products`: all that are published by default.
    """
    if products is None:
        products = Product.objects.filter(published=True)
    rows = products.filter(category__isnull=False).order_by().values_list("category__path")
    direct = dict(rows.annotate(Count("pk")))
    totals: dict[str, int] = {}
    for path, number in direct.items():
        for node in _nodes(path):
            totals[node] = totals.get(node, 0) + number
    for node in _further_nodes(products):
        totals[node] = totals.get(node, 0) + 1
    categories = list(Category.objects.order_by("path"))
    slugs = {category.path: category.slug for category in categories}
    return [
        CategoryCount(category, slugs.get(category.path[: -Category.steplen]), totals[category.path])
        for category in categories
        if category.path in totals
    ]


def _nodes(path: str | None) -> list[str]:
    """The paths of a category and of all above it."""
    return [path[:end] for end in range(Category.steplen, len(path) + 1, Category.steplen)] if path else []


def _further_nodes(products: QuerySet[Product]) -> Iterator[str]:
    """Categories and those above them, once for each of the products that is there by a further category alone."""
    rows = ProductCategory.objects.filter(product__in=products.order_by().values("pk")).order_by("product_id")
    paths = rows.values_list("product_id", "product__category__path", "category__path").iterator()
    for _, of_product in groupby(paths, key=itemgetter(0)):
        found = list(of_product)
        yield from {node for *_, path in found for node in _nodes(path)} - set(_nodes(found[0][1]))
