"""Whatever a caller writes is answered or refused; nothing is a server's error."""

from __future__ import annotations

import time
from urllib.parse import quote, quote_from_bytes

import orjson
import pytest
from django.test import Client
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from recommender.index.search import vector_search
from tests.catalog.filters.chosen import filtering
from tests.recommender.search.gallery import Shop, random_units

API = "/api/v1/"
VECTORS = random_units(4, seed=12)
DATA_URL = '"data:,refused before anything is fetched"'
NAMES = (
    "limit", "page", "page_size", "search", "category", "brand", "min_price", "max_price", "currency", "in_stock", "exclude", "image",
    "min_score", "min_confidence", "min_results", "diversity", "exact", "attr.colour", "attr.\0", "attr.", "threshold", "crop",
)  # fmt: skip
ODD = (
    "9" * 5000, "-" + "9" * 5000, "0" * 5000, "1" * 20, "1e999999", "-1e999999", "1e-999999", "1E5", "nan", "-inf", "Infinity",
    "\0", "a\0b", "٣", "²", "1_0", "+1", " 1 ", "1,2", ",", "'", '"', "\\", "%", "_", "{}", "[]", "null", "\u202e", "🧥" * 50,
    "\ufffe", str(2**31), str(2**63 - 1), str(2**63), str(2**64), "0x10", "1.", ".5", "19.99", "19,99", "true", "all", "x" * 9000,
)  # fmt: skip
# What stands behind a name, percent-encoded: odd texts, any text, any bytes (UTF-8 or not).
VALUES = st.one_of(
    st.sampled_from(ODD).map(quote),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30).map(quote),
    st.binary(max_size=20).map(quote_from_bytes),
    st.from_regex(r"[-+]?[0-9]{0,40}(\.[0-9]{0,40})?([eE][-+]?[0-9]{1,9})?", fullmatch=True).map(quote),
)


@pytest.mark.django_db
@settings(
    max_examples=60, suppress_health_check=list(HealthCheck)
)  # more, of every address: tests.fuzz.test_parameters
@given(asked=st.lists(st.tuples(st.sampled_from(NAMES).map(quote), VALUES), min_size=1, max_size=3))
@example(asked=[("exclude", "9" * 5000)])
@example(asked=[("search", "%00")])
@example(asked=[("attr.colour", "1" * 5000)])
@example(asked=[("attr.colour", "%22%20||%20true%20\\"), ("attr.colour", "1e-5")])
def test_every_parameter_takes_any_text(odd_shop: tuple[Client, int], asked: list[tuple[str, str]]) -> None:
    client, product = odd_shop
    query = "&".join(f"{name}={value}" for name, value in asked)
    for path in ("products/", f"products/{product}/similar/"):
        response = client.get(f"{API}{path}?{query}")
        assert response.status_code in (200, 400), (path, query)
        if response.status_code == 400:
            body = response.json()
            assert response.headers["Content-Type"] == "application/problem+json" and "parameter" in body


@pytest.mark.parametrize("name", NAMES)
def test_each_odd_text_in_each_parameter(odd_shop: tuple[Client, int], name: str) -> None:
    client, product = odd_shop
    for value in ODD:
        for path in ("products/", f"products/{product}/similar/", f"products/{product}/duplicates/"):
            response = client.get(f"{API}{path}?{quote(name)}={quote(value)}")
            assert response.status_code in (200, 400), (path, value[:50])


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        ("similar/", "exclude", "9" * 5000),
        ("similar/", "limit", "9" * 5000),
        ("similar/", "image", "9" * 5000),
        ("similar/", "max_price", "1e999999"),
        ("similar/", "brand", "a\0"),
        ("similar/", "category", "a\0"),
        ("similar/", "attr.colour", "a\0"),
        ("duplicates/", "threshold", "1e999999"),
        ("", "page", "9" * 5000),
        ("", "max_price", "1e999999"),
        ("", "search", "a\0"),
        ("", "brand", "a\0"),
        ("", "category", "a\0"),
    ],
)
def test_what_cannot_be_read_is_400_naming_it(odd_shop: tuple[Client, int], path: str, name: str, value: str) -> None:
    client, product = odd_shop
    response = client.get(f"{API}products/{f'{product}/{path}' if path else ''}?{name}={quote(value)}")
    assert (response.status_code, response.json()["parameter"]) == (400, name)


