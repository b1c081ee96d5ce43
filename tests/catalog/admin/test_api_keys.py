"""Keys in the admin: shown on the page that follows their making, and on no other; rotated and revoked from the list."""

from __future__ import annotations

import logging
import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client

from catalog.access.keys import KeyMemory
from catalog.models import ApiKey

pytestmark = pytest.mark.django_db
LIST = "/admin/catalog/apikey/"


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("boss", password="x"))
    return client


def create(staff: Client, **fields: Any) -> Any:
    return staff.post(f"{LIST}add/", {"name": "page", "kind": "publishable", **fields})


def token_on(response: Any) -> str:
    found = re.findall(r"lk_(?:pub|sec)_[\w-]{43}", response.content.decode())
    assert len(found) == 1
    return str(found[0])


def pages(staff: Client, key: ApiKey) -> str:
    """Everything that the admin shows of keys, the page of one key and its history among them."""
    addresses = [LIST, f"{LIST}{key.pk}/change/", f"{LIST}{key.pk}/history/", "/admin/", f"{LIST}add/"]
    return "".join(staff.get(address).content.decode() for address in addresses)


def test_a_new_key_is_shown_once(staff: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    response = create(staff, origins="https://Shop.example/\nhttps://m.shop.example", rate="2", burst="30")
    assert response.status_code == 200 and "no-store" in response["Cache-Control"]
    token, key = token_on(response), ApiKey.objects.get()
    record = KeyMemory().record(token, may_wait=True)
    assert record is not None and record.identity.id == key.pk
    assert (key.origins, key.rate, key.burst) == (["https://shop.example", "https://m.shop.example"], 2.0, 30)
    assert key.created_by is not None and key.created_by.get_username() == "boss"
    assert token not in pages(staff, key) and key.digest not in pages(staff, key)
    assert f"{key.prefix}…" in pages(staff, key)
    assert "".join(map(str, LogEntry.objects.values_list("object_repr", "change_message"))).count(token[:14]) == 0
    assert token not in caplog.text
    assert [entry.action_flag for entry in LogEntry.objects.all()] == [1]


@pytest.mark.parametrize(
    ("field", "values", "error"),
    [
        ("origins", {"origins": "shop.example"}, "&#x27;shop.example&#x27; is no origin"),
        ("origins", {"kind": "secret", "origins": "https://shop.example"}, "origins are for publishable keys"),
        ("name", {"name": ""}, "This field is required."),
        ("kind", {"kind": "public"}, "Select a valid choice"),
        ("rate", {"rate": "0"}, "greater than or equal to 0.01"),
        ("burst", {"burst": "19"}, "greater than or equal to 20"),
    ],
)
def test_what_is_wrong_stands_at_its_field(staff: Client, field: str, values: dict[str, str], error: str) -> None:
    response = create(staff, **values)
    assert list(response.context["adminform"].form.errors) == [field]
    assert error in response.content.decode()
    assert ApiKey.objects.count() == 0


def test_a_change_keeps_the_key_itself(staff: Client) -> None:
    token = token_on(create(staff))
    key = ApiKey.objects.get()
    values = {"name": "new name", "origins": "https://shop.example", "rate": "", "burst": "", "kind": "secret"}
    response = staff.post(f"{LIST}{key.pk}/change/", {**values, "expires_at_0": "", "expires_at_1": ""})
    assert response.status_code == 302
    key.refresh_from_db()
    assert (key.name, key.kind, key.origins) == ("new name", "publishable", ["https://shop.example"])
    record = KeyMemory().record(token, may_wait=True)
    assert record is not None and record.identity.name == "new name"


def act(staff: Client, action: str, *keys: ApiKey) -> Any:
    return staff.post(LIST, {"action": action, "_selected_action": [key.pk for key in keys]}, follow=True)


def test_a_rotated_key_has_a_successor_that_is_shown_once(staff: Client) -> None:
    first = token_on(create(staff))
    old = ApiKey.objects.get()
    response = act(staff, "rotate", old)
    second = token_on(response)
    new = ApiKey.objects.latest("pk")
    assert "no-store" in response["Cache-Control"] and f"{old} stays valid until " in response.content.decode()
    assert first != second and new.replaces == old and new.created_by is not None
    assert second not in pages(staff, new)
    records = [KeyMemory().record(token, may_wait=True) for token in (first, second)]
    assert [record is not None and not record.revoked for record in records] == [True, True]
    assert "already; rotate that one" in act(staff, "rotate", old).content.decode()
    assert "Choose one key" in act(staff, "rotate", old, new).content.decode()
    assert ApiKey.objects.count() == 2
    logged = list(LogEntry.objects.order_by("pk").values_list("object_id", "action_flag"))
    assert logged == [(str(old.pk), 1), (str(new.pk), 1), (str(old.pk), 2)]


def test_revoked_keys_are_listed_as_such(staff: Client) -> None:
    for _ in range(2):
        create(staff)
    assert "refused within 30 seconds" in act(staff, "revoke", *ApiKey.objects.all()).content.decode()
    assert ApiKey.objects.filter(revoked_at=None).count() == 0
    assert staff.get(LIST).content.decode().count(">revoked<") == 2


def test_who_may_only_look_neither_makes_nor_rotates_nor_revokes(client: Client) -> None:
    user = User.objects.create_user("clerk", password="x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_apikey"))
    client.force_login(user)
    key = ApiKey.objects.create(name="build", kind="secret", prefix="lk_sec_abc", digest="0" * 64)
    assert client.post(f"{LIST}add/", {"name": "x", "kind": "secret"}).status_code == 403
    for action in ("rotate", "revoke"):
        act(client, action, key)
    assert ApiKey.objects.filter(revoked_at=None).count() == 1 == ApiKey.objects.count()
