"""Whatever the shipped server is asked by its own schema, it answers as the schema says: no server's error, nothing undocumented."""

from __future__ import annotations

import os
from collections import Counter

from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case

from catalog.models import Category, Product, ProductImage
from tests.browser.conftest import Shop, drawn_catalogue, embedded_shop, server, static_files, web
from tests.catalog.access.askers import secret
from tests.fuzz.schema_calls import Operations

__all__ = ["drawn_catalogue", "embedded_shop", "server", "static_files", "web"]

# Of each operation: `make fuzz` makes more than 10,000 calls in all.
CALLS = 500 if os.environ.get("HYPOTHESIS_PROFILE") == "fuzz" else 20
any_speed = settings(max_examples=CALLS, suppress_health_check=list(HealthCheck), phases=[Phase.generate, Phase.shrink])


def test_answers_are_as_the_schema_says(embedded_shop: Shop) -> None:
    """Each operation is answered well at least once, or its checks would be of refusals alone."""
    products = list(Product.objects.order_by("pk").values_list("pk", flat=True))
    operations = Operations(
        embedded_shop.url,
        products=products[:8],
        written=dict(ProductImage.objects.filter(product__in=products[8:]).values_list("product", "pk")),
        categories=list(Category.objects.values_list("slug", flat=True)),
        key=secret(),
    )
    answered = {name: answers(operations, name) for name in operations.by_name}
    print({name: dict(sorted(counted.items())) for name, counted in answered.items()})
    print(sum(counted.total() for counted in answered.values()), "calls")
    assert [name for name, counted in answered.items() if min(counted) >= 300] == []


def answers(operations: Operations, name: str) -> Counter[int]:
    """How many calls of an operation were answered with which status."""
    counted: Counter[int] = Counter()

    @any_speed
    @given(case=operations.cases(name))
    def ask(case: Case) -> None:
        counted[operations.check(case)] += 1

    ask()
    return counted
