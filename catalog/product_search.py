"""The catalogue's own list: words and filters; and how many products its categories have."""

from __future__ import annotations

from dataclasses import dataclass
from unicodedata import normalize

from django.db.models import BooleanField, Count, Q, QuerySet
from django.db.models.expressions import RawSQL
from psycopg import sql

from catalog.filters.base import compose, names_in
from catalog.filters.chosen import Filters
from catalog.models import Category, Product

MAX_WORDS = 8


@dataclass(frozen=True)
class CategoryCount:
    """A category of the tree and how many published products it and its descendants have."""

    category: Category
    parent: str | None
    products: int


def filtered(products: QuerySet[Product], *, words: str, filters: Filters) -> QuerySet[Product]:
    """Products that pass every filter, by id; each of the words must occur in title, brand or sku."""
    for word in normalize("NFC", words).split()[:MAX_WORDS]:
        products = products.filter(Q(title__icontains=word) | Q(brand__icontains=word) | Q(sku__icontains=word))
    for condition in filters.conditions:
        text = compose(condition.text, product=Product._meta.db_table, value=lambda _: sql.Placeholder())
        values = [condition.values[name] for name in names_in(condition.text) if name != "product"]
        products = products.filter(RawSQL(text.as_string(), values, BooleanField()))
    return products.order_by("pk")


def category_counts() -> list[CategoryCount]:
    """The tree in its order, parents first, without categories in which nothing is published: two queries."""
    rows = Product.objects.filter(published=True, category__isnull=False).order_by().values_list("category__path")
    direct = dict(rows.annotate(Count("pk")))
    totals: dict[str, int] = {}
    for path, number in direct.items():
        for end in range(Category.steplen, len(path) + 1, Category.steplen):
            totals[path[:end]] = totals.get(path[:end], 0) + number
    categories = list(Category.objects.order_by("path"))
    slugs = {category.path: category.slug for category in categories}
    return [
        CategoryCount(category, slugs.get(category.path[: -Category.steplen]), totals[category.path])
        for category in categories
        if category.path in totals
    ]
