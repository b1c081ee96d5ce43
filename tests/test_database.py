"""Each test begins with tables that Postgres knows nothing of, whatever earlier tests left behind."""

from __future__ import annotations

import pytest
from django.db import connection, transaction

from catalog.models import Product
from tests.catalog.factories import make_product
from tests.database import MOST_BYTES, forget_statistics

STATISTICS = """
SELECT relpages, reltuples, (SELECT count(*) FROM pg_statistic WHERE starelid = pg_class.oid)
FROM pg_class WHERE relname = 'catalog_product'
"""


def asked(statement: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def analyze() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE catalog_product")


@pytest.mark.django_db(transaction=True)
def test_a_table_that_was_emptied_counts_as_never_analyzed() -> None:
    make_product()
    analyze()
    Product.objects.all().delete()
    analyze()
    before = asked(STATISTICS)[0]
    assert (
        before[0] != 0 and before[1] == 0
    )  # pages without a row: the planner takes the table for empty, however it grows
    forget_statistics()
    assert asked(STATISTICS) == [(0, -1.0, 0)]


@pytest.mark.django_db(transaction=True)
def test_statistics_of_rows_that_a_transaction_shares_are_kept() -> None:
    with transaction.atomic():
        make_product()
        analyze()
        forget_statistics()
        assert asked(STATISTICS)[0][1] == 1.0


@pytest.mark.django_db(transaction=True)
def test_rows_that_are_gone_are_vacuumed_away() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE grown AS SELECT repeat('a', 1000) FROM generate_series(1, 5000)")
        try:
            cursor.execute("DELETE FROM grown")
            assert asked("SELECT pg_relation_size('grown')")[0][0] > MOST_BYTES
            forget_statistics()
            assert asked("SELECT pg_relation_size('grown')") == [(0,)]
        finally:
            cursor.execute("DROP TABLE grown")


@pytest.mark.django_db
def test_postgres_looks_at_no_table_by_itself() -> None:
    assert (
        asked(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
            " AND NOT relispartition AND NOT coalesce(reloptions @> '{autovacuum_enabled=false}', false)"
        )
        == []
    )
