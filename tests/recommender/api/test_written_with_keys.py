"""Writes under the decision that is shipped: which keys and which people may, and what it costs them."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from pytest_django import Settings

from catalog.models import Product
from tests.catalog.access.askers import publishable, secret
from tests.catalog.factories import make_product, photo_bytes
from tests.web.caller import MULTIPART, form

JSON = "application/json"
PRODUCTS = "/api/v1/products/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def product() -> Product:
    return make_product(sku="CL-1", title="Cap")


@pytest.fixture
def limited(settings: Settings) -> None:
    """Nothing comes back into buckets while a test runs."""
    settings.API_KEY_RATE, settings.API_KEY_BURST = 0.0001, 80


def bearing(token: str) -> dict[str, Any]:
    return {"headers": {"Authorization": f"Bearer {token}"}, "content_type": JSON}


@pytest.mark.parametrize("access", ["open", "keys"])
def test_a_secret_key_writes_and_no_other_caller_does(product: Product, settings: Settings, access: str) -> None:
    settings.API_ACCESS = access
    client, path = Client(), f"{PRODUCTS}sku:CL-1/"
    assert client.patch(path, {"title": "Hat"}, content_type=JSON).status_code == 401
    assert client.patch(path, {"title": "Hat"}, **bearing(publishable())).status_code == 403
    product.refresh_from_db()
    assert product.title == "Cap"
    assert client.patch(path, {"title": "Hat"}, **bearing(secret())).status_code == 200
    product.refresh_from_db()
    assert product.title == "Hat"


@pytest.mark.parametrize("access", ["open", "keys"])
def test_a_person_writes_what_their_permissions_allow(product: Product, settings: Settings, access: str) -> None:
    settings.API_ACCESS = access
    editor = User.objects.create_user("editor", is_staff=True)
    editor.user_permissions.add(Permission.objects.get(codename="change_product"))
    client = Client(headers={"Host": "testserver", "Origin": "http://testserver"})
    client.force_login(editor)
    path = f"{PRODUCTS}{product.pk}/"
    assert client.patch(path, {"title": "Hat"}, content_type=JSON).status_code == 200
    refused = client.delete(path)
    assert refused.status_code == 403 and "catalog.delete_product" in refused.json()["detail"]


def test_writes_cost_tokens_by_what_they_hold(product: Product, limited: None) -> None:
    client, sent = Client(), bearing(secret())
    assert client.patch(f"{PRODUCTS}sku:CL-1/", {"title": "Hat"}, **sent).headers["RateLimit"].startswith('"key";r=79;')
    items = [{"op": "replace", "sku": f"N-{number}", "title": "New"} for number in range(60)]
    batch = client.post(f"{PRODUCTS}batch/", {"items": items}, **sent)
    assert batch.status_code == 207 and batch.headers["RateLimit"].startswith('"key";r=76;')
    photo = form(photo_bytes(1))
    upload = client.post(f"{PRODUCTS}sku:CL-1/images/", photo, **(sent | {"content_type": MULTIPART}))
    assert upload.status_code == 201 and upload.headers["RateLimit"].startswith('"key";r=71;')
