"""A connection to Postgres that is lost in the middle of a write leaves all of it or nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client

from catalog.models import Category, Product, ProductImage
from tests.catalog.factories import make_product
from tests.catalog.writes.keys import Caller, read

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def dies() -> Iterator[None]:
    """The session of whoever writes to the history, which comes last, is ended, once the sequence says so."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE SEQUENCE deaths; CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " IF nextval('deaths') = 2 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN NEW; END $$;"
            "CREATE TRIGGER die BEFORE INSERT ON django_admin_log FOR EACH ROW EXECUTE FUNCTION die()"
        )
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER die ON django_admin_log; DROP FUNCTION die(); DROP SEQUENCE deaths")


@pytest.mark.parametrize("mode", ["each", "all"])
def test_a_batch_is_written_whole_or_not(dies: None, mode: str) -> None:
    shop = Caller(client=Client(raise_request_exception=False))
    make_product(sku="A", price=1)
    items = [
        {"op": "patch", "sku": "A", "price": 2, "category": "Hats > Felt"},
        {"op": "create", "sku": "N", "title": "x", "images": ["https://a.b/c.jpg"]},
    ]
    response = shop.post("batch/", {"items": items, "mode": mode})
    assert response.status_code == 503 and response["Retry-After"]
    assert list(Product.objects.values_list("sku", "price")) == [("A", 1)]
    counts = (Category.objects.count(), ProductImage.objects.count(), LogEntry.objects.count())
    assert counts == (0, 0, 0)
    results = read(shop.post("batch/", {"items": items, "mode": mode}), 207)["results"]
    assert [one["status"] for one in results] == [200, 201] and LogEntry.objects.count() == 2
