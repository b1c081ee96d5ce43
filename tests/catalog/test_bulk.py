"""Rows inserted by one text of JSON are those that Django would have inserted; a list is one parameter."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import BigIntegerField, TextField
from django.test.utils import CaptureQueriesContext

from catalog import bulk
from catalog.feeds.rows import Number
from catalog.models import Product, ProductImage
from tests.catalog.factories import make_product

pytestmark = pytest.mark.django_db
DIFFERENT = ("id", "sku", "created_at", "updated_at")
VALUES: list[dict[str, Any]] = [
    {},
    {
        "title": "back\\slash, 'one', \"two\", %s %(a)s {b} \N{RIGHTWARDS ARROW}\u2028\n\ttab",
        "description": "Ünïcödé 🧦",
    },
    {"price": Decimal("9999999999.999"), "list_price": Decimal("0.001"), "currency": "KWD", "in_stock": False},
    {
        "attributes": {"Größe": ["S", "12.50"], "tiefe": {"x": [None, True, 1.5]}, "n": Number("12.50")},
        "brand": "Aalto",
    },
    {"sale_from": datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC), "expires_at": None, "published": False},
]


def rows(prefix: str) -> list[Product]:
    return [Product(sku=f"{prefix}{number}", **values) for number, values in enumerate(VALUES)]


def held(prefix: str) -> list[dict[str, Any]]:
    found = Product.objects.filter(sku__startswith=prefix).order_by("sku").values()
    return [{name: value for name, value in row.items() if name not in DIFFERENT} for row in found]


def test_what_is_inserted_is_what_django_inserts() -> None:
    ours, theirs = rows("a"), rows("b")
    with CaptureQueriesContext(
        connection,
    ) as asked:
        bulk.insert(ours)
    Product.objects.bulk_create(theirs)
    assert len(asked) == 1
    assert held("a") == held("b")
    assert [Product.objects.get(pk=row.pk).sku for row in ours] == [f"a{number}" for number in range(len(VALUES))]
    assert all(row.created_at is not None for row in Product.objects.all())
    ours[0].title = "saved again"
    ours[0].save()
    assert Product.objects.get(sku="a0").title == "saved again"


def test_photos_are_inserted_with_their_file_and_the_errors_are_the_databases() -> None:
    product = make_product()
    image = ProductImage(product=product, file="photos/ab/cd.jpg", digest="ab", width=3, height=None, alt="a 'b'")
    bulk.insert([image, ProductImage(product=product, source_url="https://a.example/?a=1&b=2")])
    assert list(ProductImage.objects.order_by("pk").values_list("file", "source_url", "width", "height", "alt")) == [
        ("photos/ab/cd.jpg", "", 3, None, "a 'b'"),
        ("", "https://a.example/?a=1&b=2", None, None, ""),
    ]
    with pytest.raises(IntegrityError), transaction.atomic():
        bulk.insert([ProductImage(product=product, digest="ab")])
    bulk.insert([])


def test_a_list_is_one_parameter_whatever_its_length() -> None:
    ids = [make_product(sku=sku).pk for sku in ("a", "b'\"", "ü")]
    with CaptureQueriesContext(connection) as asked:
        found = Product.objects.filter(bulk.In("sku", TextField(), ["b'\"", "ü", *map(str, range(5_000))]))
        assert sorted(found.values_list("pk", flat=True)) == ids[1:]
    assert "ANY (" in asked[0]["sql"] and len(asked) == 1
    assert not Product.objects.filter(bulk.In("id", BigIntegerField(), [])).exists()
