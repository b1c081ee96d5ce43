"""The SQL of filters against plain Python, on random catalogues and random parameters."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.filters.entries.price import Price
from catalog.filters.registry import read_filters
from catalog.models import Category, Product
from catalog.product_search import filtered
from tests.catalog.factories import make_category
from tests.catalog.filters.chosen import passes

PATHS = ("Clothing", "Clothing > Dress", "Clothing > Dress > Evening", "Home")
BRANDS = ("", "Aalto", "AALTO", "Brisk", "Straße", "Café", "Cafe\N{COMBINING ACUTE ACCENT}")
CURRENCIES = ("", "EUR", "USD", "chf")
WORDS = ("red", "Red", "RÉD", "re\N{COMBINING ACUTE ACCENT}d", "7", "12.5", "-3", "true")

products = st.fixed_dictionaries(
    {
        "category": st.none() | st.sampled_from(range(len(PATHS))),
        "brand": st.sampled_from(BRANDS),
        "price": st.none() | st.integers(0, 12).map(Decimal),
        "currency": st.sampled_from(CURRENCIES),
        "in_stock": st.booleans(),
        "published": st.sampled_from((True, True, True, False)),
        "attributes": st.dictionaries(
            st.sampled_from(("colour", "Size", "size", "size.min")),
            st.sampled_from((*WORDS, 7, 12.5)) | st.lists(st.sampled_from((*WORDS, 7, 2.0)), max_size=2),
        ),
        "group": st.sampled_from(("", "g", "h")),
    }
)
asked = st.fixed_dictionaries(
    {},
    optional={
        "category": st.lists(st.sampled_from(("clothing", "dress", "evening", "home")), min_size=1, max_size=2),
        "brand": st.lists(st.sampled_from((*BRANDS, "aalto,BRISK", "STRASSE")), min_size=1, max_size=2),
        "min_price": st.integers(0, 6).map(str).map(lambda text: [text]),
        "max_price": st.sampled_from(("6", "9.99", "12.00")).map(lambda text: [text]),
        "currency": st.sampled_from(("EUR", "usd", "CHF")).map(lambda text: [text]),
        "in_stock": st.sampled_from(("true", "false")).map(lambda text: [text]),
        "attr.colour": st.lists(st.sampled_from(WORDS), min_size=1, max_size=2),
        "attr.size": st.lists(st.sampled_from(WORDS), min_size=1, max_size=2),
        "attr.SIZE.min": st.sampled_from(("-3", "7", "7.5")).map(lambda text: [text]),
        "attr.size.max": st.sampled_from(("7", "12.5", "20")).map(lambda text: [text]),
        "exclude": st.lists(st.sampled_from(("0", "sku1", "sku2,sku3", "nobody's")), min_size=1, max_size=3),
    },
)


@pytest.fixture
def categories(db: None) -> list[Category]:
    return [make_category(path) for path in PATHS]


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(rows=st.lists(products, min_size=1, max_size=25), parameters=asked, group=st.sampled_from(("", "g")))
def test_what_passes_in_sql_is_what_passes_in_python(
    categories: list[Category], rows: list[dict[str, Any]], parameters: dict[str, list[str]], group: str
) -> None:
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
        held = Counter(str(row["currency"]).upper() for row in rows if row["published"] and row["currency"])
        if "currency" in parameters and parameters["currency"][0].upper() not in held:
            del parameters["currency"]
        filters = read_filters(parameters).excluding(groups=[group])
        price = filters.get(Price)
        if price is not None and "currency" not in parameters:
            assert price.currency.code == min(held, key=lambda code: (-held[code], code), default="")
        found = filtered(Product.objects.filter(published=True), filters=filters).order_by("pk")
        assert [product.pk for product in found] == [product.pk for product in shop if passes(product, filters)]
        transaction.set_rollback(True)
