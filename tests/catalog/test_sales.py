"""What is paid while a sale is on, and that it begins and ends by itself."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction

from catalog import sales
from catalog.models import Product
from catalog.sales import Pricing, Sale
from catalog.tasks import turn_sales
from recommender.schedule import BEAT_SCHEDULE
from tests.catalog.conftest import Heard
from tests.catalog.factories import make_product

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
TEN, EIGHT = Decimal(10), Decimal(8)


def prices(product: Product) -> tuple[Any, ...]:
    product.refresh_from_db()
    return product.price, product.list_price, product.sale_price, product.sale_from, product.sale_until


@pytest.mark.parametrize(
    ("pricing", "price", "list_price", "kept"),
    [
        (Pricing(TEN), TEN, None, False),
        (Pricing(TEN, Sale(EIGHT)), EIGHT, TEN, True),
        (Pricing(TEN, Sale(EIGHT, NOON, NOON + HOUR)), EIGHT, TEN, True),
        (Pricing(TEN, Sale(EIGHT, NOON + HOUR)), TEN, None, True),
        (Pricing(TEN, Sale(EIGHT, None, NOON)), TEN, None, False),
        (Pricing(TEN, Sale(TEN)), TEN, None, False),
        (Pricing(None, Sale(EIGHT)), None, None, False),
    ],
)
def test_what_is_paid_at_noon(pricing: Pricing, price: Decimal, list_price: Decimal | None, kept: bool) -> None:
    fields = pricing.fields(NOON)
    assert (fields["price"], fields["list_price"], fields["sale_price"] is not None) == (price, list_price, kept)
    again = Pricing.of(Product(**fields))
    assert again.fields(NOON) == fields


def test_a_sale_begins_and_ends_by_itself_once_and_is_announced(heard: Heard) -> None:
    product = make_product(price=TEN, sale_price=EIGHT, sale_from=NOON, sale_until=NOON + HOUR)
    make_product(price=TEN)
    heard.clear()
    made = product.updated_at
    assert sales.turn(now=NOON - HOUR) == 0
    assert (prices(product)[:2], heard.changed) == ((TEN, None), [])
    assert [sales.turn(now=NOON), sales.turn(now=NOON)] == [1, 0]
    assert prices(product) == (EIGHT, TEN, EIGHT, NOON, NOON + HOUR)
    assert heard.changed == [([product.pk], False)]
    assert [sales.turn(now=NOON + HOUR), sales.turn(now=NOON + HOUR)] == [1, 0]
    assert prices(product) == (TEN, None, None, None, None)
    assert heard.changed == [([product.pk], False)] * 2
    assert product.updated_at > made  # a version, which never goes back


def test_a_sale_that_was_over_before_it_was_noticed_changes_no_price() -> None:
    product = make_product(price=TEN, sale_price=EIGHT, sale_from=NOON, sale_until=NOON + HOUR)
    assert sales.turn(now=NOON + 2 * HOUR) == 1
    assert prices(product) == (TEN, None, None, None, None)


def test_more_than_one_batch_is_turned_in_one_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sales, "BATCH", 2)
    for number in range(5):
        make_product(price=TEN, sale_price=EIGHT, sale_from=NOON - number * HOUR)
    assert sales.turn(now=NOON) == 5
    assert Product.objects.filter(price=EIGHT, list_price=TEN).count() == 5


def test_a_run_ends_after_its_time_and_the_next_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    make_product(price=TEN, sale_price=EIGHT, sale_from=NOON)
    assert [sales.turn(now=NOON, seconds=0), sales.turn(now=NOON)] == [0, 1]


@pytest.mark.django_db(transaction=True)
def test_a_product_that_is_being_written_waits_for_the_next_run() -> None:
    held, free = (make_product(price=TEN, sale_price=EIGHT, sale_from=NOON) for _ in range(2))
    turned: list[int] = []

    def turn() -> None:
        turned.append(sales.turn(now=NOON))
        connection.close()

    with transaction.atomic():
        Product.objects.select_for_update().get(pk=held.pk)
        thread = threading.Thread(target=turn)
        thread.start()
        thread.join()
    assert (turned, prices(held)[0], prices(free)[0]) == ([1], TEN, EIGHT)
    assert sales.turn(now=NOON) == 1


def test_the_task_turns_what_is_due_now_and_beat_sends_it_in_time() -> None:
    product = make_product(price=TEN, sale_price=EIGHT, sale_from=NOON - 365 * 24 * HOUR)
    turn_sales()
    assert prices(product)[:2] == (EIGHT, TEN)
    entry = BEAT_SCHEDULE["begin and end sales"]
    assert entry["task"] == turn_sales.name and entry["schedule"] + sales.SECONDS < 60
