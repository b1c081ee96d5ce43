"""Every filter, over the list of the catalogue and over each kind of search: the same products pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import numpy as np
import orjson
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from catalog.models import Product
from recommender.encoder import serving
from tests.catalog.factories import photo_bytes
from tests.recommender.search.gallery import Shop, make_tree, random_units

API = "/api/v1/"
NAMES = ("hat", "dress", "coat", "lamp", "scarf", "gift")
# What is asked for → who passes, and the currency that the answer names.
PASSING = {
    "": (["hat", "dress", "coat", "lamp", "scarf", "gift"], None),
    "category=clothing": (["hat", "dress", "scarf"], None),
    "category=dress,home": (["dress", "lamp", "scarf"], None),
    "brand=Dune": (["hat", "coat"], None),
    "brand=Dune&brand=Lux": (["hat", "coat", "lamp", "gift"], None),
    "brand=Dune, Inc": (["scarf"], None),
    "in_stock=true": (["hat", "dress", "lamp", "scarf", "gift"], None),
    "in_stock=0": (["coat"], None),
    "attr.colour=red": (["hat", "dress"], None),
    "attr.colour=blue&attr.colour=green": (["dress"], None),
    "attr.size=7": (["coat"], None),
    "exclude=hat,lamp&exclude=gift": (["dress", "coat", "scarf"], None),
    "min_price=15": (["dress", "scarf"], "EUR"),
    "max_price=15": (["hat", "scarf"], "EUR"),
    "min_price=10.01&max_price=20.00&currency=eur": (["dress", "scarf"], "EUR"),
    "min_price=25&currency=USD": (["coat", "gift"], "USD"),
    "max_price=25&currency=usd": (["gift"], "USD"),
    "currency=USD": (["coat", "gift"], "USD"),
    "currency=EUR": (["hat", "dress", "lamp", "scarf"], "EUR"),
    "category=clothing&brand=Dune&max_price=10&in_stock=1&attr.colour=red&exclude=gift": (["hat"], "EUR"),
}
# What is asked for → the parameter that is named, and what is said of it.
REFUSED = {
    "currency=GBP": ("currency", "currency: 'GBP' is no currency of this catalogue; there are EUR, USD"),
    "min_price=1&currency=euros": ("currency", "'euros' is no currency of this catalogue; there are EUR, USD"),
    "category=none": ("category", "no category has the slug 'none'; GET /api/v1/categories/ lists them"),
    "min_price=x": ("min_price", "'x' is no price; write it like 19.99"),
    "min_price=2&max_price=1": ("min_price", "2 is more than max_price 1"),
    "in_stock=maybe": ("in_stock", "'maybe' is neither true nor false"),
    "curency=EUR": ("curency", "there is no such parameter; there are brand, category, c"),
}
Ask = Callable[[str], tuple[list[str], dict[str, Any]]]


@pytest.fixture
def products(shop: Shop) -> dict[str, Product]:
    """Six products that can be answered, one that asks and would not pass, and one that is hidden."""
    tree = make_tree()
    rows: dict[str, dict[str, Any]] = {
        "hat": {"brand": "Dune", "price": 10, "category": tree["clothing"], "attributes": {"colour": "red"}},
        "dress": {"brand": "Aalto", "price": 20, "category": tree["summer"], "attributes": {"colour": ["blue", "red"]}},
        "coat": {"brand": "Dune", "price": 30, "currency": "USD", "in_stock": False, "attributes": {"size": 7}},
        "lamp": {"brand": "Lux", "price": None, "currency": "", "category": tree["home"]},
        "scarf": {"brand": "Dune, Inc", "price": 15, "currency": "", "category": tree["dress"]},
        "gift": {"brand": "Lux", "price": 25, "currency": "usd", "group": "gifts"},
        "asking": {"brand": "nobody", "currency": "EUR"},
        "hidden": {"brand": "Dune", "price": 10, "currency": "GBP", "published": False},
    }
    vectors = random_units(len(rows))
    made = shop.add_many(
        [(vectors[place : place + 1], {"sku": name, **fields}) for place, (name, fields) in enumerate(rows.items())]
    )
    return dict(zip(rows, made, strict=True))


class OneVector:
    """An encoder to which every photo looks alike."""

    side, dimensions, pooling, recipe = 8, 8, "mean", 1

    def maps(self, pixels: Any) -> Any:
        return self.features(pixels)[None, None, :]

    def features(self, pixels: Any) -> Any:
        return np.ones(8, np.float32)


def told(response: Any) -> dict[str, Any]:
    assert response.status_code == 200, response.content
    body: dict[str, Any] = response.json()
    return body


def names_of(results: list[dict[str, Any]]) -> list[str]:
    """The skus of results in the order of NAMES; searches answer in that of likeness."""
    found = {result.get("product", result)["sku"] for result in results} - {"asking"}
    assert len(found) == len([result for result in results if result.get("product", result)["sku"] != "asking"])
    return sorted(found, key=NAMES.index)


@pytest.fixture(params=["list", "similar", "recommendations", "batch", "photo", "photo in a form"])
def ask(request: pytest.FixtureRequest, client: Client, products: dict[str, Product]) -> Ask:
    """A query string → names of those that passed, and what the answer's `query` says."""
    asking = products["asking"].pk

    def body(query: str) -> dict[str, Any]:
        return {name: values[0] if len(values) == 1 else values for name, values in parse_qs(query).items()}

    def post(path: str, members: dict[str, Any]) -> dict[str, Any]:
        return told(client.post(f"{API}{path}", orjson.dumps(members), content_type="application/json"))

    def asked(query: str) -> tuple[list[str], dict[str, Any]]:
        answer: dict[str, Any]
        if request.param == "list":
            answer = told(client.get(f"{API}products/?{query}"))
        elif request.param == "similar":
            answer = told(client.get(f"{API}products/{asking}/similar/?{query}"))
        elif request.param == "recommendations":
            answer = post("recommendations/", {"positive": [asking], **body(query)})
        elif request.param == "batch":
            answer = post("similar/batch/", {"products": [asking], **body(query)})
            answer = {**answer, "results": answer["results"][str(asking)]}
        elif request.param == "photo":
            with serving.injected(OneVector()):
                photo = SimpleUploadedFile("photo.png", photo_bytes(1))
                answer = told(client.post(f"{API}search/image/?{query}", {"image": photo}))
        else:
            photo = SimpleUploadedFile("photo.png", photo_bytes(1))
            with serving.injected(OneVector()):
                answer = told(client.post(f"{API}search/image/", {"image": photo, **parse_qs(query)}))
        return names_of(answer["results"]), answer.get("query", {})

    return asked


