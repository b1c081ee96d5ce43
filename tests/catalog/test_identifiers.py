"""Products by number or by SKU, in whatever form a keyboard writes it."""

from __future__ import annotations

from unicodedata import normalize
from urllib.parse import quote

import pytest
from django.test import Client
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from catalog.admin.forms import ProductForm
from catalog.identifiers import ProductName, ids_of, ids_of_skus, read_name, read_names
from catalog.models import Product
from catalog.parameters import InvalidParameter
from tests.catalog.factories import make_product, write_decomposed

pytestmark = pytest.mark.django_db
URL = "/api/v1/products/"
ODD = [
    "CL-DRES-000",
    "1563",
    "a/b",
    "a b",
    "a,b",
    "Ä-1",
    "靴 42",
    "50%",
    "a?b#c",
    "sku:x",
    "a+b",
    ".",
    "..",
    "A/",
    "'\"<>&",
]
SKUS = st.text(
    st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\u2028\u2029\x85"), min_size=1, max_size=40
).filter(lambda text: text == text.strip() and "/" not in text)


@pytest.mark.parametrize("sku", ODD)
def test_a_sku_stands_in_a_path(client: Client, sku: str) -> None:
    product = make_product(sku=sku)
    make_product(sku="another")
    for form in (sku, normalize("NFD", sku)):
        for safe in ("", "/"):
            answer = client.get(f"{URL}sku:{quote(form, safe=safe)}/")
            assert (answer.status_code, answer.json()["id"], answer.json()["sku"]) == (200, product.pk, sku)
    assert client.get(f"{URL}sku%3A{quote(sku, safe='')}/").json()["id"] == product.pk


class RoundTrip(TestCase):
    @settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
    @given(SKUS)
    @example("A\u0308-1")
    def test_the_sku_that_an_answer_gives_leads_back_to_it(self, sku: str) -> None:
        product = Product.objects.create(sku=sku, title="T")
        given = self.client.get(f"{URL}{product.pk}/").json()["sku"]
        assert given == normalize("NFC", sku)
        found = self.client.get(f"{URL}sku:{quote(given, safe='')}/")
        assert found.status_code == 200 and found.json()["id"] == product.pk
        assert found.json() == self.client.get(f"{URL}sku:{quote(sku, safe='')}/").json()
        listed = self.client.get(URL, {"exclude": f"sku:{given}"}).json()
        assert (listed["count"], listed["results"]) == (0, [])
        product.delete()


@pytest.mark.parametrize("name", ["sku:nope", "sku:hidden", "999999", str(2**70), "sku:" + "x" * 300])
def test_what_is_no_published_product_is_404(client: Client, name: str) -> None:
    make_product(sku="hidden", published=False)
    answer = client.get(f"{URL}{name}/")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert answer.json()["detail"] == f"there is no published product {name}"


@pytest.mark.parametrize("name", ["sku:", "sku:%00", "CL-DRES-000", "-1", "1.0", "9" * 5000])
def test_what_names_no_product_is_no_address(client: Client, name: str) -> None:
    answer = client.get(f"{URL}{name}/")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


def test_exclude_takes_ids_and_skus(client: Client) -> None:
    by_id = make_product(sku="first")
    number = make_product(sku=str(by_id.pk))
    comma, odd, rest = make_product(sku="a,b"), make_product(sku="Ä 1"), make_product(sku="rest")

    def left(*values: str) -> list[int]:
        return [one["id"] for one in client.get(URL, {"exclude": values}).json()["results"]]

    assert left(str(by_id.pk)) == [number.pk, comma.pk, odd.pk, rest.pk]
    assert left(f"sku:{by_id.pk}") == [by_id.pk, comma.pk, odd.pk, rest.pk]
    assert left("sku:a,b") == [by_id.pk, number.pk, odd.pk, rest.pk]
    assert left("sku:first,sku:A\u0308 1,rest") == [number.pk, comma.pk]


def test_a_sku_is_missing_after_the_prefix() -> None:
    with pytest.raises(InvalidParameter, match="the SKU is missing after sku:"):
        read_names({"exclude": ["sku:"]}, "exclude", most=10, bare=True)
    for text in ("", "x", "-1", "1.5", "sku:a\0", "9" * 20):
        with pytest.raises(ValueError, match="SKU"):
            read_name(text)


def test_many_skus_cost_one_statement(django_assert_num_queries: object) -> None:
    products = {f"S{number}": make_product(sku=f"S{number}").pk for number in range(50)}
    names = [ProductName(sku=sku) for sku in products]
    with django_assert_num_queries(1):  # type: ignore[operator]
        assert ids_of([ProductName(id=7), *names, ProductName(sku="nope")]) == {
            ProductName(id=7): 7,
            **{ProductName(sku=sku): pk for sku, pk in products.items()},
        }
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert ids_of([ProductName(id=7)]) == {ProductName(id=7): 7}
    with django_assert_num_queries(1):  # type: ignore[operator]
        named = read_names({"ids": ["sku:S1,7,sku:nope", "sku:S1"]}, "ids", most=10)
    assert list(named.items()) == [
        (ProductName(sku="S1"), products["S1"]),
        (ProductName(id=7), 7),
        (ProductName(sku="nope"), None),
    ]


def test_of_two_forms_from_before_the_composed_one_is_meant() -> None:
    composed, decomposed = "Ä-1", normalize("NFD", "Ä-1")
    old = make_product(sku="old")
    write_decomposed(old.pk, decomposed)
    assert ids_of_skus([composed, decomposed], published=True) == {composed: old.pk, decomposed: old.pk}
    new = make_product(sku=composed)
    assert ids_of_skus([composed, decomposed], published=True) == {composed: new.pk, decomposed: new.pk}


def test_the_admin_keeps_skus_composed_and_each_once() -> None:
    def form(sku: str, product: Product | None = None) -> ProductForm:
        data = {"sku": sku, "title": "T", "attributes": "{}", "published": "on"}
        return ProductForm(data, instance=product)

    made = form("A\u0308-1")
    assert made.is_valid(), made.errors
    product = made.save()
    assert product.sku == "Ä-1"
    for sku in ("Ä-1", "A\u0308-1"):
        again = form(sku)
        assert not again.is_valid() and again.errors["sku"] == ["Product with this Sku already exists."]
    old = make_product(sku="old")
    write_decomposed(old.pk, "O\u0308-1")
    for sku in ("Ö-1", "O\u0308-1"):
        assert not form(sku).is_valid()
    old.refresh_from_db()
    kept = form("O\u0308-1", old)
    assert kept.is_valid() and kept.save().sku == "O\u0308-1"
    old.refresh_from_db()
    assert old.sku == "O\u0308-1"
