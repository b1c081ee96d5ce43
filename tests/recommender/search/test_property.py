"""Never short, never wrong: random catalogues and filters against brute force, on every path."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.filters.chosen import Filters
from catalog.filters.entries.category import Category
from catalog.filters.entries.price import Currency
from recommender.index.registry import vector_index
from recommender.index.search import VectorSearch
from recommender.index.types import SpaceQuery
from tests.catalog.filters.chosen import EUR, filtering
from tests.recommender.search.gallery import Shop, assert_same_answer, make_space, make_tree, random_units, unit

DIMENSIONS = 6
BRANDS = ("Aalto", "Brisk", "Corso")
COLOURS = ("red", "blue", "green")
DOLLAR = Currency("USD", ("USD",))
SLUGS = ("clothing", "dress", "shoe", "evening", "summer", "home")


@st.composite
def filters_drawn(draw: st.DrawFn) -> dict[str, object]:
    """Filters by words that a catalogue of `catalogue` understands; products and categories by number."""
    return {
        "slug": draw(st.none() | st.sampled_from(SLUGS)),
        "brands": tuple(draw(st.lists(st.sampled_from(BRANDS), max_size=2, unique=True))),
        "min_price": draw(st.none() | st.integers(0, 60).map(Decimal)),
        "max_price": draw(st.none() | st.integers(20, 100).map(Decimal)),
        "currency": draw(st.none() | st.sampled_from((EUR, DOLLAR))),
        "in_stock": draw(st.none() | st.booleans()),
        "attributes": draw(
            st.dictionaries(
                st.sampled_from(("colour", "size")),
                st.lists(st.sampled_from((*COLOURS, "m")), min_size=1, max_size=2, unique=True).map(tuple),
                max_size=2,
            )
        ),
        "exclude": draw(st.lists(st.integers(0, 199), max_size=4)),
        "own": draw(st.booleans()),
    }


def catalogue(seed: int, products: int, crowded: bool) -> Shop:
    """Random products: photos and vectors shared within groups, prices and labels missing here and there."""
    rng = np.random.default_rng(seed)
    tree = make_tree()
    shop = Shop(make_space(name=f"s{seed}", dimensions=DIMENSIONS))
    pool = random_units(max(3, products // (6 if crowded else 1)), DIMENSIONS, seed)
    wanted = []
    for _ in range(products):
        photos = int(rng.integers(1, 4))
        picked = pool[rng.integers(0, len(pool), photos)]
        alike = unit(picked + rng.normal(scale=0.3, size=picked.shape) * (rng.random((photos, 1)) < 0.6))
        colours = [str(colour) for colour in rng.choice(COLOURS, 2)]
        attributes: dict[str, object] = (
            {} if rng.random() < 0.2 else {"colour": colours if rng.random() < 0.3 else colours[0]}
        )
        if rng.random() < 0.5:
            attributes["size"] = "m"
        wanted.append(
            (
                alike,
                {
                    "group": f"g{rng.integers(0, products // 4 + 1)}" if rng.random() < 0.5 else "",
                    "category": None if rng.random() < 0.1 else tree[str(rng.choice(SLUGS))],
                    "brand": "" if rng.random() < 0.1 else str(rng.choice(BRANDS)),
                    "price": None if rng.random() < 0.1 else Decimal(int(rng.integers(0, 100))),
                    "currency": str(rng.choice(("EUR", "EUR", "USD", ""))),
                    "in_stock": bool(rng.random() < 0.7),
                    "published": bool(rng.random() < 0.85),
                    "attributes": attributes,
                },
            )
        )
    shop.add_many(wanted)
    return shop


def filters_of(shop: Shop, drawn: dict[str, object], asking: int) -> Filters:
    products = list(shop.products.values())
    excluded = [products[number].pk for number in drawn["exclude"] if number < len(products)]  # type: ignore[attr-defined]
    own = products[asking]
    chosen = Category.read({"category": [str(drawn["slug"])]}) if drawn["slug"] else None
    return filtering(
        categories=chosen.ids if chosen else None,
        brands=drawn["brands"],  # type: ignore[arg-type]
        min_price=drawn["min_price"],  # type: ignore[arg-type]
        max_price=drawn["max_price"],  # type: ignore[arg-type]
        currency=drawn["currency"],  # type: ignore[arg-type]
        in_stock=drawn["in_stock"],  # type: ignore[arg-type]
        attributes=drawn["attributes"],  # type: ignore[arg-type]
        exclude_products=(*excluded, own.pk) if drawn["own"] else tuple(excluded),
        exclude_groups=(own.group,) if drawn["own"] and own.group else (),
    )


@pytest.mark.django_db
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 2**32 - 1),
    products=st.integers(1, 120),
    crowded=st.booleans(),
    k=st.sampled_from((1, 5, 12, 40, 100)),
    questions=st.lists(filters_drawn(), min_size=3, max_size=3),
)
def test_exact_is_brute_force_and_no_page_is_short(
    seed: int, products: int, crowded: bool, k: int, questions: list[dict[str, object]]
) -> None:
    with transaction.atomic():
        shop = catalogue(seed, products, crowded)
        asked: list[SpaceQuery] = []
        for number, drawn in enumerate(questions):
            asking = (seed + number) % products
            filters = filters_of(shop, drawn, asking)
            vector = shop.vectors[shop.photos(list(shop.products.values())[asking])[0]]
            expected = shop.answer(vector, filters, k)
            asked.append(SpaceQuery(vector=vector, filters=filters))
            for bound in (None, 0, 5, 3000):
                engine = VectorSearch(vector_index(), exact_below=bound)
                exact = engine.search(space=shop.space, vector=vector, filters=filters, k=k, exact=True)
                assert_same_answer(exact, expected, shop)
                found = engine.search(space=shop.space, vector=vector, filters=filters, k=k)
                assert len(found) == len(expected)
                assert len({shop.products[hit.product_id].group or hit.product_id for hit in found}) == len(found)
                recalled = {hit.product_id for hit in found} | {
                    hit.product_id for hit in expected if found and hit.distance >= found[-1].distance - 2e-5
                }
                missing = [hit for hit in expected[:10] if hit.product_id not in recalled]
                assert len(missing) <= 0.1 * len(expected[:10])
        for bound in (None, 0, 5, 3000):
            for exact_asked in (True, False):
                pages = VectorSearch(vector_index(), exact_below=bound).search_many(
                    space=shop.space, queries=asked, k=k, exact=exact_asked
                )
                for query, page in zip(asked, pages, strict=True):
                    assert len(page) == len(shop.answer(query.vector, query.filters, k))
        transaction.set_rollback(True)


@pytest.mark.django_db
def test_recall_of_the_ann_path_under_every_selectivity() -> None:
    """5,000 photos in clusters; filters by price (not correlated) and by category (correlated), recall@10 each ≥ .95."""
    rng = np.random.default_rng(3)
    tree = make_tree()
    slugs = list(tree)
    shop = Shop(make_space(dimensions=32))
    centres = rng.normal(size=(60, 32))
    near = rng.integers(0, 60, 5000)
    vectors = unit(centres[near] + 0.5 * rng.normal(size=(5000, 32)))
    shop.add_many(
        [(vectors[i : i + 1], {"price": Decimal(i % 1000), "category": tree[slugs[near[i] % 6]]}) for i in range(5000)]
    )
    engine = VectorSearch(vector_index(), exact_below=0)
    products = list(shop.products)
    for share in (1000, 500, 100, 50, 10):
        for by in ("price", "category"):
            recalls = []
            for number in range(0, 5000, 250):
                filters = filtering(max_price=Decimal(share - 1), exclude_products=(products[number],))
                if by == "category":
                    filters = filters.having(Category((tree[slugs[near[number] % 6]].pk,)))
                expected = shop.answer(vectors[number], filters, 10)
                found = engine.search(space=shop.space, vector=vectors[number], filters=filters, k=10)
                assert len(found) == len(expected)
                recalls.append(
                    np.mean([hit.distance <= expected[-1].distance + 1e-6 for hit in found]) if expected else 1.0
                )
            assert np.mean(recalls) >= 0.95, (share, by)
