"""Nobody pays for another's request: the statements a connection has prepared survive whatever else is done on it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DataError, ProgrammingError, connection, transaction
from django.test import Client
from pytest_django import Settings

from catalog.filters.chosen import Filters
from catalog.models import Product
from recommender.index import partitions, sql
from recommender.index.search import vector_search
from recommender.index.session import ask, rows
from recommender.models import Space
from recommender.search.filters import SearchOptions
from recommender.search.similarity import similar_to_each
from tests.catalog.filters.chosen import filtering
from tests.recommender.search.gallery import Shop, make_space, make_tree, random_units

pytestmark = pytest.mark.django_db(transaction=True)
QUESTIONS = 60
EXACT = (sql.EXACT_SETTINGS, {})


@pytest.fixture
def space() -> Iterator[Space]:
    made = make_space()
    yield made
    partitions.drop_partition(made)  # no model of Django's, so nobody else empties it


@pytest.fixture
def products(space: Space, settings: Settings) -> list[Product]:
    settings.ANSWER_CACHE_SECONDS = 0
    vectors = random_units(30)
    return Shop(space).add_many([(vectors[place : place + 1], {}) for place in range(30)])


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("boss"))
    return client


def form_of(product: Product, **fields: Any) -> dict[str, Any]:
    image = product.images.get()
    return {
        "title": product.title, "sku": product.sku, "published": "on", "attributes": "{}",
        "images-TOTAL_FORMS": 1, "images-INITIAL_FORMS": 1,
        "images-0-id": image.pk, "images-0-product": product.pk, "images-0-position": 0,
    } | fields  # fmt: skip


def invalid_form(staff: Client, product: Product) -> None:
    answer = staff.post(f"/admin/catalog/product/{product.pk}/change/", form_of(product, attributes="{colour: red}"))
    assert answer.status_code == 200 and b"Enter a valid JSON" in answer.content


def refused_upload(staff: Client, product: Product) -> None:
    nothing = SimpleUploadedFile("photo.png", b"this is no photo")
    fields = {"images-TOTAL_FORMS": 2, "images-1-product": product.pk, "images-1-position": 1, "images-1-file": nothing}
    answer = staff.post(f"/admin/catalog/product/{product.pk}/change/", form_of(product, **fields))
    assert answer.status_code == 200 and product.images.count() == 1


def failing_batch(staff: Client, product: Product) -> None:
    with transaction.atomic():
        ids = list(Product.objects.values_list("pk", flat=True))
        assert len(similar_to_each(product_ids=ids, options=SearchOptions(limit=5))) == 30
        with pytest.raises(DataError):
            ask(EXACT, [("SELECT 1", {}), ("SELECT %(value)s::bigint", {"value": "nonsense"})])


def ids_of(answer: Any) -> list[int]:
    assert answer.status_code == 200, answer.content
    return [result["product"]["id"] for result in answer.json()["results"]]


def answers(client: Client, products: list[Product], count: int) -> list[list[int]]:
    return [ids_of(client.get(f"/api/v1/products/{products[place % 30].pk}/similar/")) for place in range(count)]


@pytest.mark.parametrize("before", [invalid_form, refused_upload, failing_batch])
def test_what_fails_in_a_transaction_costs_no_later_question(
    staff: Client, products: list[Product], before: Callable[[Client, Product], None]
) -> None:
    expected = answers(staff, products, 30)
    assert {len(page) for page in expected} == {12}
    for _ in range(2):
        before(staff, products[3])
        assert answers(staff, products, QUESTIONS) == expected * 2


def test_a_question_in_a_transaction_neither_prepares_nor_deallocates(products: list[Product]) -> None:
    ask(EXACT, [("SELECT 1", {})])
    before = prepared()
    with transaction.atomic():
        assert similar_to_each(product_ids=[products[0].pk], options=SearchOptions())
        assert prepared() <= before


def test_statements_that_were_deallocated_behind_our_back_are_asked_again_on_a_fresh_connection(
    client: Client, products: list[Product]
) -> None:
    expected = answers(client, products, 30)
    for _ in range(3):
        old = connection.connection
        old.pgconn.exec_(b"DEALLOCATE ALL")  # psycopg does not see it
        assert answers(client, products, QUESTIONS) == expected * 2
        assert old.closed and connection.connection is not old


def test_a_lost_statement_ends_the_transaction_around_it_and_nothing_after() -> None:
    assert rows("SELECT %s::int", [1]) == [(1,)]
    with pytest.raises(ProgrammingError), transaction.atomic():
        old = connection.connection
        Product.objects.create(sku="A", title="A")
        rows("EXECUTE gone", [])
    assert old.closed
    assert not Product.objects.exists()
    assert rows("SELECT %s::int", [1]) == [(1,)]


def test_a_statement_whose_columns_changed_their_type_is_asked_again() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE changing (value integer)")
        cursor.execute("INSERT INTO changing VALUES (1)")
        try:
            assert rows("SELECT value FROM changing", []) == [(1,)]
            with connection.copy().cursor() as other:
                other.execute("ALTER TABLE changing ALTER COLUMN value TYPE text")
            assert rows("SELECT value FROM changing", []) == [("1",)]
        finally:
            with connection.cursor() as cursor:
                cursor.execute("DROP TABLE changing")


def test_more_attributes_and_values_are_no_other_statement(space: Space, products: list[Product]) -> None:
    vector = random_units(1)[0]

    def ask_for(attributes: int, values: int) -> set[str]:
        wanted = {f"name {number}": tuple(map(str, range(values))) for number in range(attributes)}
        vector_search().search(space=space, vector=vector, filters=filtering(attributes=wanted), k=5)
        return prepared()

    first = ask_for(1, 1)
    assert [ask_for(attributes, 1 + 199 // attributes) for attributes in range(1, 33)] == [first] * 32


def test_too_many_attributes_are_refused_before_postgres_hears_of_them(client: Client, products: list[Product]) -> None:
    body = {"positive": [products[0].pk]} | {f"attr.a{number}": "x" for number in range(20_000)}
    answer = client.post("/api/v1/recommendations/", orjson.dumps(body), content_type="application/json")
    assert (answer.status_code, answer.json()["parameter"]) == (400, "attr.a32")
    half = {"positive": [products[0].pk]} | {f"attr.a{number}": "x" for number in range(16)}
    query = "&".join(f"attr.b{number}=x" for number in range(17))
    answer = client.post(f"/api/v1/recommendations/?{query}", orjson.dumps(half), content_type="application/json")
    assert answer.status_code == 400 and "more than 32 attributes" in answer.json()["detail"]


def test_any_filters_leave_few_statements_and_no_memory(space: Space, products: list[Product]) -> None:
    """A connection that lives for ten minutes meets many questions; each kind of filter is one condition, whatever its size."""
    chance = random.Random(7)
    vector = random_units(1)[0]
    tree = [category.pk for category in make_tree().values()]

    def question(size: int) -> None:
        filters = some_filters(chance, tree, size)
        vector_search().search(space=space, vector=vector, filters=filters, k=5)

    for _ in range(300):
        question(32)
    before = memory_bytes()
    for number in range(2000):
        question(number % 33)
    assert memory_bytes() - before < 4_000_000
    assert len(prepared()) <= 101  # of psycopg's 100 the oldest goes once the next was prepared


def some_filters(chance: random.Random, tree: list[int], attributes: int) -> Filters:
    def some(*values: Any) -> Any:
        return chance.choice(values)

    return filtering(
        categories=some(None, tuple(chance.sample(tree, 2))),
        brands=tuple(f"brand {number}" for number in range(chance.randrange(5))),
        min_price=some(None, chance.randrange(100)),
        max_price=some(None, chance.randrange(100, 200)),
        in_stock=some(None, True, False),
        attributes={
            f"name {chance.randrange(10**9)}": tuple(map(str, range(chance.randrange(1, 6)))) for _ in range(attributes)
        },
        exclude_products=tuple(range(chance.randrange(50))),
        exclude_groups=tuple(f"group {number}" for number in range(chance.randrange(3))),
    )


def memory_bytes() -> int:
    """What the server process of this thread's connection has taken."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(total_bytes)::bigint FROM pg_backend_memory_contexts")
        return int(cursor.fetchone()[0])


def prepared() -> set[str]:
    """The statements that the server keeps for this thread's connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        return {text for (text,) in cursor.fetchall()}
