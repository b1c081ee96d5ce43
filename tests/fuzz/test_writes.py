"""Whatever is sent to the doors that write is done, or refused by name; nothing is a server's error, and what was written is read."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
import pytest
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from catalog.models import Product
from tests.catalog.factories import make_category, make_image, photo_bytes
from tests.fuzz import parameters, writes
from tests.fuzz.parameters import API, Form

pytestmark = pytest.mark.django_db
any_speed = settings(suppress_health_check=list(HealthCheck), max_examples=max(50, settings().max_examples // 2))
KEY = {"Authorization": "Bearer lk_sec_test"}
JSON = "application/json"


@pytest.fixture
def products(settings: Settings) -> Iterator[list[Product]]:
    settings.API_ADMISSION = "tests.catalog.writes.keys.decide"
    make_category("Clothing")
    yield [make_image().product for _ in range(3)]


def check(client: Client, method: str, path: str, body: bytes, content_type: str = JSON, **headers: str) -> int:
    """The status. A refusal is problem details with the parameter; what was written is answered, and can be read again."""
    with transaction.atomic():
        response = client.generic(method, f"{API}products/{path}", body, content_type, headers=KEY | headers)
        told = (method, path[:100], body[:600], response.content[:600])
        assert response.status_code < 500, told
        if response.status_code >= 400:
            problem = orjson.loads(response.content)
            assert problem["status"] == response.status_code and problem["detail"], told
            of_the_whole = problem["title"] in ("Not JSON", "Not an object") or "body" in problem["detail"]
            assert response.status_code != 400 or problem.get("parameter") is not None or of_the_whole, told
        for product in Product.objects.all():
            read = client.get(f"{API}products/{product.pk}/")
            assert read.status_code == (200 if product.published else 404), told
        transaction.set_rollback(True)
    return response.status_code


@any_speed
@given(data=st.data())
def test_bodies_of_products(products: list[Product], data: st.DataObject) -> None:
    ids = [product.pk for product in products]
    body = data.draw(writes.product_bodies(ids), "body")
    path = f"{ids[0]}/"
    method, path = data.draw(
        st.sampled_from([("POST", ""), ("PUT", path), ("PATCH", path), ("PUT", "sku:new/"), ("PUT", f"{path}images/")]),
        "door",
    )
    if_match = data.draw(
        st.sampled_from([{}, {}, {"If-Match": "*"}, {"If-Match": '"1-2"'}, {"If-Match": ",,"}]), "if_match"
    )
    check(Client(), method, path, body, **if_match)


@any_speed
@given(data=st.data())
def test_batches(products: list[Product], data: st.DataObject) -> None:
    body = data.draw(writes.batch_bodies([product.pk for product in products]), "body")
    check(Client(), "POST", "batch/", body)


@any_speed
@given(data=st.data())
def test_bodies_of_photos(products: list[Product], data: st.DataObject) -> None:
    product = products[0]
    image = product.images.get().pk
    body = data.draw(writes.product_bodies([image]), "body")
    doors = [
        ("POST", f"{product.pk}/images/"),
        ("PATCH", f"{product.pk}/images/{image}/"),
        ("PUT", f"{product.pk}/images/{image}/"),
    ]
    method, path = data.draw(st.sampled_from(doors), "door")
    check(Client(), method, path, body)


@any_speed
@given(data=st.data(), form=parameters.forms("image", "alt", photo=photo_bytes(1)))
def test_forms_of_photos(products: list[Product], data: st.DataObject, form: Form) -> None:
    product = products[0]
    doors = [("POST", f"{product.pk}/images/"), ("PUT", f"{product.pk}/images/{product.images.get().pk}/")]
    method, path = data.draw(st.sampled_from(doors), "door")
    check(Client(), method, path, form.body, form.content_type)


@any_speed
@given(
    name=st.one_of(parameters.ENCODED, parameters.ENCODED.map(lambda text: f"sku:{text}")),
    body=writes.product_bodies([1]),
)
def test_names_of_products(products: list[Product], name: str, body: bytes) -> None:
    check(Client(), "PUT", f"{name}/", body)
