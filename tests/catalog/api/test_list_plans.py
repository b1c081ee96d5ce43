"""How Postgres reads a page deep in a large list: an index finds the place and gives the order; nothing is sorted or counted."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from catalog.filters.chosen import Filters
from catalog.models import Product
from catalog.product_search import filtered
from catalog.sorting import read_order, write_cursor
from catalog.text_search import text_search
from tests.shared_rows import shared_rows

COUNT = 8000


def make() -> None:
    Product.objects.bulk_create(
        (
            Product(
                sku=f"S{n}",
                title=f"Title {n * 7919 % COUNT:05}",
                price=None if n % 10 == 0 else Decimal(n * 31 % 5000),
            )
            for n in range(COUNT)
        ),
        batch_size=2000,
    )
    with connection.cursor() as cursor:
        cursor.execute("UPDATE catalog_product SET created_at = now() - id * interval '1 second'")
        cursor.execute("ANALYZE catalog_product")
        cursor.execute("ANALYZE catalog_producttext")
        for index in ("words", "plain"):  # what vacuum does sooner or later
            cursor.execute(f"SELECT gin_clean_pending_list('product_text_{index}')")


@pytest.fixture(scope="module", autouse=True)
def many(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    yield from shared_rows(django_db_blocker, make)


@pytest.fixture(autouse=True)
def in_transaction(db: None) -> None: ...


def products() -> Any:
    return Product.objects.filter(published=True)


@pytest.mark.parametrize(
    ("sort", "index"),
    [
        ("id", "catalog_product_pkey"),
        ("-id", "catalog_product_pkey"),
        ("price", "product_by_amount"),
        ("-price", "product_by_amount"),
        ("title", "product_by_title"),
        ("-title", "product_by_title"),
        ("newest", "product_by_age"),
    ],
)
def test_a_deep_page_is_read_from_an_index(sort: str, index: str) -> None:
    order = read_order({"sort": [sort]}, None)
    deep = order.page(products(), first=6000, count=25)
    position = order.position_of(deep[0])
    with connection.execute_wrapper(explaining(plans := [])):
        assert order.after(products(), position, count=24) == deep[1:]
    (plan,) = plans
    assert f"using {index}" in plan and "Index Cond:" in plan and "Sort" not in plan, plan


def test_a_deep_page_reads_no_more_than_an_early_one() -> None:
    """By the buffers that are read; a page by its number reads all before it."""
    order = read_order({"sort": ["price"]}, None)
    early, deep = (order.position_of(order.page(products(), first=place, count=1)[0]) for place in (10, 6500))
    with connection.execute_wrapper(explaining(plans := [])):
        for position in (early, deep):
            assert len(order.after(products(), position, count=24)) == 24
        assert len(order.page(products(), first=6500, count=24)) == 24
    read = [int(plan.split("Buffers: shared hit=")[1].split()[0]) for plan in plans]
    assert read[1] <= 2 * read[0] and read[2] > 4 * read[1], read


def test_words_are_found_by_indexes() -> None:
    search = text_search("00440", published=True)
    with connection.execute_wrapper(explaining(plans := [])):
        found = list(filtered(products(), filters=Filters(), search=search))
    assert found and all("00440" in product.title for product in found)
    assert "on product_text_words" in plans[0] and "on product_text_plain" in plans[0]
    assert "Seq Scan on catalog_producttext" not in plans[0]


def test_a_cursor_is_short() -> None:
    order = read_order({"sort": ["title"]}, None)
    assert len(write_cursor(order, order.position_of(order.page(products(), first=0, count=1)[0]))) < 60


def explaining(plans: list[str]) -> Any:
    """A wrapper that notes how Postgres answers each SELECT."""

    def wrapper(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("SELECT"):
            with connection.connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {sql}", params)
                plans.append("\n".join(row[0] for row in cursor.fetchall()))
        return execute(sql, params, many, context)

    return wrapper
