"""Rules through the API: by whatever path or body it is asked, by every cache, and against a model of the documented order."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client, RequestFactory
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from catalog.models import Category, Product
from recommender.api.cached_answers import cached_or_made
from recommender.encoder import serving
from recommender.merchandising.rules import editing, in_force
from recommender.models import Rule
from recommender.spaces import active
from tests.catalog.factories import photo_bytes
from tests.recommender.api.serving import Served
from tests.recommender.search.gallery import Shop, distances_to, make_space, make_tree, random_units
from tests.recommender.search.test_photo_search import ColourEncoder
from tests.waiting import wait_until

API = "/api/v1/"
OBEYED_SECONDS = 5.0


def ids(answer: Any) -> list[int]:
    assert answer.status_code == 200, answer.content
    return [one["product"]["id"] for one in answer.json()["results"]]


@pytest.fixture
def products(shop: Shop) -> list[int]:
    """Of a shop of six, the one that asks and the others, nearest first."""
    angles = [np.cos(0.05 * i) for i in range(6)], [np.sin(0.05 * i) for i in range(6)]
    return [shop.add([x, y, 0, 0, 0, 0, 0, 0]).pk for x, y in zip(*angles, strict=True)]


@pytest.mark.django_db
def test_a_result_names_the_rule_that_moved_it_and_fields_choose_it(client: Client, products: list[int]) -> None:
    asked, *others = products
    rule = editing.pin(asked, others[3], 1, by=None)
    path = f"{API}products/{asked}/similar/"
    results = client.get(path).json()["results"]
    assert [one.get("rule") for one in results] == [{"id": rule.pk, "kind": "pin"}, None, None, None, None]
    assert "rule" not in results[1]
    chosen = client.get(path, {"fields": "id,rule.kind", "limit": 2}).json()["results"]
    assert chosen == [{"product": {"id": others[3]}, "rule": {"kind": "pin"}}, {"product": {"id": others[0]}}]


@pytest.mark.django_db
def test_rules_are_off_by_a_parameter_of_paths_and_bodies(client: Client, products: list[int]) -> None:
    asked, *others = products
    editing.hide(None, others[0], by=None)
    path, by_json = f"{API}products/{asked}/similar/", {"content_type": "application/json"}

    def both(ask: Any) -> tuple[list[int], list[int], list[int]]:
        return ask({}), ask({"rules": "on"}), ask({"rules": "off"})

    def recommended(more: Mapping[str, str]) -> list[int]:
        return ids(client.post(f"{API}recommendations/", {"positive": [asked], **more}, **by_json))

    def in_a_batch(more: Mapping[str, str]) -> list[int]:
        answer = client.post(f"{API}similar/batch/", {"products": [asked], **more}, **by_json)
        return [one["product"]["id"] for one in answer.json()["results"][str(asked)]]

    assert both(lambda more: ids(client.get(path, more))) == (others[1:], others[1:], others)
    assert both(recommended) == (others[1:], others[1:], others)
    assert both(in_a_batch) == (others[1:], others[1:], others)


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["products/{}/similar/?", "search/color/?hex=c04a1f&"])
@pytest.mark.parametrize("value", ["false", "OFF", "none", "0"])
def test_another_value_is_refused(client: Client, products: list[int], path: str, value: str) -> None:
    answer = client.get(f"{API}{path.format(products[0])}rules={value}")
    assert answer.status_code == 400
    assert (answer.json()["parameter"], answer.json()["detail"]) == ("rules", f"rules: {value!r} is neither on nor off")


@pytest.mark.django_db
def test_a_photo_search_obeys_rules_for_everywhere(client: Client, products: list[int]) -> None:
    def found(**more: str) -> list[int]:
        photo = SimpleUploadedFile("photo.png", photo_bytes(1))
        with serving.injected(ColourEncoder()):
            return ids(client.post(f"{API}search/image/", {"image": photo, **more}))

    shown = found()
    editing.hide(None, shown[0], by=None)
    assert (found(), found(rules="off")) == (shown[1:], shown)


# --- every cache ---------------------------------------------------------------------------------------------------------


def hot(served: Served, path: str) -> list[int]:
    status, _, body = served.get(path)
    assert status == 200
    return [one["product"]["id"] for one in json.loads(body)["results"]]


@pytest.fixture
def committed(transactional_db: None, settings: Settings) -> list[int]:
    """A product that asks, then two others, the nearer first. Answers are kept for a minute: by its age none is asked anew."""
    settings.ANSWER_CACHE_SECONDS = 60
    shop = Shop(make_space())
    return [shop.add([1, angle, 0, 0, 0, 0, 0, 0]).pk for angle in (0.0, 0.1, 0.2)]


def test_hot_answers_obey_a_rule_its_change_and_its_undoing(served: Served, committed: list[int]) -> None:
    asked, first, second = committed
    path = f"/api/v1/products/{asked}/similar/"
    assert hot(served, path) == hot(served, path) == [first, second]
    rule = editing.hide(asked, first, by=None)
    wait_until(lambda: hot(served, path) == [second], seconds=OBEYED_SECONDS)
    editing.undo(rule.pk, by=None)
    wait_until(lambda: hot(served, path) == [first, second], seconds=OBEYED_SECONDS)
    editing.pin(None, second, 1, by=None)
    wait_until(lambda: hot(served, path) == [second, first], seconds=OBEYED_SECONDS)
    Rule.objects.all().delete()  # behind everyone's back
    wait_until(lambda: hot(served, path) == [first, second], seconds=OBEYED_SECONDS)


def test_hot_answers_obey_a_rule_that_starts_and_ends_by_its_time(served: Served, committed: list[int]) -> None:
    asked, first, second = committed
    path = f"/api/v1/products/{asked}/similar/"
    assert hot(served, path) == [first, second]
    now = timezone.now()
    rule = Rule(kind="hide", target="product", product_id=first)
    rule.starts_at, rule.ends_at = now + timedelta(seconds=1.5), now + timedelta(seconds=4)
    editing.save(rule, by=None)
    assert hot(served, path) == [first, second]
    wait_until(lambda: hot(served, path) == [second], seconds=1.5 + OBEYED_SECONDS)
    assert timezone.now() >= rule.starts_at
    wait_until(lambda: hot(served, path) == [first, second], seconds=2.5 + OBEYED_SECONDS)
    assert timezone.now() >= rule.ends_at


def test_an_answer_by_the_rules_of_before_is_not_kept_for_those_of_now(committed: list[int]) -> None:
    """A rule comes into force between the look-up of an answer and its making."""
    request = RequestFactory().get("/api/v1/products/1/similar/")
    space = active.active_space()

    def make_while_a_rule_is_made() -> tuple[bytes, Any]:
        editing.hide(None, committed[1], by=None)
        in_force.forget_rules()
        return b'"new"', space

    assert cached_or_made(request, make_while_a_rule_is_made) == b'"new"'
    Rule.objects.all().delete()
    in_force.forget_rules()
    assert cached_or_made(request, lambda: (b'"again"', space)) == b'"again"'


# --- a model of the documented order -------------------------------------------------------------------------------------

DIMENSIONS = 4
SLUGS = ("dress", "shoe", "evening", "home")
BRANDS = ("Aalto", "Bo", "")
COLOURS = ("red", "blue")


@dataclass(frozen=True)
class Asked:
    """What a caller wants."""

    limit: int
    in_stock: bool | None
    max_price: int | None
    min_score: float | None

    def query(self) -> dict[str, str]:
        values = {
            **vars(self),
            "in_stock": None if self.in_stock is None else str(self.in_stock).lower(),
            "exact": "true",
        }
        return {name: str(value) for name, value in values.items() if value is not None}


def random_shop(seed: int, count: int) -> Shop:
    rng = np.random.default_rng(seed)
    tree = make_tree()
    shop = Shop(make_space(name=f"r{seed}", dimensions=DIMENSIONS))
    shop.add_many(
        [
            (
                vector[None, :],
                {
                    "group": f"g{rng.integers(0, count // 4 + 1)}" if rng.random() < 0.3 else "",
                    "category": None if rng.random() < 0.2 else tree[str(rng.choice(SLUGS))],
                    "brand": str(rng.choice(BRANDS)),
                    "attributes": {"colour": str(rng.choice(COLOURS))},
                    "price": None if rng.random() < 0.1 else Decimal(int(rng.integers(10, 100))),
                    "in_stock": bool(rng.random() < 0.6),
                    "published": number < 2 or bool(rng.random() < 0.9),
                },
            )
            for number, vector in enumerate(random_units(count, DIMENSIONS, seed))
        ]
    )
    return shop


def random_rules(rng: np.random.Generator, shop: Shop) -> list[Rule]:
    """Up to nine rules of every kind, scope and target, everywhere and pins the most, so that rules meet."""
    tree = {one.slug: one for one in Category.objects.all()}
    numbers = list(shop.products)

    def other() -> int:
        return numbers[rng.integers(2, 12)]

    def one_of(*choices: dict[str, Any]) -> dict[str, Any]:
        return choices[rng.integers(len(choices))]

    def scope() -> dict[str, Any]:
        return one_of(
            *[{"scope": "everywhere"}] * 3,
            {"scope": "product", "for_product_id": numbers[rng.integers(2)]},
            {"scope": "category", "for_category": tree[str(rng.choice(("clothing", *SLUGS)))]},
            {"scope": "brand", "for_brand": str(rng.choice(("AALTO", "Bo")))},
        )

    def target() -> dict[str, Any]:
        least, most = ((None, 80), (80, 120), (150, None))[rng.integers(3)]
        return one_of(
            *[{"target": "product", "product_id": other()}] * 2,
            {"target": "brand", "brand": str(rng.choice(("aalto", "Bo")))},
            {"target": "attribute", "attribute": "Colour", "value": str(rng.choice(COLOURS)).upper()},
            {"target": "price", "price_from": least, "price_to": most},
        )

    def kind() -> dict[str, Any]:
        return one_of(
            *[{"kind": "pin", "product_id": other(), "place": int(rng.integers(1, 7))}] * 4,
            {"kind": "hide", **target()},
            {"kind": "boost", "factor": float(rng.choice((1.1, 1.7))), **target()},
            {"kind": "bury", "factor": float(rng.choice((0.5, 0.9))), **target()},
            {"kind": "same_category"},
            *[{"kind": "stock_first"}] * 2,
            {"kind": "stock_only"},
        )

    return [editing.save(Rule(**kind(), **scope()), by=None) for _ in range(rng.integers(0, 10))]


def random_asked(rng: np.random.Generator) -> Asked:
    return Asked(
        limit=(1, 4, 12, 40)[rng.integers(4)],
        in_stock=(None, None, None, True, False)[rng.integers(5)],
        max_price=(None, None, None, 60)[rng.integers(4)],
        min_score=(None, None, None, 0.2)[rng.integers(4)],
    )


class Model:
    """docs/merchandising.md in plain Python: what a page of the first product is under rules, of products with one photo each."""

    def __init__(self, shop: Shop, rules: Sequence[Rule]) -> None:
        self.shop = shop
        self.products = list(shop.products.values())
        self.asking = self.products[0]
        own_vector = next(shop.vectors[image] for image, owner in shop.owner.items() if owner == self.asking.pk)
        distances = distances_to("cosine", np.stack(list(shop.vectors.values())), own_vector)
        self.scores = {shop.owner[image]: 1 - one for image, one in zip(shop.vectors, distances.tolist(), strict=True)}
        paths = {one.pk: one.path for one in Category.objects.all()}
        own = self.asking.category_id
        above = {pk: path for pk, path in paths.items() if own is not None and paths[own].startswith(path)}
        places = {"product": 0, "category": 1, "brand": 2, "everywhere": 3}
        concerned = {
            "product": lambda rule: rule.for_product_id == self.asking.pk,
            "category": lambda rule: rule.for_category_id in above,
            "brand": lambda rule: rule.for_brand.lower() == self.asking.brand.lower(),
            "everywhere": lambda rule: True,
        }
        self.rules = sorted(
            (rule for rule in rules if concerned[rule.scope](rule)),
            key=lambda rule: (places[rule.scope], -len(above.get(rule.for_category_id or 0, "")), -rule.pk),
        )

    def of(self, *kinds: str) -> list[Rule]:
        return [rule for rule in self.rules if rule.kind in kinds]

    def is_target(self, product: Product, rule: Rule) -> bool:
        match rule.target:
            case "product":
                target = self.shop.products[rule.product_id or 0]
                return product.pk == target.pk or (product.group != "" and product.group == target.group)
            case "brand":
                return product.brand.lower() == rule.brand.lower()
            case "attribute":
                return bool(product.attributes["colour"] == rule.value.lower())
        own = self.asking.price
        if product.price is None or own is None:
            return False
        least, most = rule.price_from or 0, rule.price_to or 10**9
        return least * own <= 100 * product.price <= most * own

    def score(self, product: Product) -> float:
        return self.scores[product.pk]

    def weighed(self, product: Product) -> float:
        score = self.score(product)
        for rule in self.of("boost", "bury"):
            if self.is_target(product, rule):
                assert rule.factor is not None
                score = score * rule.factor if score >= 0 else score / rule.factor
        return score

    def ranked(self, products: Sequence[Product], asked: Asked) -> list[Product]:
        """The best of each group, by the likeness that rules make of it."""
        places: dict[object, Product] = {}
        for one in sorted(products, key=self.score, reverse=True):
            if asked.min_score is None or self.score(one) >= asked.min_score:
                places.setdefault(one.group or one.pk, one)
        return sorted(places.values(), key=self.weighed, reverse=True)

    def page(self, asked: Asked) -> list[int]:
        by_stock = asked.in_stock is None
        passing = [
            one
            for one in self.products[1:]
            if one.published
            and not (one.group and one.group == self.asking.group)
            and (by_stock or one.in_stock == asked.in_stock)
            and (asked.max_price is None or (one.price is not None and one.price <= asked.max_price))
            and not any(self.is_target(one, rule) for rule in self.of("hide"))
            and not (by_stock and self.of("stock_only") and not one.in_stock)
        ]
        stock_first = by_stock and bool(self.of("stock_first"))
        pins: dict[int, int] = {}
        for rule in self.of("pin"):
            assert rule.product_id is not None and rule.place is not None
            pins.setdefault(rule.product_id, rule.place)
        pinned = self.ranked(
            [one for one in passing if one.pk in pins and (one.in_stock or not stock_first)],
            Asked(0, None, None, None),
        )
        groups = {one.group for one in pinned} - {""}
        others = [one for one in passing if one not in pinned and one.group not in groups]
        if self.of("same_category") and self.asking.category_id is not None:
            others = [one for one in others if one.category_id == self.asking.category_id]
        first = self.ranked([one for one in others if one.in_stock or not stock_first], asked)
        shown = {one.group for one in first} - {""}
        last = self.ranked(
            [one for one in others if stock_first and not one.in_stock and one.group not in shown], asked
        )
        return [one.pk for one in (*self.placed(first, pinned, pins), *last)][: asked.limit]

    @staticmethod
    def placed(first: Sequence[Product], pinned: Sequence[Product], pins: Mapping[int, int]) -> list[Product]:
        """Of several pins of one place the first has it, the others the next that none asks for."""
        found = {one.pk: one for one in pinned}
        wanted = {pk: place for pk, place in pins.items() if pk in found}
        places: dict[int, int] = {}
        for pk, place in wanted.items():
            if place not in places:
                places[place] = pk
        for pk, place in wanted.items():
            if pk not in places.values():
                while place in places:
                    place += 1
                places[place] = pk
        page = list(first)
        for place in sorted(places):
            page.insert(place - 1, found[places[place]])
        return page


@pytest.mark.django_db
@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(12, 40))
def test_the_api_obeys_rules_in_the_documented_order(seed: int, count: int) -> None:
    """Several times other rules for each shop, whose making takes the most of the time."""
    with transaction.atomic():
        active.forget_active_space()
        shop = random_shop(seed, count)
        rng = np.random.default_rng(seed + 1)
        for _ in range(8):
            Rule.objects.all().delete()
            rules, asked = random_rules(rng, shop), random_asked(rng)
            obeyed(shop, Model(shop, rules), asked)
        transaction.set_rollback(True)


def obeyed(shop: Shop, model: Model, asked: Asked) -> None:
    """The page is the model's, whatever is moved is named, and without rules it is the model's without rules."""
    path = f"{API}products/{next(iter(shop.products))}/similar/"
    answer = Client().get(path, asked.query())
    assert ids(answer) == model.page(asked)
    pinned = {one["product"]["id"] for one in answer.json()["results"] if one.get("rule", {}).get("kind") == "pin"}
    assert pinned <= {rule.product_id for rule in model.of("pin")}
    without = Client().get(path, {**asked.query(), "rules": "off"})
    assert ids(without) == Model(shop, []).page(asked)
    assert not any("rule" in one for one in without.json()["results"])
