"""Rules as people write them: made, changed, refused and taken back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from recommender.merchandising.rules import editing
from recommender.models import Rule
from tests.catalog.factories import make_category, make_product

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna() -> User:
    return User.objects.create_user("anna")


def test_a_pin_says_where_what_who_and_why(anna: User) -> None:
    asked, shown = make_product(), make_product(title="Red dress", sku="D-1")
    rule = editing.pin(asked.pk, shown.pk, 2, by=anna, reason="campaign")
    kept = Rule.objects.get(pk=rule.pk)
    assert (kept.kind, kept.scope, kept.for_product_id, kept.target, kept.product_id, kept.place) == (
        *("pin", "product", asked.pk, "product", shown.pk, 2),
    )
    assert (kept.created_by, kept.changed_by, kept.reason, kept.enabled) == (anna, anna, "campaign", True)
    assert str(kept) == f"pin Red dress (D-1) at place 2 for {asked}"


def test_a_second_pin_of_the_same_product_moves_it(anna: User) -> None:
    asked, shown = make_product(), make_product()
    first = editing.pin(asked.pk, shown.pk, 2, by=anna, reason="campaign")
    second = editing.pin(asked.pk, shown.pk, 5, by=None)
    assert second.pk == first.pk
    assert Rule.objects.values_list("place", "reason", "changed_by").get() == (5, "campaign", None)


def test_hide_boost_and_bury_for_a_product_or_everywhere(anna: User) -> None:
    asked, shown = make_product(), make_product()
    editing.hide(None, shown.pk, by=anna)
    editing.boost(asked.pk, shown.pk, by=anna)
    editing.bury(asked.pk, shown.pk, by=anna, factor=0.5)
    rows = Rule.objects.order_by("id").values_list("kind", "scope", "for_product_id", "product_id", "factor")
    assert list(rows) == [
        ("hide", "everywhere", None, shown.pk, None),
        ("boost", "product", asked.pk, shown.pk, 1.2),
        ("bury", "product", asked.pk, shown.pk, 0.5),
    ]


def test_undoing_a_new_rule_switches_it_off_and_undoing_that_switches_it_on(anna: User) -> None:
    rule = editing.hide(None, make_product().pk, by=anna)
    assert editing.undo(rule.pk, by=anna).enabled is False
    assert editing.undo(rule.pk, by=anna).enabled is True


def test_undoing_a_change_restores_every_field(anna: User) -> None:
    category, product = make_category("Shoes"), make_product()
    starts_at = datetime(2030, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    rule = editing.save(
        Rule(
            kind="boost", scope="category", for_category=category, target="price", price_from=80, price_to=120, factor=1.5,
            starts_at=starts_at, reason="margin",
        ),
        by=anna,
    )  # fmt: skip
    changed = Rule.objects.get(pk=rule.pk)
    changed.kind, changed.scope, changed.target, changed.product = "hide", "everywhere", "product", product
    editing.save(changed, by=None)
    editing.undo(rule.pk, by=anna)
    kept = Rule.objects.get(pk=rule.pk)
    assert (kept.kind, kept.scope, kept.for_category, kept.target, kept.price_from, kept.price_to) == (
        *("boost", "category", category, "price", 80, 120),
    )
    assert (kept.factor, kept.starts_at, kept.reason, kept.product) == (1.5, starts_at, "margin", None)


def test_a_rule_that_does_not_exist_is_named() -> None:
    with pytest.raises(editing.UnknownRule, match="there is no rule 77"):
        editing.undo(77, by=None)


def test_switching_off_keeps_everything_else(anna: User) -> None:
    rule = editing.boost(None, make_product().pk, by=anna, factor=2)
    editing.switch(rule.pk, enabled=False, by=anna)
    assert Rule.objects.values_list("enabled", "factor").get() == (False, 2)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"kind": "pin", "target": "product"}, "product"),
    ({"kind": "hide"}, "target"),
    ({"kind": "hide", "target": "attribute", "attribute": "colour"}, "value"),
    ({"kind": "hide", "target": "attribute", "value": "red"}, "attribute"),
    ({"kind": "hide", "target": "brand", "brand": "  "}, "brand"),
    ({"kind": "hide", "target": "price"}, "price_from"),
    ({"kind": "hide", "target": "price", "price_from": 120, "price_to": 80}, "price_to"),
    ({"kind": "boost", "target": "brand", "brand": "Aalto"}, "factor"),
    ({"kind": "boost", "target": "brand", "brand": "Aalto", "factor": 1}, "factor"),
    ({"kind": "boost", "target": "brand", "brand": "Aalto", "factor": float("inf")}, "factor"),
    ({"kind": "bury", "target": "brand", "brand": "Aalto", "factor": 0}, "factor"),
    ({"kind": "stock_first", "scope": "category"}, "for_category"),
    ({"kind": "stock_first", "scope": "product"}, "for_product"),
    ({"kind": "stock_first", "scope": "brand"}, "for_brand"),
    ({"kind": "stock_first", "starts_at": datetime(2030, 1, 2, tzinfo=UTC), "ends_at": datetime(2030, 1, 1, tzinfo=UTC)}, "ends_at"),
    ({"kind": "promote"}, "kind"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "named"), REFUSED)
def test_what_cannot_be_is_refused_by_the_field_that_lacks(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError) as refused:
        editing.save(Rule(**fields), by=None)
    assert set(refused.value.message_dict) == {named}
    assert not Rule.objects.exists()


@pytest.mark.parametrize("place", [0, 101])
def test_a_place_outside_the_longest_page_is_refused(place: int) -> None:
    with pytest.raises(ValidationError) as refused:
        editing.pin(None, make_product().pk, place, by=None)
    assert set(refused.value.message_dict) == {"place"}


def test_no_product_is_pinned_or_hidden_for_itself() -> None:
    product = make_product()
    with pytest.raises(ValidationError, match="no product is answered to a search for itself"):
        editing.pin(product.pk, product.pk, 1, by=None)


def test_fields_without_a_use_are_emptied() -> None:
    product = make_product()
    rule = editing.save(
        Rule(kind="stock_first", scope="everywhere", for_product=product, target="product", product=product, place=3),
        by=None,
    )
    kept = Rule.objects.get(pk=rule.pk)
    assert (kept.for_product, kept.target, kept.product, kept.place) == (None, "", None, None)
