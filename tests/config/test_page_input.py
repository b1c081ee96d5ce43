"""What the admin cannot take of an address or a form is the caller's error."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.catalog.factories import make_category, make_product

pytestmark = pytest.mark.django_db
HUGE = "9" * 5000


@pytest.fixture
def staff(client: Client) -> Client:
    client.raise_request_exception = False
    client.force_login(User.objects.create_superuser("keeper"))
    return client


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("catalog/product/?category=%00", 400),
        ("catalog/product/?q=a%00", 400),
        ("catalog/product/?sku=%00", 400),
        ("catalog/product/?attributes__has_key=%00", 400),
        ("catalog/product/?created_at__year=99999999999", 400),
        ("catalog/product/?id__exact=99999999999999999999", 200),
        (f"catalog/product/?id__exact={HUGE}", 302),
        ("catalog/product/?p=99999999999999999999", 200),
        ("catalog/product/?o=99999999999999999999", 200),
        (f"catalog/product/{HUGE}/change/", 302),
        ("catalog/product/99999999999999999999/change/", 302),
        ("catalog/product/%00/change/", 400),
        ("catalog/category/children/x/", 400),
        ("recommender/embeddingjob/?state=%00", 400),
        ("recommender/space/?state__exact=%00", 400),
        ("auth/user/?username=%00", 400),
        ("autocomplete/?app_label=catalog&model_name=product&field_name=category&term=%00", 400),
        ("login/?next=%00", 400),
    ],
)
def test_addresses_of_the_admin(staff: Client, address: str, status: int) -> None:
    assert staff.get(f"/admin/{address}").status_code == status


@pytest.mark.parametrize("page", ["catalog/product/", "catalog/category/", "recommender/embeddingjob/", "auth/user/"])
@pytest.mark.parametrize("key", ["x", "\0", HUGE, "1e999"])
def test_actions_on_what_is_no_key(staff: Client, page: str, key: str) -> None:
    action = "embed_again" if "job" in page else "delete_selected"
    answer = staff.post(f"/admin/{page}", {"action": action, "_selected_action": key, "post": "yes"})
    assert answer.status_code == 400 and b"Not understood" in answer.content


def test_the_category_list_is_shown_after_an_action_that_is_none(staff: Client) -> None:
    make_category("Clothing")
    answer = staff.post("/admin/catalog/category/", {"action": "none"})
    assert answer.status_code == 200 and b"Clothing" in answer.content


@pytest.mark.parametrize("image", [HUGE, "x", "²", "-1", "9" * 19])
def test_a_photo_that_is_none_is_not_embedded_again(staff: Client, image: str) -> None:
    assert staff.post(f"/admin/catalog/product/{make_product().pk}/again/?image={image}").status_code == 404


def test_a_real_failure_of_the_admin_stays_one(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from catalog.admin import ProductAdmin

    def fail(*args: Any, **kwargs: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(ProductAdmin, "get_queryset", fail)
    assert staff.get("/admin/catalog/product/").status_code == 500
