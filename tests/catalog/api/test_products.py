"""`products/` and `categories/`: filters, pages, errors that name the parameter, a fixed number of queries."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalog.models import ProductImage
from tests.catalog.factories import make_category, make_image, make_product

pytestmark = pytest.mark.django_db
URL = "/api/v1/products/"


@pytest.fixture
def product_ids() -> dict[str, int]:
    """Products by name: their ids."""
    make_category("Clothing > Shoes")
    rows: dict[str, dict[str, Any]] = {
        "hat": {"title": "Red hat", "brand": "Dune", "price": "10", "category": "Clothing > Hat"},
        "dress": {"title": "Red dress", "brand": "Aalto", "price": "20", "category": "Clothing > Dress > Summer"},
        "coat": {"title": "Blue coat", "brand": "Dune", "price": "30", "category": "Clothing", "in_stock": False},
        "lamp": {"title": "Lamp", "brand": "Lux", "price": None, "category": "Home"},
        "hidden": {"title": "Red secret", "brand": "Dune", "price": "10", "category": "Home", "published": False},
    }
    return {name: make_product(sku=f"sku-{name}", **fields).pk for name, fields in rows.items()}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["hat", "dress", "coat", "lamp"]),
        ("search=red", ["hat", "dress"]),
        ("search=RED dune", ["hat"]),
        ("search=sku-co", ["coat"]),
        ("search=%25", []),
        ("category=clothing", ["hat", "dress", "coat"]),
        ("category=dress", ["dress"]),
        ("category=shoes", []),
        ("brand=Dune", ["hat", "coat"]),
        ("brand=Dune&brand=Lux", ["hat", "coat", "lamp"]),
        ("brand=dune", ["hat", "coat"]),
        ("in_stock=true", ["hat", "dress", "lamp"]),
        ("in_stock=0", ["coat"]),
        ("in_stock=1&in_stock=0", ["coat"]),
        ("min_price=10.01", ["dress", "coat"]),
        ("max_price=20", ["hat", "dress"]),
        ("min_price=20&max_price=20&search=dress&category=clothing&brand=Aalto&in_stock=1", ["dress"]),
    ],
)
def test_filters(client: Client, product_ids: dict[str, int], query: str, names: list[str]) -> None:
    answer = client.get(f"{URL}?{query}").json()
    assert [product["id"] for product in answer["results"]] == [product_ids[name] for name in names]
    assert (answer["count"], answer["next"], answer["previous"]) == (len(names), None, None)


@pytest.mark.parametrize(
    ("query", "parameter", "detail"),
    [
        ("catgory=hat", "catgory", "there is no such parameter; there are brand, category, currency"),
        ("category=none", "category", "no category has the slug 'none'"),
        ("in_stock=maybe", "in_stock", "'maybe' is neither true nor false"),
        ("min_price=-1", "min_price", "'-1' is no price; write it like 19.99"),
        ("max_price=nan", "max_price", "'nan' is no price"),
        ("max_price=1e999", "max_price", "'1e999' is no price"),
        ("min_price=2&max_price=1", "min_price", "2 is more than max_price 1"),
        ("page=0", "page", "'0' is no whole number from 1 to 1000000"),
        ("page=two", "page", "'two' is no whole number"),
        ("page=2", "page", "2 is beyond the last page, 1"),
        ("page=" + "9" * 100, "page", "is no whole number"),
        ("page_size=101", "page_size", "'101' is no whole number from 1 to 100"),
        ("search=%00", "search", "holds a NUL character"),
        ("search=" + "x" * 201, "search", "201 characters, at most 200"),
        ("search=a b c d e f g h i", "search", "more than 8 words"),
        ("brand=a%00", "brand", "holds a NUL character"),
        ("&".join(["brand=x"] * 201), "brand", "given 201 times; at most 200"),
    ],
)
def test_a_bad_parameter_is_named(
    client: Client, product_ids: dict[str, int], query: str, parameter: str, detail: str
) -> None:
    response = client.get(f"{URL}?{query}")
    problem = response.json()
    assert (response.status_code, response["Content-Type"]) == (400, "application/problem+json")
    assert list(problem) == ["type", "title", "status", "detail", "instance", "parameter"]
    assert (problem["status"], problem["instance"], problem["parameter"]) == (400, URL, parameter)
    assert problem["detail"].startswith(f"{parameter}: ") and detail in problem["detail"]


def test_pages_lead_to_each_other(client: Client) -> None:
    ids = [make_product(brand="Dune").pk for _ in range(5)]
    first = client.get(f"{URL}?brand=Dune&page_size=2").json()
    second = client.get(first["next"]).json()
    third = client.get(second["next"]).json()
    assert [[product["id"] for product in page["results"]] for page in (first, second, third)] == [
        ids[:2],
        ids[2:4],
        ids[4:],
    ]
    assert (first["previous"], third["next"]) == (None, None)
    assert third["previous"] == "http://testserver/api/v1/products/?brand=Dune&page_size=2&page=2"
    assert {page["count"] for page in (first, second, third)} == {5}


def test_a_product_as_documented(client: Client) -> None:
    product = make_product(
        sku="A-1",
        title="Hat",
        group="G",
        description="Warm",
        brand="Dune",
        price="9.9",
        url="https://shop.example/hat",
        attributes={"colour": "red"},
        category="Clothing > Hat",
    )
    image = make_image(product, seed=1, size=(80, 50), alt="from the front")
    plain = make_image(product, seed=2)
    ProductImage.objects.create(product=product, source_url="https://shop.example/later.jpg")
    answer = client.get(f"{URL}{product.pk}/").json()
    assert list(answer.items()) == [
        ("id", product.pk),
        ("sku", "A-1"),
        ("group", "G"),
        ("title", "Hat"),
        ("description", "Warm"),
        ("category", {"slug": "hat", "name": "Hat"}),
        ("brand", "Dune"),
        ("price", "9.90"),
        ("list_price", None),
        ("currency", "EUR"),
        ("in_stock", True),
        ("url", "https://shop.example/hat"),
        ("attributes", {"colour": "red"}),
        ("images", answer["images"]),
    ]
    assert list(answer["images"][0].items()) == [
        ("id", image.pk),
        ("url", f"/media/photos/{image.digest}.png"),
        ("thumbnail", f"/media/thumbnails/{image.digest}.jpg"),
        ("width", 80),
        ("height", 50),
        ("position", 0),
        ("alt", "from the front"),
    ]
    assert [(each["id"], each["alt"]) for each in answer["images"]] == [(image.pk, "from the front"), (plain.pk, "Hat")]


@pytest.mark.parametrize("pk", ["0", "999999", "9" * 30])
def test_an_unknown_product_is_a_problem(client: Client, pk: str) -> None:
    response = client.get(f"{URL}{pk}/")
    assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")
    assert response.json()["detail"] == f"there is no published product {pk}"


def test_an_unpublished_product_is_not_found(client: Client) -> None:
    assert client.get(f"{URL}{make_product(published=False).pk}/").status_code == 404


def test_other_methods_and_addresses_are_problems(client: Client) -> None:
    response = client.delete(URL)
    assert (response.status_code, response["Content-Type"]) == (405, "application/problem+json")
    response = client.get("/api/v1/nothing/")
    assert (response.status_code, response.json()["instance"]) == (404, "/api/v1/nothing/")


def test_a_page_costs_the_same_queries_however_long(client: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert client.get(f"{URL}?page_size=100").status_code == 200
        return len(captured)

    make_image(make_product(category="A > B"))
    few = queries()
    for number in range(20):
        make_image(make_product(category=f"A > C{number}"))
    assert (few, queries()) == (4, 4)


def test_a_product_costs_two_queries(client: Client, django_assert_num_queries: Any) -> None:
    image = make_image(make_product(category="A"))
    with django_assert_num_queries(2):
        client.get(f"{URL}{image.product_id}/")


def test_the_schema_describes_the_api_without_a_warning() -> None:
    out = StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", "--format", "openapi-json", stdout=out)
    schema = json.loads(out.getvalue())
    parameters = schema["paths"]["/api/v1/products/"]["get"]["parameters"]
    names = {
        *("search", "sort", "page", "page_size", "cursor", "ids", "facets", "fields"),
        *("attributes", "brand", "category", "currency", "exclude", "in_stock"),
        *("max_price", "min_price", "If-None-Match"),
    }
    assert {parameter["name"] for parameter in parameters} == names
    product = product_fields(schema)
    assert product[:3] == ["id", "sku", "group"] and product[-1] == "images"


def product_fields(schema: dict[str, Any]) -> list[str]:
    """The fields of a product in the order of the schema."""
    return list(schema["components"]["schemas"]["Product"]["properties"])


def test_categories_count_their_descendants(
    client: Client, product_ids: dict[str, int], django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(3):
        nodes = client.get("/api/v1/categories/").json()["results"]
    assert [(node["slug"], node["parent"], node["depth"], node["products"]) for node in nodes] == [
        ("clothing", None, 1, 3),
        ("dress", "clothing", 2, 1),
        ("summer", "dress", 3, 1),
        ("hat", "clothing", 2, 1),
        ("home", None, 1, 1),
    ]


@pytest.mark.parametrize(
    ("price", "currency", "shown"),
    [
        ("12.9", "EUR", "12.90"),
        ("3.125", "KWD", "3.125"),
        ("3", "KWD", "3.000"),
        ("8000", "JPY", "8000.00"),
        ("5", "", "5.00"),
        ("5", "XYZ", "5.00"),
    ],
)
def test_a_price_shows_two_decimals_or_its_currencys(client: Client, price: str, currency: str, shown: str) -> None:
    product = make_product(price=price, list_price=price, currency=currency)
    answer = client.get(f"{URL}{product.pk}/").json()
    assert (answer["price"], answer["list_price"]) == (shown, shown)
