"""What rules do to answers: exact ids in order, for every kind, scope and target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from django.utils import timezone

from catalog.models import Product, ProductCategory
from recommender.merchandising.rules import editing
from recommender.models import Rule
from recommender.search.filters import SearchOptions
from recommender.search.ranking.base import Candidate
from recommender.search.similarity import recommend, similar_to_each, similar_to_features, similar_to_product
from tests.catalog.filters.chosen import filtering
from tests.recommender.search.gallery import Shop, make_tree
from tests.recommender.search.ranking.test_run import at

OPTIONS = SearchOptions(limit=4)


def stocked(shop: Shop, *fields: dict[str, Any]) -> list[int]:
    """Products at growing angles from the first, nearest first; their ids."""
    return [one.pk for one in shop.add_many([(at(0.01 * i)[None, :], each) for i, each in enumerate(fields)])]


def rule(kind: str, *, scope: str = "everywhere", **fields: Any) -> Rule:
    return editing.save(Rule(kind=kind, scope=scope, **fields), by=None)


def found(asked: int, options: SearchOptions = OPTIONS) -> list[int]:
    return [one.product_id for one in answered(asked, options)]


def answered(asked: int, options: SearchOptions = OPTIONS) -> Sequence[Candidate]:
    return similar_to_product(product_id=asked, options=options).found


def moved(asked: int, options: SearchOptions = OPTIONS) -> dict[int, int | None]:
    """The rule on each result that has one."""
    return {one.product_id: one.rule.id for one in answered(asked, options) if one.rule is not None}


def test_a_pin_stands_at_its_place_however_unlike(shop: Shop) -> None:
    asked, *others = stocked(shop, *[{}] * 10)
    pinned = editing.pin(asked, others[8], 2, by=None)
    assert found(asked) == [others[0], others[8], others[1], others[2]]
    assert moved(asked) == {others[8]: pinned.pk}
    assert found(others[0])[:2] == [asked, others[1]]  # another product asks


def test_a_pin_that_is_near_moves_back_to_its_place(shop: Shop) -> None:
    asked, *others = stocked(shop, *[{}] * 10)
    editing.pin(asked, others[0], 3, by=None)
    assert found(asked) == [others[1], others[2], others[0], others[3]]
    editing.pin(asked, others[0], 9, by=None)
    assert found(asked) == others[1:5]


def test_a_place_beyond_a_short_page_is_its_end(shop: Shop) -> None:
    asked, *others = stocked(shop, *[{}] * 4)
    editing.pin(asked, others[0], 50, by=None)
    assert found(asked, SearchOptions(limit=12)) == [others[1], others[2], others[0]]


def test_of_two_pins_at_one_place_the_more_specific_has_it_then_the_newer(shop: Shop) -> None:
    asked, *others = stocked(shop, *[{}] * 10)
    editing.pin(asked, others[5], 1, by=None)
    editing.pin(None, others[6], 1, by=None)
    editing.pin(None, others[7], 1, by=None)
    editing.pin(None, others[8], 2, by=None)
    assert found(asked, SearchOptions(limit=6)) == [others[5], others[8], others[7], others[6], others[0], others[1]]


def test_a_pin_passes_the_callers_filters_and_no_least_score(shop: Shop) -> None:
    asked, *others = stocked(shop, *[{"price": Decimal(10 + number)} for number in range(10)])
    editing.pin(asked, others[8], 1, by=None)
    assert found(asked, replace(OPTIONS, min_score=0.9999)) == [others[8], others[0]]
    assert found(asked, replace(OPTIONS, filters=filtering(max_price=Decimal(12)))) == others[:2]
    assert found(asked, replace(OPTIONS, filters=OPTIONS.filters.excluding(products=[others[8]]))) == others[:4]


def test_pinned_variants_take_one_place_and_no_other_variant_is_shown(shop: Shop) -> None:
    asked, *others = stocked(shop, {}, {"group": "g"}, {}, {"group": "g"}, {})
    editing.pin(asked, others[2], 2, by=None)
    assert found(asked) == [others[1], others[2], others[3]]


def test_hidden_products_are_gone_with_their_group_and_made_up_for(shop: Shop) -> None:
    asked, *others = stocked(shop, {}, {"group": "g"}, {"group": "g"}, {}, {}, {}, {})
    editing.hide(asked, others[0], by=None)
    assert found(asked) == others[2:6]
    assert moved(asked) == {}


@pytest.mark.parametrize(
    "target",
    [
        {"target": "brand", "brand": "AALTO"},
        {"target": "attribute", "attribute": "Colour", "value": "RED"},
        {"target": "price", "price_from": 150},
    ],
)
def test_hidden_by_brand_attribute_or_price(shop: Shop, target: dict[str, Any]) -> None:
    plain = {"brand": "Iittala", "attributes": {"colour": "blue"}, "price": 10}
    odd = {"brand": "Aalto", "attributes": {"colour": ["red", "white"]}, "price": 15}
    asked, *others = stocked(shop, plain, odd, plain, odd, plain, plain, {}, plain)
    rule("hide", **target)
    assert found(asked) == [others[1], others[3], others[4], others[5]]


def test_several_hidden_at_once(shop: Shop) -> None:
    asked, *others = stocked(
        shop, {"price": 100, "currency": "eur"}, {"brand": "A"}, {"brand": "B"}, {"attributes": {"a": "1"}},
        {"attributes": {"b": "2"}}, {"price": 300}, {"price": 20}, {"price": 300, "currency": "USD"}, {"price": 50},
    )  # fmt: skip
    for name in "ab":
        rule("hide", target="brand", brand=name)
    rule("hide", target="attribute", attribute="a", value="1")
    rule("hide", target="attribute", attribute="b", value="2")
    rule("hide", target="price", price_from=200)
    rule("hide", target="price", price_to=20)
    assert found(asked) == others[6:8]


def test_a_boost_ranks_and_leaves_the_score(shop: Shop) -> None:
    asked, *others = stocked(shop, *[{}] * 5, {"brand": "Aalto"}, {}, {"brand": "aalto"})
    plain = {one.product_id: one.score for one in answered(asked, SearchOptions(limit=10))}
    boosted = rule("boost", target="brand", brand="Aalto", factor=1.2)
    answer = answered(asked)
    assert [one.product_id for one in answer] == [others[4], others[6], others[0], others[1]]
    assert [one.score for one in answer] == [plain[one.product_id] for one in answer]
    assert moved(asked) == {others[4]: boosted.pk, others[6]: boosted.pk}


def test_a_bury_by_attribute_and_factors_multiply(shop: Shop) -> None:
    asked, *others = stocked(
        shop, {}, {"attributes": {"fit": "slim"}}, {}, {"attributes": {"fit": "slim"}, "brand": "A"}, {}, {}
    )
    buried = rule("bury", target="attribute", attribute="fit", value="Slim", factor=0.9)
    rule("boost", target="brand", brand="A", factor=1.05)
    assert found(asked, SearchOptions(limit=5)) == [others[1], others[3], others[4], others[2], others[0]]
    assert moved(asked, SearchOptions(limit=5)) == {others[0]: buried.pk, others[2]: buried.pk}


def test_a_boost_by_price_is_relative_to_what_asks(shop: Shop) -> None:
    asked, *others = stocked(shop, *({"price": price} for price in (100, 50, 60, 79, 80, 100, 120, 121)))
    rule("boost", target="price", price_from=80, price_to=120, factor=1.5)
    assert found(asked) == [others[3], others[4], others[5], others[0]]
    assert found(others[0])[0] == others[1]  # 60, the only one from 40 to 60


def test_a_boost_of_a_product_counts_for_its_variants(shop: Shop) -> None:
    asked, *others = stocked(shop, {}, {}, {}, {"group": "g"}, {"group": "g"})
    editing.boost(asked, others[3], by=None)
    assert found(asked) == [others[2], others[0], others[1]]


def test_a_boost_counts_in_a_diverse_page(shop: Shop) -> None:
    asked, *others = stocked(shop, *[{}] * 9, {"brand": "Aalto"})
    rule("boost", target="brand", brand="Aalto", factor=2)
    assert found(asked, SearchOptions(limit=4, diversity=0.1))[0] == others[8]


def test_same_category_only(shop: Shop) -> None:
    tree = make_tree()
    dress, shoe = {"category": tree["dress"]}, {"category": tree["shoe"]}
    asked, *others = stocked(shop, dress, shoe, dress, shoe, dress, shoe, {})
    rule("same_category")
    assert found(asked) == [others[1], others[3]]
    assert found(asked, replace(OPTIONS, filters=filtering(categories=[tree["shoe"].pk]))) == others[0:5:2]
    assert len(found(others[5])) == 4  # it has no category, so all may be answered
    editing.pin(None, others[0], 1, by=None)
    assert found(asked) == [others[0], others[1], others[3]]


def test_in_stock_first_and_what_is_sold_out_fills_the_page(shop: Shop) -> None:
    out = {"in_stock": False}
    asked, *others = stocked(shop, {}, out, {}, out, {}, out, {})
    first = rule("stock_first")
    assert found(asked) == [others[1], others[3], others[5], others[0]]
    assert moved(asked) == {others[0]: first.pk}
    assert found(asked, SearchOptions(limit=12)) == [*others[1::2], *others[0::2]]
    assert moved(asked, SearchOptions(limit=12)) == dict.fromkeys(others[0::2], first.pk)
    assert found(asked, replace(OPTIONS, filters=filtering(in_stock=False))) == others[0::2]


def test_what_is_sold_out_and_last_anyway_was_not_moved(shop: Shop) -> None:
    asked, *others = stocked(shop, {}, {}, {}, {"in_stock": False})
    rule("stock_first")
    assert (found(asked), moved(asked)) == (others, {})


def test_in_stock_only(shop: Shop) -> None:
    out = {"in_stock": False}
    asked, *others = stocked(shop, {}, out, {}, out, {})
    rule("stock_only")
    assert found(asked) == others[1::2]
    assert found(asked, replace(OPTIONS, filters=filtering(in_stock=False))) == others[0::2]


def test_a_pin_keeps_no_place_before_what_is_in_stock_while_it_is_sold_out(shop: Shop) -> None:
    out = {"in_stock": False}
    asked, *others = stocked(shop, {}, {}, {}, out, out, {})
    rule("stock_first")
    editing.pin(asked, others[3], 1, by=None)
    editing.pin(asked, others[4], 5, by=None)
    assert found(asked, SearchOptions(limit=6)) == [others[0], others[1], others[4], others[2], others[3]]


def test_a_page_filled_from_the_category_has_what_is_in_stock_first(shop: Shop) -> None:
    category = make_tree()["dress"]
    out = {"in_stock": False, "category": category}
    asked, *others = stocked(shop, {"category": category}, out, {"category": category}, out, {"category": category})
    rule("stock_first")
    options = SearchOptions(limit=4, min_score=0.9998, min_results=4)
    answer = similar_to_product(product_id=asked, options=options)
    assert [one.product_id for one in answer.found] == [others[1], others[3], others[0], others[2]]
    assert answer.fallback == "category"


def test_hide_stands_above_pin_and_a_pin_above_a_bury(shop: Shop) -> None:
    asked, *others = stocked(shop, *[{}] * 6)
    editing.pin(asked, others[4], 1, by=None)
    editing.bury(asked, others[4], by=None)
    assert found(asked)[0] == others[4]
    editing.hide(None, others[4], by=None)
    assert found(asked) == others[:4]


def test_a_rule_for_a_category_concerns_those_below_it_and_further_ones(shop: Shop) -> None:
    tree = make_tree()
    evening, home, further, beside, hidden = stocked(
        shop,
        {"category": tree["evening"]},
        {"category": tree["home"]},
        {"category": tree["home"]},
        {"category": tree["shoe"]},
        {},
    )
    ProductCategory.objects.create(product_id=further, category=tree["summer"])
    rule("hide", scope="category", for_category=tree["dress"], target="product", product_id=hidden)
    concerned = {asked for asked in (evening, home, further, beside) if hidden not in found(asked)}
    assert concerned == {evening, further}


def test_a_rule_for_the_deeper_category_has_the_place(shop: Shop) -> None:
    tree = make_tree()
    asked, *others = stocked(shop, {"category": tree["evening"]}, *[{}] * 5)
    for slug, pinned in (("evening", others[3]), ("clothing", others[4]), ("dress", others[2])):
        rule("pin", scope="category", for_category=tree[slug], product_id=pinned, place=1)
    assert found(asked) == [others[3], others[2], others[4], others[0]]


def test_a_rule_for_a_brand_concerns_its_products_whatever_the_case(shop: Shop) -> None:
    asked, other, hidden = stocked(shop, {"brand": "Aalto"}, {"brand": "B"}, {})
    rule("hide", scope="brand", for_brand="AALTO", target="product", product_id=hidden)
    assert (found(asked), found(other)) == ([other], [asked, hidden])


def test_rules_are_off_where_the_caller_wants_none(shop: Shop) -> None:
    asked, *others = stocked(shop, {}, {"in_stock": False}, {}, {})
    rule("stock_first")
    editing.hide(None, others[2], by=None)
    assert found(asked, replace(OPTIONS, rules=False)) == others


def test_every_search_obeys_rules_of_its_products(shop: Shop) -> None:
    asked, *others = stocked(shop, *[{}] * 7)
    editing.hide(asked, others[0], by=None)
    editing.hide(None, others[1], by=None)
    liked = recommend(positive=[others[5], asked], negative=[], options=OPTIONS).found
    assert {one.product_id for one in liked} == {*others[2:5]}
    each = similar_to_each(product_ids=[asked, others[5]], options=SearchOptions(limit=12))
    assert [one.product_id for one in each[asked].found] == others[2:]
    assert {one.product_id for one in each[others[5]].found} == {asked, others[0], *others[2:5]}
    photo = similar_to_features(encoder_id=shop.space.encoder_id, features=at(0.0), options=OPTIONS, query={})
    assert [one.product_id for one in photo.found] == [asked, others[0], others[2], others[3]]
    by_all = similar_to_product(product_id=asked, options=OPTIONS, image="all")
    assert [one.product_id for one in by_all.found] == others[2:6]


def test_rules_of_photos_that_ask_together_keep_pins_and_groups(shop: Shop) -> None:
    asked = shop.add(np.stack([at(0.0), at(1.0)]))
    near, far, pinned = shop.add(at(0.01)), shop.add(at(1.02)), shop.add(np.stack([at(0.5), at(0.6)]))
    editing.pin(asked.pk, pinned.pk, 1, by=None)
    answer = similar_to_product(product_id=asked.pk, options=OPTIONS, image="all")
    assert [one.product_id for one in answer.found] == [pinned.pk, near.pk, far.pk]


def test_a_rule_is_in_force_from_and_until(shop: Shop) -> None:
    asked, other = stocked(shop, {}, {})
    now = timezone.now()
    hidden = editing.hide(asked, other, by=None)
    for starts, ends, shown in ((1, None, True), (-1, None, False), (None, -1, True), (-2, 1, False), (None, 1, False)):
        hidden.starts_at = None if starts is None else now + timedelta(hours=starts)
        hidden.ends_at = None if ends is None else now + timedelta(hours=ends)
        editing.save(hidden, by=None)
        assert (found(asked) == [other]) is shown, (starts, ends)
    editing.switch(hidden.pk, enabled=False, by=None)
    assert found(asked) == [other]


def test_a_deleted_product_takes_its_rules_along(shop: Shop) -> None:
    asked, *others = stocked(shop, *[{}] * 5)
    editing.pin(asked, others[3], 1, by=None)
    Product.objects.get(pk=others[3]).delete()
    assert (found(asked), Rule.objects.count()) == (others[:3], 0)
