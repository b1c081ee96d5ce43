"""Migrations that change indexes under running writers leave whole indexes, forwards and backwards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.db import connection


@pytest.fixture
def migrated(transactional_db: None) -> Iterator[None]:
    yield
    call_command("migrate", verbosity=0)


def test_the_index_of_prices_comes_and_goes(migrated: None) -> None:
    assert price_indexes() == {"product_by_currency_price": True}
    call_command("migrate", "catalog", "0001", verbosity=0)
    assert price_indexes() == {"product_by_price": True}
    call_command("migrate", "catalog", "0002", verbosity=0)
    assert price_indexes() == {"product_by_currency_price": True}


def price_indexes() -> dict[str, bool]:
    """The indexes of products' prices, and whether each is whole (a concurrent build that broke off leaves half of one)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexrelid::regclass::text, indisvalid FROM pg_index"
            " WHERE indrelid = 'catalog_product'::regclass AND indexrelid::regclass::text LIKE '%price%'"
        )
        return dict(cursor.fetchall())
