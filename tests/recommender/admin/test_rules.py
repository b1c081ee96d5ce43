"""The admin's pages of rules: list, form, before and after, undo, and who may do it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog.models import Product
from recommender.merchandising.rules import editing
from recommender.models import Rule
from recommender.search.rule_preview import preview
from tests.recommender.search.conftest import forgetful_process, shop
from tests.recommender.search.gallery import Shop, make_tree

__all__ = ["forgetful_process", "shop"]
pytestmark = pytest.mark.django_db

ADD = "admin:recommender_rule_add"
LIST = "admin:recommender_rule_changelist"
LOOK = "admin:recommender_rule_preview_unsaved"


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("keeper"))
    return client


@pytest.fixture
def products(shop: Shop) -> list[Product]:
    """Thirty at growing angles."""
    return [shop.add([1, 0.02 * i, 0, 0, 0, 0, 0, 0], title=f"Dress {i}", sku=f"D-{i}") for i in range(30)]


def fields(**chosen: Any) -> dict[str, Any]:
    """A form as a browser sends it."""
    empty = {name: "" for name in RULE_FIELDS}
    return (
        empty
        | {
            "scope": "everywhere",
            "enabled": "on",
            "starts_at_0": "",
            "starts_at_1": "",
            "ends_at_0": "",
            "ends_at_1": "",
        }
        | chosen
    )


RULE_FIELDS = (
    "kind",
    "place",
    "factor",
    "target",
    "product",
    "attribute",
    "value",
    "brand",
    "price_from",
    "price_to",
    "scope",
)
RULE_FIELDS += ("for_product", "for_category", "for_brand", "reason", "starts_at", "ends_at")


def test_a_rule_is_made_by_skus_and_says_who_and_why(staff: Client, products: list[Product]) -> None:
    sent = fields(
        kind="pin", place="2", product="D-20", scope="product", for_product=str(products[0].pk), reason="campaign"
    )
    sent |= {"starts_at": "2026-01-02T03:04:05", "ends_at": "2999-01-02T03:04"}
    answer = staff.post(reverse(ADD), sent, follow=True)
    rule = Rule.objects.get()
    assert answer.redirect_chain and (rule.product, rule.for_product) == (products[20], products[0])
    assert rule.starts_at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC) and rule.ends_at == datetime(
        2999, 1, 2, 3, 4, tzinfo=UTC
    )
    assert (rule.created_by, rule.changed_by) == (User.objects.get(), User.objects.get())
    listed = staff.get(reverse(LIST)).content.decode()
    for words in ("pin Dress 20 (D-20) at place 2", "for Dress 0 (D-0)", "in force", "campaign", "keeper"):
        assert words in listed
    form = staff.get(reverse("admin:recommender_rule_change", args=[rule.pk])).content.decode()
    assert 'value="2026-01-02T03:04:05"' in form
    assert 'value="D-20"' in form and 'value="D-0"' in form
    assert "<script>" not in form and " style=" not in form


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"kind": "hide", "target": "product", "product": "X-1"}, "no product has the SKU or number &#x27;X-1&#x27;"),
        ({"kind": "boost", "target": "brand", "brand": "A"}, "a boost needs a factor above 1, 10 at most"),
        ({"kind": "stock_first", "scope": "category"}, "name the category that the rule is for"),
    ],
)
def test_what_lacks_is_said_and_nothing_is_kept(
    staff: Client, products: list[Product], chosen: dict[str, str], words: str
) -> None:
    assert words in staff.post(reverse(ADD), fields(**chosen)).content.decode()
    assert words in staff.post(reverse(LOOK), fields(**chosen)).content.decode()
    assert not Rule.objects.exists()


def test_before_and_after_are_shown_and_nothing_is_saved_until_it_is(staff: Client, products: list[Product]) -> None:
    page = staff.post(reverse(LOOK), fields(kind="hide", target="product", product="D-3"))
    rows = page.context["rows"]
    assert len(rows) == 20 and page.context["changed"] == sum(row.is_changed for row in rows) > 5
    assert [row.is_changed for row in rows] == sorted((row.is_changed for row in rows), reverse=True)
    html = page.content.decode()
    assert 'class="is-gone"' in html and 'class="is-new"' in html and "Never show" in html
    assert "<script>" not in html and " style=" not in html
    assert not Rule.objects.exists()
    sent = dict(page.context["sent"])
    staff.post(page.context["action"], {**sent, "_save": "1"})
    assert Rule.objects.get().product == products[3]


def test_a_changed_rule_is_looked_at_as_the_form_has_it(staff: Client, products: list[Product]) -> None:
    rule = editing.pin(products[0].pk, products[20].pk, 3, by=None)
    form = fields(kind="pin", place="1", product="D-20", scope="product", for_product="D-0")
    page = staff.post(f"{reverse(LOOK)}?rule={rule.pk}", form)
    (row,) = page.context["rows"]
    assert [one.product["sku"] for one in row.before] == [f"D-{i}" for i in range(1, 7)]
    assert [one.product["sku"] for one in row.after] == ["D-20", *(f"D-{i}" for i in range(1, 6))]
    assert [one.mark for one in row.after] == ["new", *[""] * 5]
    assert page.context["action"] == reverse("admin:recommender_rule_change", args=[rule.pk])
    assert Rule.objects.get().place == 3
    kept = staff.get(reverse("admin:recommender_rule_preview", args=[rule.pk])).context["rows"]
    assert [one.product["sku"] for one in kept[0].after][2] == "D-20"


def test_a_rule_of_a_category_is_looked_at_on_its_products(shop: Shop) -> None:
    tree = make_tree()
    for number in range(8):
        shop.add(
            [1, 0.02 * number, 0, 0, 0, 0, 0, 0],
            category=tree["evening" if number % 2 else "shoe"],
            in_stock=number > 3,
        )
    rows = preview(Rule(kind="stock_first", scope="category", for_category=tree["dress"]))
    assert {row.product.category.slug for row in rows if row.product.category} == {"evening"} and len(rows) == 4
    assert any(row.is_changed for row in rows)


def test_a_rule_that_waits_is_shown_as_if_it_were_in_force(products: list[Product]) -> None:
    rule = editing.hide(products[0].pk, products[1].pk, by=None)
    rule.starts_at = timezone.now() + timedelta(days=1)
    editing.save(rule, by=None)
    (row,) = preview(rule)
    assert [one.mark for one in row.before] == ["gone", *[""] * 5]


def test_what_stands_in_another_order_is_moved(products: list[Product]) -> None:
    (row,) = preview(
        Rule(kind="pin", scope="product", for_product=products[0], target="product", product=products[2], place=5)
    )
    assert [one.mark for one in row.before] == [*["", "moved"], *[""] * 4]
    assert [one.mark for one in row.after] == [*[""] * 4, "moved", ""]


def test_the_last_change_is_taken_back(staff: Client, products: list[Product]) -> None:
    rule = editing.hide(None, products[1].pk, by=None)
    undo = reverse("admin:recommender_rule_undo", args=[rule.pk])
    page = staff.post(undo, follow=True).content.decode()
    assert "was taken back; the rule is off" in page and Rule.objects.get().enabled is False
    staff.post(undo)
    assert Rule.objects.get().enabled is True
    assert staff.get(undo).status_code == 405
    assert staff.post(reverse("admin:recommender_rule_undo", args=[rule.pk + 1])).status_code == 404


def test_rules_are_switched_by_an_action_and_listed_by_state(staff: Client, products: list[Product]) -> None:
    rules = [editing.hide(None, one.pk, by=None) for one in products[:3]]
    sent = {"action": "switch_off", "_selected_action": [rules[0].pk, rules[1].pk]}
    assert "2 rules switched off" in staff.post(reverse(LIST), sent, follow=True).content.decode()
    rules[2].ends_at = timezone.now() + timedelta(days=1)
    editing.save(rules[2], by=None)
    states = {
        state: staff.get(reverse(LIST), {"state": state}).context["cl"].result_count
        for state in ("in force", "off", "over", "planned")
    }
    assert states == {"in force": 1, "off": 2, "over": 0, "planned": 0}


def test_nobody_deletes_a_rule_here_and_its_product_takes_it_along(staff: Client, products: list[Product]) -> None:
    rule = editing.hide(None, products[1].pk, by=None)
    assert staff.get(reverse("admin:recommender_rule_delete", args=[rule.pk])).status_code == 403
    staff.post(reverse("admin:catalog_product_delete", args=[products[1].pk]), {"post": "yes"})
    assert not Product.objects.filter(pk=products[1].pk).exists() and not Rule.objects.exists()


def test_who_may_only_look_changes_nothing(client: Client, products: list[Product]) -> None:
    user = User.objects.create_user("looker", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_rule"))
    client.force_login(user)
    rule = editing.hide(None, products[1].pk, by=None)
    assert client.get(reverse(LIST)).status_code == 200
    assert client.get(reverse("admin:recommender_rule_preview", args=[rule.pk])).status_code == 200
    assert client.post(reverse("admin:recommender_rule_undo", args=[rule.pk])).status_code == 403
    assert client.post(reverse(LOOK), fields(kind="stock_first")).status_code == 403
    assert client.post(reverse(ADD), fields(kind="stock_first")).status_code == 403
    form = client.get(reverse("admin:recommender_rule_change", args=[rule.pk])).content.decode()
    assert "Undo the last change" not in form and "Look at before and after" not in form