@pytest.mark.parametrize(
    "name", [*(name for name in NAMES if not name.startswith("attr.")), "x" * 9000, "attr." + "x" * 9000]
)
def test_an_error_repeats_only_the_beginning_of_what_is_long(odd_shop: tuple[Client, int], name: str) -> None:
    client, product = odd_shop
    value = "\0" if name.startswith("attr.") else "x" * 9000
    for path in ("products/", f"products/{product}/similar/", f"products/{product}/duplicates/"):
        response = client.get(f"{API}{path}?{quote(name)}={quote(value)}")
        assert response.status_code == 200 or len(response.content) < 1000, path
    bodies: dict[str, dict[str, object]] = {
        "recommendations/": {"positive": [product]},
        "similar/batch/": {"products": [product]},
        "search/image/": {"image_url": "data:,"},
    }
    for path, body in bodies.items():
        response = client.post(API + path, orjson.dumps({**body, name: value}), content_type="application/json")
        assert response.status_code == 200 or len(response.content) < 1000, path
    response = client.post(f"{API}search/image/", orjson.dumps({"image_url": value}), content_type="application/json")
    assert response.status_code == 400 and len(response.content) < 1000


@pytest.mark.parametrize("path", ["recommendations/", "similar/batch/"])
@pytest.mark.parametrize(
    "ids", ["9" * 5000, "[" + "9" * 5000 + "]", "[1e400]", "[9223372036854775808]", '["1"]', "[true]", "[null]", "[-1]", "{}"]
)  # fmt: skip
def test_ids_that_are_none(odd_shop: tuple[Client, int], path: str, ids: str) -> None:
    client, _ = odd_shop
    body = f'{{"{"positive" if path == "recommendations/" else "products"}": {ids}}}'
    assert client.post(API + path, body, content_type="application/json").status_code == 400


@pytest.fixture
def odd_shop(shop: Shop) -> tuple[Client, int]:
    """A client and the id of a product that has something to answer."""
    products = shop.add_many(
        [(VECTORS[i : i + 1], {"brand": "a,b", "attributes": {"colour": "red"}}) for i in range(4)]
    )
    return Client(raise_request_exception=False), products[0].pk


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ('{"positive": [1], "limit": 2, "limit": 3}', "limit"),
        ('{"positive": [1], "positive": [2]}', "positive"),
        ('{"positive": [1], "attr.colour": "a", "attr.colour": "a"}', "attr.colour"),
        ('{"positive": [1], "\\u0062rand": "a", "brand": "b", "x": "brand"}', "brand"),
    ],
)
def test_a_member_that_stands_twice_is_named(odd_shop: tuple[Client, int], body: str, name: str) -> None:
    response = odd_shop[0].post(f"{API}recommendations/", body, content_type="application/json")
    assert (response.status_code, response.json()["parameter"]) == (400, name)
    assert "stands twice" in response.json()["detail"]


@pytest.mark.parametrize("more", ['"brand": "limit"', '"exclude": ["limit", "limit"]', '"brand": "\\"limit\\": 1"'])
def test_a_name_that_is_a_value_too_stands_once(odd_shop: tuple[Client, int], more: str) -> None:
    client, product = odd_shop
    body = f'{{"positive": [{product}], "limit": 2, {more}}}'
    assert client.post(f"{API}recommendations/", body, content_type="application/json").status_code == 200


MEMBERS = ("positive", "products", "image_url", "limit", "brand", "crop", "attr.a", "x\\u0000", "exact")
MEMBER_VALUES = (
    "[" * 100_000, "[" * 600 + "]" * 600, "[" * 1000 + "]" * 1000, '{"a":' * 1000 + "1" + "}" * 1000, "NaN", "1e999", "9" * 5000, '"\\ud800"', '"\\u0000"', '{"a": 1}', "[[1]]", "-1", '""', "[null]",
)  # fmt: skip


