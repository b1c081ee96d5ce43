"""Facets against brute force, and as an answer shows them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.facets import MAX_COUNTED, RANGES, counted
from catalog.filters.attribute_names import bound_of
from catalog.filters.registry import read_filters
from catalog.models import Category, Product
from catalog.text_search import text_search
from tests.catalog.factories import make_category, make_product
from tests.catalog.filters.chosen import folded, passes
from tests.catalog.filters.test_property import PATHS, asked, products

pytestmark = pytest.mark.django_db
URL = "/api/v1/products/"
OWN = {
    "brand": ("brand",),
    "category": ("category",),
    "in_stock": ("in_stock",),
    "price": ("min_price", "max_price"),
    "attr.size": ("attr.size", "attr.SIZE.min", "attr.size.max"),
    "attr.Colour": ("attr.colour",),
}


@pytest.fixture
def categories() -> list[Category]:
    return [make_category(path) for path in PATHS]


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(rows=st.lists(products, min_size=1, max_size=20), parameters=asked)
def test_a_count_is_what_the_filter_would_find(
    categories: list[Category], rows: list[dict[str, Any]], parameters: dict[str, list[str]]
) -> None:
    """Under all other filters; and no value that a product has is missing."""
    with transaction.atomic():
        shop = Product.objects.bulk_create(
            Product(
                **{
                    **row,
                    "sku": f"sku{number}",
                    "title": "x",
                    "category": None if row["category"] is None else categories[row["category"]],
                }
            )
            for number, row in enumerate(rows)
        )
        held = {str(row["currency"]).upper() for row in rows if row["published"] and row["currency"]}
        if "currency" in parameters and parameters["currency"][0].upper() not in held:
            del parameters["currency"]
        found = counted(
            Product.objects.filter(published=True), list(OWN), filters=read_filters(parameters), search=None
        )
        assert list(found) == list(OWN)
        for name, own in OWN.items():
            others = {key: values for key, values in parameters.items() if key not in own}
            if name == "attr.size" and any(key in parameters and bound_of(key) is None for key in own[1:]):
                continue  # the attribute is called `size.min` itself

            def count(chosen: dict[str, list[str]], others: dict[str, list[str]] = others) -> int:
                filters = read_filters({**others, **chosen})
                return sum(passes(product, filters) for product in shop)

            ranges, values = found[name].get("ranges", []), found[name].get("values", [])
            for one in values:
                key = name if name != "attr.Colour" else "attr.COLOUR"
                assert one["count"] == count({key: [one["value"]]}) > 0, (name, one)
            if name == "price":
                assert sum(one["count"] for one in ranges) == count({"min_price": ["0"]})
                for one in ranges:
                    assert one["count"] == count({"min_price": [one["min"]], "max_price": [one["max"]]})
            elif (
                name == "attr.size" and bound_of("attr.size.min") is not None and bound_of("attr.size.max") is not None
            ):
                for one in ranges:
                    assert one["count"] == count({"attr.size.min": [one["min"]], "attr.size.max": [one["max"]]})
            bounds = [Decimal(bound) for one in ranges for bound in (one["min"], one["max"])]
            assert bounds == sorted(bounds) and len(ranges) <= RANGES
            if name == "brand":
                passing = [product for product in shop if passes(product, read_filters(others))]
                assert {folded(one["value"]) for one in values} == {folded(one.brand) for one in passing} - {""}
                assert sum(one["count"] for one in values) == sum(bool(one.brand) for one in passing)
            if name == "in_stock":
                assert sum(one["count"] for one in values) == sum(passes(one, read_filters(others)) for one in shop)
            counts = [one["count"] for one in values]
            assert counts == sorted(counts, reverse=True)
        transaction.set_rollback(True)


def test_an_answer_has_them(client: Client) -> None:
    rows: list[dict[str, Any]] = [
        {
            "title": "red hat",
            "brand": "Aalto",
            "price": "10",
            "category": "Clothing > Hat",
            "attributes": {"Colour": "Red"},
        },
        {
            "title": "red dress",
            "brand": "AALTO",
            "price": "20",
            "category": "Clothing > Dress",
            "attributes": {"colour": "red"},
        },
        {
            "title": "hat",
            "brand": "Aalto",
            "price": "30",
            "category": "Clothing > Hat",
            "attributes": {"colour": ["Blue", "red"]},
        },
        {
            "title": "lamp",
            "brand": "Brisk",
            "price": None,
            "in_stock": False,
            "attributes": {"watt": 7, "colour": "Red"},
        },
    ]
    for row in rows:
        make_product(**row)
    names = "brand,category,in_stock,price,attr.colour,attr.Watt,attr.none"
    facets = client.get(URL, {"facets": names}).json()["facets"]
    assert facets == {
        "brand": {"values": [{"value": "Aalto", "count": 3}, {"value": "Brisk", "count": 1}]},
        "category": {
            "values": [
                {"value": "clothing", "label": "Clothing", "count": 3},
                {"value": "hat", "label": "Hat", "count": 2},
                {"value": "dress", "label": "Dress", "count": 1},
            ]
        },
        "in_stock": {"values": [{"value": "true", "count": 3}, {"value": "false", "count": 1}]},
        "price": {
            "currency": "EUR",
            "ranges": [{"min": f"{n}.00", "max": f"{n}.00", "count": 1} for n in (10, 20, 30)],
        },
        "attr.colour": {"values": [{"value": "Red", "count": 4}, {"value": "Blue", "count": 1}]},
        "attr.Watt": {"values": [{"value": "7", "count": 1}], "ranges": [{"min": "7", "max": "7", "count": 1}]},
        "attr.none": {"values": []},
    }
    answer = client.get(
        URL, {"facets": "brand,attr.colour", "search": "red", "brand": "aalto", "attr.colour": "blue"}
    ).json()
    assert answer["count"] == 0
    assert answer["facets"] == {
        "brand": {"values": []},
        "attr.colour": {"values": [{"value": "Red", "count": 2}]},
    }
    assert "facets" not in client.get(URL).json()


def test_values_and_ranges_are_bounded() -> None:
    Product.objects.bulk_create(
        Product(
            sku=f"S{n}",
            title="x word",
            brand=f"B{n:03}",
            price=n,
            currency="EUR",
            attributes={"n": str(n), "t": f"v{n}"},
        )
        for n in range(200)
    )
    filters, search = read_filters({}), text_search("word", published=True)
    found = counted(Product.objects.all(), ["brand", "price", "attr.n", "attr.t"], filters=filters, search=search)
    assert [one["value"] for one in found["brand"]["values"]] == [f"B{n:03}" for n in range(MAX_COUNTED)]
    assert len(found["attr.n"]["values"]) == len(found["attr.t"]["values"]) == MAX_COUNTED
    for name in ("price", "attr.n"):
        assert [one["count"] for one in found[name]["ranges"]] == [25] * RANGES
    assert found["attr.n"]["ranges"][0] == {"min": "0", "max": "24", "count": 25}
    assert found["price"]["ranges"][-1] == {"min": "175.00", "max": "199.00", "count": 25}
