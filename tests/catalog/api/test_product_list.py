"""`products/`: orders, cursors, products by name, and what goes with what."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.filters.chosen import Filters
from catalog.models import Product
from catalog.product_search import filtered
from catalog.sorting import SORTS, read_order
from catalog.text_search import text_search
from tests.catalog.factories import make_product

pytestmark = pytest.mark.django_db
URL = "/api/v1/products/"
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
ROWS: list[dict[str, Any]] = [
    {"title": "beta", "price": "20"},
    {"title": "Alpha", "price": None},
    {"title": "álpha", "price": "10.125"},
    {"title": "Gamma", "price": "20"},
    {"title": "ALPHA", "price": None},
]


@pytest.fixture
def shop() -> list[int]:
    """Ids of products, each made a day after the one before."""
    ids = [make_product(**row).pk for row in ROWS]
    for day, pk in enumerate(ids):
        Product.objects.filter(pk=pk).update(created_at=MOMENT + timedelta(days=day))
    return ids


ORDERS = {
    "id": [0, 1, 2, 3, 4],
    "-id": [4, 3, 2, 1, 0],
    "price": [2, 0, 3, 1, 4],
    "-price": [3, 0, 2, 4, 1],
    "title": [1, 2, 4, 0, 3],
    "-title": [3, 0, 4, 2, 1],
    "newest": [4, 3, 2, 1, 0],
}


@pytest.mark.parametrize("sort", ORDERS)
@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_orders_by_page_and_by_cursor(client: Client, shop: list[int], sort: str, size: int) -> None:
    expected = [shop[place] for place in ORDERS[sort]]
    for name in ("next", "next_cursor"):
        pages = list(walk(client, {"sort": sort, "page_size": str(size)}, name))
        assert [one["id"] for page in pages for one in page["results"]] == expected
        assert [len(page["results"]) for page in pages[:-1]] == [size] * (len(pages) - 1)
        assert {page["count"] for page in pages} == {5}


def walk(client: Client, query: dict[str, str], by: str = "next_cursor") -> Iterator[dict[str, Any]]:
    """The pages of a list, by the URL of the next page or by its cursor."""
    answer = client.get(URL, query).json()
    yield answer
    while answer[by] is not None:
        address = answer["next"] if by == "next" else None
        answer = client.get(address or URL, None if address else {**query, "cursor": answer["next_cursor"]}).json()
        yield answer


def test_every_order_that_is_documented_is_tested() -> None:
    assert {*ORDERS, "relevance"} == set(SORTS)


def test_a_list_behind_a_cursor_says_where_it_goes_on(client: Client, shop: list[int]) -> None:
    query = {"page_size": "2", "sort": "price", "utm_source": "x"}
    first = client.get(URL, query).json()
    assert list(first) == ["count", "next", "previous", "next_cursor", "results"]
    second = client.get(URL, {**query, "cursor": first["next_cursor"]}).json()
    assert list(second) == list(first) and second["previous"] is None
    assert urlsplit(second["next"]).query == f"page_size=2&sort=price&cursor={second['next_cursor']}"
    third = client.get(second["next"]).json()
    assert (third["next"], third["next_cursor"], len(third["results"])) == (None, None, 1)


def test_relevance_is_an_order_of_a_search(client: Client) -> None:
    ids = [make_product(title=title).pk for title in ("red hat", "hat", "hat hat", "hats", "chat")]
    query = {"search": "hat", "page_size": "2"}
    by_page = [one["id"] for page in walk(client, query, "next") for one in page["results"]]
    by_cursor = [one["id"] for page in walk(client, query) for one in page["results"]]
    assert by_page == by_cursor and sorted(by_page) == ids and by_page[0] == ids[1] and by_page[-1] == ids[4]
    assert (
        client.get(URL, {"search": "hat", "sort": "relevance", "page_size": "2"}).json()["next_cursor"]
        == (client.get(URL, query).json()["next_cursor"])
    )
    other = client.get(URL, {"search": "hats", "cursor": client.get(URL, query).json()["next_cursor"]})
    assert (other.status_code, other.json()["parameter"]) == (400, "cursor")


def sealed(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("query", "parameter", "detail"),
    [
        (
            {"sort": "prise"},
            "sort",
            "'prise' is no order; there are id, -id, price, -price, title, -title, newest, relevance",
        ),
        ({"sort": "relevance"}, "sort", "give search too"),
        ({"cursor": "x"}, "cursor", "is none that an answer gave"),
        ({"cursor": "é"}, "cursor", "is none that an answer gave"),
        ({"cursor": "A" * 5000}, "cursor", "is none that an answer gave"),
        ({"cursor": sealed(["id", 0, None])}, "cursor", "is none that an answer gave"),
        ({"cursor": sealed(["id", 0, None, "1"])}, "cursor", "is none that an answer gave"),
        ({"cursor": sealed(["id", 0, None, True])}, "cursor", "is none that an answer gave"),
        ({"cursor": sealed(["id", 0, None, 2**63])}, "cursor", "is none that an answer gave"),
        ({"cursor": sealed({"id": 1, "b": 2, "c": 3, "d": 4})}, "cursor", "is none that an answer gave"),
        ({"cursor": sealed(["price", 0, "NaN", 1]), "sort": "price"}, "cursor", "is none that an answer gave"),
        ({"cursor": sealed(["price", 0, "1e99999", 1]), "sort": "price"}, "cursor", "is none that an answer gave"),
        ({"cursor": sealed(["price", 0, 1, 1]), "sort": "price"}, "cursor", "is none that an answer gave"),
        ({"cursor": sealed(["title", 0, "a\0", 1]), "sort": "title"}, "cursor", "is none that an answer gave"),
        ({"cursor": sealed(["title", 0, "\ud800", 1]), "sort": "title"}, "cursor", "is none that an answer gave"),
        ({"cursor": sealed(["title", 0, None, 1]), "sort": "title"}, "cursor", "is none that an answer gave"),
        ({"cursor": sealed(["newest", 0, "2026-01-01", 1]), "sort": "newest"}, "cursor", "is none that an answer gave"),
        ({"cursor": sealed(["newest", 0, "soon", 1]), "sort": "newest"}, "cursor", "is none that an answer gave"),
        ({"cursor": sealed(["id", 0, None, 1]), "sort": "price"}, "cursor", "is of a list in another order"),
        ({"cursor": sealed(["id", 0, None, 1]), "page": "2"}, "page", "does not go with cursor"),
        ({"ids": "1", "page": "1"}, "page", "does not go with ids"),
        ({"ids": "1", "sort": "id"}, "sort", "does not go with ids"),
        ({"ids": "1", "cursor": "x"}, "cursor", "does not go with ids"),
        ({"ids": "abc"}, "ids", "'abc' is no product; write a product's number, or sku: and its SKU"),
        ({"ids": ",".join(map(str, range(1, 102)))}, "ids", "101 values; at most 100"),
        (
            {"facets": "colour"},
            "facets",
            "'colour' is no facet; there are brand, category, in_stock, price and attr.<name>",
        ),
        ({"facets": "attr."}, "facets", "'attr.' is no facet"),
        ({"facets": ",".join(f"attr.a{number}" for number in range(11))}, "facets", "11 values; at most 10"),
    ],
)
def test_what_does_not_go_is_named(client: Client, query: dict[str, str], parameter: str, detail: str) -> None:
    answer = client.get(URL, query)
    assert (answer.status_code, answer.json()["parameter"]) == (400, parameter)
    assert detail in answer.json()["detail"]


@given(st.binary(max_size=60), st.sampled_from(SORTS))
def test_no_cursor_fails_the_server(data: bytes, sort: str) -> None:
    client = Client()
    for text in (base64.urlsafe_b64encode(data).decode(), data.decode("latin-1")):
        assert client.get(URL, {"cursor": text, "sort": sort, "search": "x"}).status_code in (200, 400)


@given(
    st.lists(st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just([]), min_size=4, max_size=4),
    st.sampled_from(SORTS),
)
def test_no_json_fails_the_server(values: list[Any], sort: str) -> None:
    answer = Client().get(URL, {"cursor": sealed([sort, 0, *values[2:]]), "sort": sort, "search": "x"})
    assert answer.status_code in (200, 400)


class TestIds:
    def test_products_come_in_the_order_of_their_names(self, client: Client) -> None:
        first, second, hidden = make_product(sku="a,b"), make_product(sku="Ä 1"), make_product(sku="h", published=False)

        def ask(*names: str, **query: str) -> dict[str, Any]:
            answer: dict[str, Any] = client.get(URL, {"ids": names, **query}).json()
            return answer

        answer = ask(f"{second.pk},{first.pk}")
        assert [one["id"] for one in answer["results"]] == [second.pk, first.pk]
        assert answer["count"] == 2 and "unknown" not in answer and answer["next_cursor"] is None
        answer = ask(
            "sku:A\u0308 1,999999,sku:nope", "sku:a,b", str(second.pk), "sku:h", str(hidden.pk), str(2**63 - 1)
        )
        assert [one["id"] for one in answer["results"]] == [second.pk, first.pk]
        assert answer["unknown"] == [999999, "sku:nope", "sku:h", hidden.pk, 2**63 - 1]
        assert ask("sku:a,b", fields="sku")["results"] == [{"sku": "a,b"}]

    def test_filters_hold_and_what_they_leave_out_is_known(self, client: Client) -> None:
        cheap, dear = make_product(price=5), make_product(price=50)
        answer = client.get(URL, {"ids": f"{dear.pk},{cheap.pk}", "max_price": "10"}).json()
        assert [one["id"] for one in answer["results"]] == [cheap.pk]
        assert "unknown" not in answer and answer["query"] == {"currency": "EUR"}

    def test_a_hundred_are_more_than_a_page(self, client: Client, django_assert_num_queries: Any) -> None:
        products = [make_product() for _ in range(100)]
        names = [f"sku:{one.sku}" for one in reversed(products)]
        with django_assert_num_queries(3):
            answer = client.get(URL, {"ids": ",".join(names)}).json()
        assert [one["id"] for one in answer["results"]] == [one.pk for one in reversed(products)]
        assert client.get(URL, {"ids": ""}).json()["results"] == []


class TestCursorsUnderChange:
    @settings(max_examples=60, suppress_health_check=list(HealthCheck))
    @given(
        rows=st.lists(
            st.tuples(st.sampled_from(("a", "B", "é", "b", "a b")), st.none() | st.integers(0, 3)),
            min_size=1,
            max_size=14,
        ),
        sort=st.sampled_from(SORTS),
        size=st.integers(1, 4),
        changes=st.lists(st.tuples(st.sampled_from(("add", "remove", "hide")), st.integers(0, 20)), max_size=8),
    )
    def test_every_product_is_shown_once(
        self, rows: list[tuple[str, int | None]], sort: str, size: int, changes: list[tuple[str, int]]
    ) -> None:
        """Between two pages products come and go. What was there all the time is shown once, and nothing is twice."""
        client = Client()
        with transaction.atomic():
            for title, price in rows:
                make_product(title=f"{title} word", price=price, created_at=MOMENT)
            query = {"sort": sort, "page_size": str(size), "search": "word", "fields": "id"}
            search = text_search("word", published=True)
            order = read_order({"sort": [sort]}, search)
            there = list(Product.objects.values_list("pk", flat=True))
            stayed, shown = set(there), []
            for page in walk(client, query):
                shown += [one["id"] for one in page["results"]]
                if changes:
                    change, place = changes.pop()
                    if change == "add":
                        make_product(title=f"{'aBé'[place % 3]} word", price=place % 4 or None)
                    else:
                        pk = there[place % len(there)]
                        stayed.discard(pk)
                        if change == "hide":
                            Product.objects.filter(pk=pk).update(published=False)
                        else:
                            Product.objects.filter(pk=pk).delete()
            assert len(shown) == len(set(shown)) and stayed <= set(shown)
            now = filtered(Product.objects.filter(published=True), filters=Filters(), search=search)
            ordered = [product.pk for product in order.page(now, first=0, count=100)]
            assert [pk for pk in ordered if pk in stayed] == [pk for pk in shown if pk in stayed]
            transaction.set_rollback(True)