@pytest.mark.parametrize(
    ("path", "needed"),
    [("recommendations/", "positive"), ("similar/batch/", "products"), ("search/image/", "image_url")],
)
def test_members_of_any_kind(odd_shop: tuple[Client, int], path: str, needed: str) -> None:
    client, product = odd_shop
    given = DATA_URL if needed == "image_url" else f"[{product}]"
    for name in MEMBERS:
        for value in MEMBER_VALUES:
            first = "" if name == needed else f'"{needed}": {given}, '
            response = client.post(API + path, f'{{{first}"{name}": {value}}}', content_type="application/json")
            assert response.status_code in (200, 400), (name, value[:50])
            if response.status_code == 400:
                assert response.json().get("parameter", "") or response.json()["title"] == "Not JSON"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (", ".join(f'"k{number}": "k0"' for number in range(60_000)), 400),
        (", ".join(f'"k{number}": 0' for number in [*range(60_000), 59_999]), 400),
        (f'"attr.{"é" * 1_000_000}": [{", ".join(["1"] * 200)}]', 200),
        (f'"attr.a": [{", ".join(["1"] * 200)}, "{"é" * 1_000_000}"]', 400),
    ],
    ids=["many members", "many members, the last one twice", "a long name", "a long value"],
)
def test_a_large_body_takes_no_longer_than_reading_it(odd_shop: tuple[Client, int], body: str, status: int) -> None:
    client, product = odd_shop
    began = time.process_time()
    response = client.post(
        f"{API}recommendations/", f'{{"positive": [{product}], {body}}}', content_type="application/json"
    )
    assert response.status_code == status
    assert time.process_time() - began < 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    "odd", ['a"b', "back\\slash", '" || true || "', "$.x", "ü😀", "tab\tline\n", "-0", "-7.5", "1e300", ""]
)
def test_an_attribute_is_found_by_its_very_name_and_value(shop: Shop, odd: str) -> None:
    wanted = shop.add(VECTORS[0], attributes={odd: odd})
    listed = shop.add(VECTORS[1], attributes={odd: ["x", odd]})
    shop.add(VECTORS[2], attributes={odd: "other", "b": odd})
    shop.add(VECTORS[3], attributes={odd: [[odd]]})
    filters = filtering(attributes={odd: (odd,)})
    for exact in (False, True):
        hits = vector_search().search(space=shop.space, vector=VECTORS[0], filters=filters, k=5, exact=exact)
        assert {hit.product_id for hit in hits} == {wanted.pk, listed.pk}


@pytest.mark.django_db
@pytest.mark.parametrize(("written", "stored"), [("7", 7), ("-7.5", -7.5), ("1e300", 1e300), ("true", True)])
def test_a_number_or_truth_value_is_found_by_its_text(shop: Shop, written: str, stored: object) -> None:
    wanted = [shop.add(VECTORS[0], attributes={"n": stored}), shop.add(VECTORS[1], attributes={"n": [stored]})]
    shop.add(VECTORS[2], attributes={"n": 8})
    filters = filtering(attributes={"n": (written,)})
    hits = vector_search().search(space=shop.space, vector=VECTORS[0], filters=filters, k=5)
    assert {hit.product_id for hit in hits} == {product.pk for product in wanted}


def test_a_body_of_very_many_members_is_refused_before_each_is_looked_for(odd_shop: tuple[Client, int]) -> None:
    client, product = odd_shop
    body = orjson.dumps({"positive": [product]} | {f"attr.name {number}": "x" for number in range(50_000)})
    began = time.process_time()
    response = client.post(f"{API}recommendations/", body, content_type="application/json")
    assert (response.status_code, response.json()["parameter"]) == (400, "attr.name 32")
    assert time.process_time() - began < 5
