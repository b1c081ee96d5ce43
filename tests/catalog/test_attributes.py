"""Attributes that cannot be kept are an error that names them, in the admin's form and in feeds."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from django.contrib.auth.models import User
from django.test import Client

from catalog.attributes import UnusableAttribute, check_attributes, flat, flat_text
from catalog.feeds.columns import read_columns
from catalog.feeds.rows import FeedRow
from catalog.models import Product
from tests.catalog.factories import make_product
from tests.recommender.search.gallery import Shop, make_space, random_units

UNUSABLE: list[tuple[str, object, str]] = [
    ('{"a": NaN}', {"a": float("nan")}, "a: the number is too large, or none"),
    ('{"a": -Infinity}', {"a": float("-inf")}, "a: the number is too large, or none"),
    ('{"a": 1e999}', {"a": float("inf")}, "a: the number is too large, or none"),
    ('{"a": 9223372036854775808}', {"a": 2**63}, "a: the number is too large, or none"),
    ('{"a": 1e300}', {"a": 1e300}, "a: the number is too large, or none"),
    ('{"a": "x\\u0000"}', {"a": "x\0"}, "a: the value holds a NUL character"),
    ('{"a": ["\\u0000"]}', {"a": ["\0"]}, "a: the value holds a NUL character"),
    ('{"a": {"\\u0000": 1}}', {"a": {"\0": 1}}, "a: the value holds a NUL character"),
    ('{"b\\u0000": 1}', {"b\0": 1}, "b?: the name holds a NUL character"),
    ('{"a": "\\ud800"}', {"a": "\ud800"}, "a: the value holds half a character"),
    ('{"b\\udfff": 1}', {"b\udfff": 1}, "b?: the name holds half a character"),
    ('{"a": [[[[[]]]]]}', {"a": [[[[[]]]]]}, "a: nested more than 4 deep"),
]
# What JSON's reader itself gives up on.
UNREADABLE = [
    ('{"a": ' + "[" * 100_000, "nested too deeply"),
    ('{"a": ' + "9" * 5000 + "}", "too many digits"),
    ("9" * 5000, "too many digits"),
    ('{"a": "x\0"}', "Enter a valid JSON"),
]
KEPT = {
    "": 1,
    "a": None,
    "b": True,
    "c": ["x", 1.5, -(2**63) + 1],
    "d": [[[[1]]]],
    "e": 1e18,
    "g": 1e-300,
    "f": "\u202e🧥",
}
FLAT: list[tuple[dict[str, object], dict[str, object]]] = [
    ({}, {}),
    (
        {"a": "x", "b": 1, "c": 0.5, "d": True, "e": ["x", 1, False], "f": [], "": "y"},
        {"a": "x", "b": 1, "c": 0.5, "d": True, "e": ["x", 1, False], "f": [], "": "y"},
    ),
    ({"size": {"eu": 42, "uk": {"men": 8}}}, {"size.eu": 42, "size.uk.men": 8}),
    ({"a": [["x"], [["y", 1]]]}, {"a": ["x", "y", 1]}),
    ({"a": [{"b": 1}, {"b": 2, "c": "x"}]}, {"a.b": [1, 2], "a.c": ["x"]}),
    ({"a": ["x", {"b": 1}]}, {"a": ["x"], "a.b": [1]}),
    ({"a": None, "b": [None], "c": {"d": None}, "e": {}, "f": ["x", None]}, {"f": ["x"]}),
    ({"a": {"b": 1}, "a.b": "x"}, {"a.b": [1, "x"]}),
    ({"a": "a {text} with [[brackets]] and null"}, {"a": "a {text} with [[brackets]] and null"}),
]


@pytest.fixture
def staff(client: Client, db: None) -> Client:
    client.force_login(User.objects.create_superuser("boss"))
    return client


def save(staff: Client, product: Product, attributes: str) -> Any:
    form = {"title": "Coat", "sku": product.sku, "brand": "kept", "attributes": attributes, "published": "on"}
    form |= {"images-TOTAL_FORMS": "0", "images-INITIAL_FORMS": "0"}
    return staff.post(f"/admin/catalog/product/{product.pk}/change/", form)


@pytest.mark.parametrize(
    ("written", "said"), [(written, said) for written, _, said in UNUSABLE] + UNREADABLE, ids=lambda text: text[:30]
)
def test_the_form_says_so_at_the_field_and_shows_what_was_written(staff: Client, written: str, said: str) -> None:
    product = make_product(attributes={"colour": "red"})
    answer = save(staff, product, written)
    assert answer.status_code == 200
    form = answer.context["adminform"].form
    assert list(form.errors) == ["attributes"]
    assert said in form.errors["attributes"][0]
    assert form["attributes"].value() == written and form["brand"].value() == "kept"
    product.refresh_from_db()
    assert product.attributes == {"colour": "red"}


@pytest.mark.parametrize(("written", "attributes", "said"), UNUSABLE, ids=lambda value: str(value)[:30])
def test_the_rule_itself(written: str, attributes: dict[str, object], said: str) -> None:
    with pytest.raises(UnusableAttribute) as told:
        check_attributes(attributes)
    assert str(told.value).startswith(said)


@pytest.mark.parametrize(("nested", "laid"), FLAT, ids=lambda value: str(value)[:30])
def test_attributes_are_laid_flat_as_objects_and_as_text(nested: dict[str, object], laid: dict[str, object]) -> None:
    assert flat(nested) == laid == orjson.loads(flat_text(json.dumps(nested)))
    assert flat(laid) == laid


@pytest.mark.parametrize(("nested", "laid"), FLAT, ids=lambda value: str(value)[:30])
def test_what_is_written_nested_by_hand_is_kept_and_answered_flat(
    staff: Client, nested: dict[str, object], laid: dict[str, object]
) -> None:
    product = make_product()
    assert save(staff, product, json.dumps(nested)).status_code == 302
    product.refresh_from_db()
    assert product.attributes == laid
    assert staff.get(f"/api/v1/products/{product.pk}/").json()["attributes"] == laid


def test_what_was_kept_nested_is_answered_flat_wherever_it_is_answered(client: Client, db: None) -> None:
    shop = Shop(make_space())
    vectors = random_units(2)
    asked = shop.add(vectors[0])
    nested = shop.add(vectors[1], attributes={"size": {"eu": 42}, "tags": [["new"], "sale"], "none": None})
    flat = {"size.eu": 42, "tags": ["new", "sale"]}
    assert client.get(f"/api/v1/products/{nested.pk}/").json()["attributes"] == flat
    similar = client.get(f"/api/v1/products/{asked.pk}/similar/").json()["results"]
    assert [one["product"]["attributes"] for one in similar] == [flat]


def test_what_is_kept_is_answered_and_edited_again(staff: Client) -> None:
    check_attributes(KEPT)
    product = make_product(attributes=KEPT)
    laid = flat(KEPT)
    assert laid["d"] == [1] and laid.keys() == KEPT.keys() - {"a"}
    assert staff.get(f"/api/v1/products/{product.pk}/").json()["attributes"] == laid
    page = staff.get(f"/admin/catalog/product/{product.pk}/change/")
    written = page.context["adminform"].form["attributes"].value()
    assert save(staff, product, written).status_code == 302
    product.refresh_from_db()
    assert product.attributes == laid


def test_no_attributes_are_an_empty_object(staff: Client) -> None:
    product = make_product(attributes={"colour": "red"})
    assert save(staff, product, "").status_code == 302
    product.refresh_from_db()
    assert product.attributes == {}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("colour", "re\0d", "colour: holds a NUL character"),
        ("col\0our", "red", "col?our: holds a NUL character"),
        ("colour", "re\udcffd", "colour: not UTF-8; save the feed as UTF-8"),
    ],
)
def test_feeds_say_so_of_the_cell(name: str, value: str, said: str) -> None:
    row = read_columns(FeedRow(2, {"id": ["1"], "title": ["Coat"], name: [value], "size": ["M"]}, complete=False))
    assert (row.problems, row.attributes) == ((said,), {"size": "M"})
