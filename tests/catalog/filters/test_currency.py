"""Which currency a price is in: the one that is written, or the catalogue's commonest."""

from __future__ import annotations

import time
from collections.abc import Sequence
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from catalog.filters.entries.price import Currency, Price, currencies
from catalog.filters.memory import SECONDS
from catalog.filters.registry import read_filters
from catalog.models import Product
from catalog.parameters import InvalidParameter
from tests.waiting import wait_until


def add_products(*held: str, published: bool = True) -> None:
    """A product for each of the currencies."""
    first = Product.objects.count()
    Product.objects.bulk_create(
        Product(sku=f"{first + number}", title="x", price=5, currency=currency, published=published)
        for number, currency in enumerate(held)
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("held", "known"),
    [
        ([], [("", ("",))]),
        (["", ""], [("", ("",))]),
        (["EUR"], [("EUR", ("EUR", ""))]),
        (["EUR", "", ""], [("EUR", ("EUR", ""))]),
        (["USD", "EUR", "USD"], [("USD", ("USD", "")), ("EUR", ("EUR",))]),
        (["USD", "EUR"], [("EUR", ("EUR", "")), ("USD", ("USD",))]),
        (["USD", "CHF", "GBP", "GBP", "USD"], [("GBP", ("GBP", "")), ("USD", ("USD",)), ("CHF", ("CHF",))]),
    ],
)
def test_the_commonest_comes_first_then_the_alphabet(
    held: Sequence[str], known: list[tuple[str, tuple[str, ...]]]
) -> None:
    add_products(*held)
    assert currencies() == tuple(Currency(*one) for one in known)


@pytest.mark.django_db
def test_small_letters_are_the_same_currency() -> None:
    add_products("eur", "EUR", "USD", "USD", "Eur")
    first, second = currencies()
    assert (first.code, second) == ("EUR", Currency("USD", ("USD",)))
    assert sorted(first.stored) == ["", "EUR", "Eur", "eur"]


@pytest.mark.django_db
def test_what_is_not_published_does_not_count() -> None:
    add_products("EUR")
    add_products("USD", "USD", published=False)
    assert currencies() == (Currency("EUR", ("EUR", "")),)


@pytest.mark.django_db
def test_a_price_is_in_the_currency_that_is_written_or_in_the_commonest() -> None:
    add_products("EUR", "EUR", "USD")
    euros, dollars = currencies()
    assert read_filters({"min_price": ["3"]}).get(Price) == Price(Decimal(3), None, euros)
    for written in ("USD", "usd", " Usd "):
        assert read_filters({"max_price": ["3"], "currency": [written]}).get(Price) == Price(None, Decimal(3), dollars)
    assert read_filters({"currency": ["eur"]}).get(Price) == Price(None, None, euros)
    assert read_filters({"currency": [""]}).get(Price) is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("held", "written", "said"),
    [
        (["EUR", "USD", "USD"], "GBP", "'GBP' is no currency of this catalogue; there are USD, EUR"),
        (["EUR"], "euro", "'euro' is no currency of this catalogue; there are EUR"),
        (["EUR"], "EU", "'EU' is no currency of this catalogue; there are EUR"),
        (["EUR"], "x" * 500, f"{'x' * 100!r} is no currency of this catalogue; there are EUR"),
        ([], "EUR", "'EUR' is no currency of this catalogue; no product names one"),
    ],
)
def test_another_currency_is_named_with_those_there_are(held: Sequence[str], written: str, said: str) -> None:
    add_products(*held)
    with pytest.raises(InvalidParameter) as error:
        read_filters({"currency": [written]})
    assert (error.value.parameter, str(error.value)) == ("currency", said)


@pytest.mark.django_db(transaction=True)
def test_currencies_are_looked_up_once_a_second_and_then_anew() -> None:
    add_products("EUR", "USD")
    wait_until(lambda: [currency.code for currency in currencies()] == ["EUR", "USD"], seconds=20 * SECONDS)
    began = time.monotonic()
    with CaptureQueriesContext(connection) as asked:
        for _ in range(100):
            currencies()
    assert len(asked) <= 1 + (time.monotonic() - began) // SECONDS + 1
    add_products("USD")
    wait_until(lambda: [currency.code for currency in currencies()] == ["USD", "EUR"], seconds=20 * SECONDS)


@pytest.mark.django_db(transaction=True)
def test_currencies_are_read_from_the_index_alone() -> None:
    """Else the whole table would be read once a second."""
    add_products(*(("EUR", "USD")[number % 2] for number in range(4000)))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE catalog_product SET description = repeat('y', 500)")
        cursor.execute("VACUUM ANALYZE catalog_product")
    with CaptureQueriesContext(connection) as asked, transaction.atomic():
        assert [currency.code for currency in currencies()] == ["EUR", "USD"]
    (statement,) = [query["sql"] for query in asked.captured_queries if "currency" in query["sql"]]
    assert {(node["Node Type"], node.get("Index Name")) for node in _plan(statement) if "Relation Name" in node} == {
        ("Index Only Scan", "product_by_currency_amount")
    }


def _plan(text: str) -> list[dict[str, object]]:
    """The nodes of the plan of a statement."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {text}")
        (found,) = cursor.fetchone()
    nodes, ahead = [], [found[0]["Plan"]]
    while ahead:
        node = ahead.pop()
        nodes.append(node)
        ahead += node.get("Plans", [])
    return nodes
