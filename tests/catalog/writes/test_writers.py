"""Who may write: a secret key, or somebody signed in at the admin who may; and what the history says of it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from pytest_django import Settings

from catalog.models import Product
from tests.catalog.factories import make_image, make_product, photo_bytes
from tests.catalog.writes.keys import API, Caller, read

pytestmark = pytest.mark.django_db

DOORS: list[tuple[str, str, Any]] = [
    ("POST", "", {"sku": "N", "title": "x"}),
    ("PUT", "{}/", {"title": "x"}),
    ("PATCH", "{}/", {"price": 1}),
    ("DELETE", "{}/", None),
    ("POST", "batch/", {"items": [{"op": "delete", "id": 1}]}),
    ("POST", "{}/images/", {"images": ["https://a.b/c.jpg"]}),
    ("PUT", "{}/images/", {"images": []}),
    ("PATCH", "{}/images/{}/", {"alt": "x"}),
    ("PUT", "{}/images/{}/", {"url": "https://a.b/c.jpg"}),
    ("DELETE", "{}/images/{}/", None),
]


@pytest.fixture
def product() -> Product:
    return make_image(make_product(title="Before")).product


def path(template: str, product: Product) -> str:
    return template.format(product.pk, product.images.get().pk)


def rows() -> list[Any]:
    return [list(Product.objects.values()), LogEntry.objects.count()]


@pytest.mark.parametrize(("method", "template", "body"), DOORS)
@pytest.mark.parametrize("admission", ["tests.catalog.writes.keys.decide", "catalog.access.policy.by_key"])
def test_writes_are_never_open(
    settings: Settings, product: Product, method: str, template: str, body: Any, admission: str
) -> None:
    settings.API_ADMISSION = admission
    before = rows()
    response = Caller(token="").call(method, path(template, product), body)
    assert "Authorization: Bearer lk_sec_" in read(response, 401)["detail"]
    assert response["WWW-Authenticate"] == 'Bearer realm="lookalike"' and rows() == before


@pytest.mark.parametrize(("method", "template", "body"), DOORS)
def test_a_publishable_key_only_reads(product: Product, method: str, template: str, body: Any) -> None:
    before = rows()
    problem = read(Caller("lk_pub_test").call(method, path(template, product), body), 403)
    assert "publishable and only reads" in problem["detail"] and rows() == before


@pytest.mark.parametrize(("method", "template", "body"), DOORS)
def test_who_is_not_known_is_told_before_the_body_is_read(
    product: Product, method: str, template: str, body: Any
) -> None:
    response = Caller(token="").call(method, path(template, product), b"{")
    assert response.status_code == 401


def signed_in(client: Client, *permissions: str, **fields: Any) -> User:
    user = User.objects.create_user("ada", **{"is_staff": True} | fields)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(user)
    return user


def test_a_person_signed_in_at_the_admin_writes_with_the_permission(client: Client, product: Product) -> None:
    user = signed_in(client, "change_product")
    caller = Caller(token="", client=client)
    read(caller.patch(f"{product.pk}/", {"price": 7}), 200)
    assert "lacks what this needs: catalog.delete_product" in read(caller.delete(f"{product.pk}/"), 403)["detail"]
    assert "catalog.add_product" in read(caller.post("", {"sku": "N", "title": "x"}), 403)["detail"]
    assert "catalog.add_productimage" in read(caller.patch(f"{product.pk}/", {"images": []}), 403)["detail"]
    problem = read(caller.post("batch/", {"items": [{"op": "delete", "id": 1}, {"op": "patch", "id": 1}]}), 403)
    assert problem["detail"] == "ada lacks what this needs: catalog.delete_product"
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id, entry.get_change_message()) == (
        user,
        str(product.pk),
        "By API: changed price.",
    )


def test_whom_the_decision_knows_as_somebody_at_the_admin_writes_as_a_person(
    client: Client, product: Product, settings: Settings
) -> None:
    settings.API_ADMISSION = "tests.catalog.writes.keys.decide_for_people"
    user = signed_in(client, "change_product")
    caller = Caller(token="", client=client)
    read(caller.patch(f"{product.pk}/", {"price": 7}), 200)
    assert caller.delete(f"{product.pk}/").status_code == 403
    assert LogEntry.objects.get().user == user


@pytest.mark.parametrize("fields", [{"is_staff": False}, {"is_active": False}])
def test_permissions_alone_are_not_enough(client: Client, product: Product, fields: dict[str, bool]) -> None:
    signed_in(client, "change_product", **fields)
    response = Caller(token="", client=client).patch(f"{product.pk}/", {"price": 7})
    assert response.status_code == (403 if "is_staff" in fields else 401)


def test_a_session_needs_the_csrf_token(product: Product) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("ada"))
    caller = Caller(token="", client=client)
    problem = read(caller.patch(f"{product.pk}/", {"price": 7}), 403)
    assert "X-CSRFToken" in problem["detail"] and Product.objects.get().price is None
    client.get("/admin/login/?next=/admin/password_change/")
    client.get("/admin/password_change/")
    token = client.cookies["csrftoken"].value
    read(caller.patch(f"{product.pk}/", {"price": 7}, X_CSRFToken=token), 200)
    form = (
        b'--edge\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
        + photo_bytes(9)
        + b"\r\n--edge--"
    )
    sent = client.post(
        API + f"{product.pk}/images/", form, "multipart/form-data; boundary=edge", headers={"X-CSRFToken": token}
    )
    read(sent, 201)  # type: ignore[arg-type]


@pytest.mark.parametrize("cookie", ["none", "\x00", "x" * 5000])
def test_a_session_that_is_none(client: Client, product: Product, settings: Settings, cookie: str) -> None:
    client.cookies[settings.SESSION_COOKIE_NAME] = cookie
    assert Caller(token="", client=client).patch(f"{product.pk}/", {}).status_code == 401


def test_the_history_names_the_key(shop: Caller) -> None:
    made = read(shop.post("", {"sku": "N", "title": "New", "images": ["https://a.b/c.jpg"]}), 201)["id"]
    read(shop.patch("sku:N/", {"price": 5, "further_categories": ["Sale >"], "category": "Hats >"}), 200)
    read(shop.patch("sku:N/", {"price": 5}), 200)  # nothing changes
    read(shop.put("sku:N/images/", {"images": ["https://a.b/d.jpg", "https://a.b/e.jpg"]}), 200)
    image = read(shop.upload("POST", "sku:N/images/", photo_bytes(1)), 201)["results"][0]["image"]["id"]
    read(shop.upload("PUT", f"sku:N/images/{image}/", photo_bytes(2)), 200)
    read(shop.patch(f"sku:N/images/{image}/", {"alt": "x"}), 200)
    read(shop.patch(f"sku:N/images/{image}/", {"alt": "x"}), 200)
    shop.delete(f"sku:N/images/{image}/")
    shop.delete("sku:N/")
    entries = LogEntry.objects.order_by("pk")
    assert {(entry.object_id, entry.object_repr) for entry in entries} == {(str(made), "New (N)")}
    assert [(entry.action_flag, entry.get_change_message()) for entry in entries] == [
        (ADDITION, "By key shop sync: created."),
        (CHANGE, "By key shop sync: changed category, price, further categories."),
        (CHANGE, "By key shop sync: changed photos."),
        (CHANGE, "By key shop sync: added photos."),
        (CHANGE, f"By key shop sync: replaced photo {image}."),
        (CHANGE, f"By key shop sync: edited photo {image}."),
        (CHANGE, f"By key shop sync: removed photo {image}."),
        (DELETION, "By key shop sync: deleted."),
    ]
    user = entries[0].user
    assert (user.username, user.is_active, user.has_usable_password()) == ("API key", False, False)
    assert User.objects.count() == 1


def test_the_history_of_the_admin_shows_it(client: Client, shop: Caller, product: Product) -> None:
    read(shop.patch(f"{product.pk}/", {"price": 5}), 200)
    client.force_login(User.objects.create_superuser("ada"))
    page = client.get(f"/admin/catalog/product/{product.pk}/history/").content.decode()
    assert "By key shop sync: changed price." in page and "API key" in page
