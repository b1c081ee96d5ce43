"""The connection is as it was after a search that failed, whatever it failed by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import psycopg
import pytest
from django.db import connection, transaction
from psycopg.pq import TransactionStatus

from catalog.filters.chosen import Filters
from catalog.models import Product
from recommender.halfvec import raw_connection
from recommender.index import sql
from recommender.index.search import vector_search
from recommender.index.session import ask
from tests.recommender.search.gallery import Shop, random_units

VECTORS = random_units(5)
EXACT = (sql.EXACT_SETTINGS, {})


class Interrupted(Mapping[str, object]):
    """Values that are being sent when somebody interrupts."""

    def __getitem__(self, name: str) -> object:
        raise KeyboardInterrupt

    def __iter__(self) -> Iterator[str]:
        return iter(["value"])

    def __len__(self) -> int:
        return 1


FAILING = [
    pytest.param({"value": "half a pair \ud800"}, UnicodeEncodeError, id="no text"),
    pytest.param(Interrupted(), KeyboardInterrupt, id="interrupt"),
    pytest.param({"value": "nonsense"}, psycopg.errors.InvalidTextRepresentation, id="refused by Postgres"),
]


def fail(values: Mapping[str, object], error: type[BaseException]) -> None:
    with pytest.raises(BaseException) as caught:
        ask(EXACT, [("SELECT 1", {}), ("SELECT %(value)s::bigint", values)])
    assert isinstance(caught.value, error) or isinstance(caught.value.__cause__, error)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("values", "error"), FAILING)
def test_outside_a_transaction(values: Mapping[str, object], error: type[BaseException]) -> None:
    raw = raw_connection()
    fail(values, error)
    assert raw_connection() is raw and raw.info.transaction_status == TransactionStatus.IDLE
    Product.objects.create(sku="A", title="A")  # no transaction that only reads was left open
    assert ask(EXACT, [("SELECT 2", {})]) == [[(2,)]]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("values", "error"), FAILING)
def test_inside_a_transaction(values: Mapping[str, object], error: type[BaseException]) -> None:
    with transaction.atomic():
        Product.objects.create(sku="A", title="A")
        fail(values, error)
        with connection.cursor() as cursor:
            cursor.execute("SHOW plan_cache_mode")
            assert cursor.fetchone() == ("auto",)
        Product.objects.create(sku="B", title="B")
        assert ask(EXACT, [("SELECT 2", {})]) == [[(2,)]]
    assert set(Product.objects.values_list("sku", flat=True)) == {"A", "B"}


def test_no_savepoint_remains_after_a_search(shop: Shop) -> None:
    shop.add(VECTORS[:1])
    for _ in range(3):
        assert len(vector_search().search(space=shop.space, vector=VECTORS[1], filters=Filters(), k=3)) == 1
    fail({"value": "nonsense"}, psycopg.errors.InvalidTextRepresentation)
    with pytest.raises(psycopg.errors.InvalidSavepointSpecification):
        raw_connection().execute("ROLLBACK TO SAVEPOINT search")
    transaction.set_rollback(True)