def test_the_same_products_pass_wherever_one_asks(ask: Ask) -> None:
    answers = {query: ask(query) for query in PASSING}
    assert {query: (names, said.get("currency")) for query, (names, said) in answers.items()} == PASSING
    assert [query for query, (_, said) in answers.items() if "currency" in said] == [
        query for query, (_, currency) in PASSING.items() if currency
    ]


@pytest.mark.parametrize(
    "path",
    ["products/", "products/{}/similar/", "search/image/", "search/image/ JSON", "recommendations/", "similar/batch/"],
)
def test_a_bad_filter_is_named_wherever_one_asks(client: Client, products: dict[str, Product], path: str) -> None:
    asking = products["asking"].pk
    bodies = {
        "search/image/ JSON": {"image_url": "data:,never fetched"},
        "recommendations/": {"positive": [asking]},
        "similar/batch/": {"products": [asking]},
    }
    url = API + path.format(asking).removesuffix(" JSON")
    for query, (parameter, detail) in REFUSED.items():
        if path in bodies:
            members = {**bodies[path], **{name: values[0] for name, values in parse_qs(query).items()}}
            response = client.post(url, orjson.dumps(members), content_type="application/json")
        elif path == "search/image/":
            response = client.post(f"{url}?{query}", {"image": SimpleUploadedFile("photo.png", photo_bytes(1))})
        else:
            response = client.get(f"{url}?{query}")
        assert (response.status_code, response.json()["parameter"]) == (400, parameter)
        assert detail in response.json()["detail"]


def test_a_catalogue_without_currencies_compares_prices_as_they_stand(client: Client, shop: Shop) -> None:
    vectors = random_units(3)
    asking, cheap, _ = shop.add_many(
        [(vectors[place : place + 1], {"currency": "", "price": place}) for place in range(3)]
    )
    for path in ("products/", f"products/{asking.pk}/similar/"):
        answer = told(client.get(f"{API}{path}?min_price=1&max_price=1"))
        assert [one.get("product", one)["id"] for one in answer["results"]] == [cheap.pk]
        assert "currency" not in answer.get("query", {})


def test_both_operations_show_the_same_filters_in_the_schema(client: Client, db: None) -> None:
    paths = orjson.loads(client.get("/api/schema/?format=json").content)["paths"]
    listed, similar = (
        {one["name"]: one for one in paths[API + path]["get"]["parameters"]}
        for path in ("products/", "products/{product}/similar/")
    )
    names = {"attributes", "brand", "category", "currency", "exclude", "in_stock", "max_price", "min_price"}
    assert {name: listed[name] for name in names} == {name: similar[name] for name in names}
    assert listed["currency"]["schema"] == {"type": "string", "pattern": "^[A-Za-z]{3}$"}
    assert listed["brand"]["schema"] == {"type": "array", "items": {"type": "string"}, "maxItems": 200}
    assert listed["in_stock"]["schema"] == {"type": "boolean"}
    assert "query.currency" in listed["currency"]["description"]
