"""Random galleries and options: every search answers what brute force does, step for step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

import numpy as np
import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.filters.chosen import Filters
from catalog.filters.entries.category import Category
from recommender.index.types import Hit
from recommender.models import Space
from recommender.search.answers import Answer
from recommender.search.filters import SearchOptions, excluding
from recommender.search.ranking.steps import STEPS
from recommender.search.similarity import recommend, similar_to_each, similar_to_features, similar_to_product
from recommender.spaces import active
from tests.catalog.filters.chosen import filtering
from tests.recommender.search.calibrations import linear_calibration
from tests.recommender.search.gallery import Shop, make_space, make_tree, random_units, unit
from tests.recommender.search.ranking.throwaway import OddProducts

DIMENSIONS = 4
SLUGS = ("dress", "shoe", "evening", "home")
ALL = 10_000


def gallery(seed: int, products: int) -> Shop:
    """No two photos are alike to the digit, so that brute force in float64 and pgvector in float32 agree on the order."""
    rng = np.random.default_rng(seed)
    tree = make_tree()
    photos = rng.integers(1, 4, products)
    vectors = np.split(random_units(int(photos.sum()), DIMENSIONS, seed), np.cumsum(photos)[:-1])
    shop = Shop(make_space(name=f"r{seed}", dimensions=DIMENSIONS))
    Space.objects.filter(pk=shop.space.pk).update(calibration=linear_calibration().as_json())
    shop.add_many(
        [
            (
                vectors[number],
                {
                    "group": f"g{rng.integers(0, products // 4 + 1)}" if rng.random() < 0.4 else "",
                    "category": None if rng.random() < 0.2 else tree[str(rng.choice(SLUGS))],
                    "price": Decimal(int(rng.integers(0, 100))),
                    "in_stock": bool(rng.random() < 0.7),
                    "published": number < 2 or bool(rng.random() < 0.9),
                },
            )
            for number in range(products)
        ]
    )
    return shop


def confidence(score: float) -> float:
    """By `linear_calibration`: 0 up to a score of -0.5, 100 from 0.9 on."""
    return round(100 * min(1.0, max(0.0, (score + 0.5) / 1.4)), 1)


def brute_force(
    shop: Shop,
    vectors: Sequence[np.ndarray],
    options: SearchOptions,
    categories: Sequence[int | None] | None,
    passes: Callable[[int], bool],
) -> tuple[list[int], str | None]:
    """Image ids in order, and `fallback`: every photo compared, in plain Python."""
    best = [hit for hit in nearest(shop, vectors, options.filters) if passes(hit.product_id)]
    alike = [
        hit
        for hit in best
        if (options.min_score is None or 1 - hit.distance >= options.min_score)
        and (options.min_confidence is None or confidence(1 - hit.distance) >= options.min_confidence)
    ]
    wider = max(options.limit, min(400, 8 * options.limit))
    page = diverse(shop, alike[:wider], options) if options.diversity else alike[: options.limit]
    bounded = options.min_score is not None or options.min_confidence is not None
    missing = options.min_results - len(page) if bounded else 0
    if missing <= 0:
        return [hit.image_id for hit in page], None
    if categories is None:
        nearest_of_all = nearest(shop, vectors, options.filters)[:1]
        categories = [shop.products[hit.product_id].category_id for hit in nearest_of_all]
    taken = {hit.product_id for hit in page} | {shop.products[hit.product_id].group for hit in page} - {""}
    fill = [
        hit
        for hit in same_category(shop, vectors, options.filters, {one for one in categories if one is not None}, taken)
        if passes(hit.product_id)
    ][:missing]
    return [hit.image_id for hit in (*page, *fill)], "category" if fill else None


def nearest(shop: Shop, vectors: Sequence[np.ndarray], filters: Filters) -> list[Hit]:
    """The best photo of every product and group for any of the vectors."""
    hits = sorted(
        (hit for vector in vectors for hit in shop.answer(vector, filters, ALL)),
        key=lambda hit: (hit.distance, hit.image_id),
    )
    places: dict[object, Hit] = {}
    for hit in hits:
        places.setdefault(shop.products[hit.product_id].group or hit.product_id, hit)
    return list(places.values())


def same_category(
    shop: Shop, vectors: Sequence[np.ndarray], filters: Filters, categories: set[int], taken: set[int | str]
) -> list[Hit]:
    """Groups are formed of what is in the category: their best photo there counts."""
    if (chosen := filters.get(Category)) is not None:
        categories &= set(chosen.ids)
    narrowed = filters.having(Category(tuple(sorted(categories)))).excluding(
        products=[one for one in taken if isinstance(one, int)],
        groups=[one for one in taken if isinstance(one, str)],
    )
    return nearest(shop, vectors, narrowed)


def diverse(shop: Shop, hits: Sequence[Hit], options: SearchOptions) -> list[Hit]:
    """The definition: each turn the candidate that is most alike to the query and least to any chosen one."""
    rows = {hit.image_id: shop.vectors[hit.image_id].astype(np.float64) for hit in hits}
    unit_rows = {image: vector / np.linalg.norm(vector) for image, vector in rows.items()}
    left, chosen = list(hits), list[Hit]()
    while left and len(chosen) < options.limit:

        def worth(hit: Hit) -> float:
            if not chosen:
                return 1 - hit.distance
            closest = max(float(unit_rows[hit.image_id] @ unit_rows[one.image_id]) for one in chosen)
            return (1 - options.diversity) * (1 - hit.distance) - options.diversity * closest

        chosen.append(max(left, key=worth))
        left.remove(chosen[-1])
    return chosen


@st.composite
def options_drawn(draw: st.DrawFn) -> SearchOptions:
    limit = draw(st.sampled_from((1, 3, 12, 40)))
    return SearchOptions(
        limit=limit,
        min_score=draw(st.none() | st.sampled_from((-0.5, 0.3, 0.7, 0.95))),
        min_confidence=draw(st.none() | st.sampled_from((0.0, 20.0, 61.7, 90.0, 100.0))),
        min_results=draw(st.integers(0, limit)),
        diversity=draw(st.sampled_from((0.0, 0.0, 0.3, 0.8))),
        filters=filtering(
            in_stock=draw(st.none() | st.booleans()),
            max_price=draw(st.none() | st.integers(20, 100).map(Decimal)),
        ),
        exact=True,
    )


@pytest.mark.django_db
@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 2**32 - 1),
    products=st.integers(2, 70),
    options=options_drawn(),
    dropping=st.booleans(),
)
def test_every_search_is_brute_force(seed: int, products: int, options: SearchOptions, dropping: bool) -> None:
    with transaction.atomic():
        active.forget_active_space()
        shop = gallery(seed, products)
        dropping = dropping and not options.diversity  # which chooses among what is left of so many candidates
        steps = [*STEPS, OddProducts()] if dropping else STEPS
        first, second = list(shop.products.values())[:2]

        def expected(vectors: Sequence[np.ndarray], about: SearchOptions, categories: Sequence[int | None] | None):  # type: ignore[no-untyped-def]
            return brute_force(shop, vectors, about, categories, lambda product: not dropping or product % 2 == 1)

        def vectors_of(product) -> list[np.ndarray]:  # type: ignore[no-untyped-def]
            return [shop.vectors[image] for image in shop.photos(product)]

        def same(answer: Answer, wanted: tuple[list[int], str | None]) -> None:
            assert ([one.image_id for one in answer.found], answer.fallback) == wanted
            assert all(shop.owner[one.image_id] == one.product_id for one in answer.found)
            assert [one.confidence for one in answer.found] == [confidence(one.score) for one in answer.found]

        own = excluding(options, products=[first.pk], groups=[first.group])
        wanted = expected(vectors_of(first)[:1], own, [first.category_id])
        same(similar_to_product(product_id=first.pk, options=options, steps=steps), wanted)
        wanted_by_all = expected(vectors_of(first), own, [first.category_id])
        same(similar_to_product(product_id=first.pk, options=options, image="all", steps=steps), wanted_by_all)
        other = excluding(options, products=[second.pk], groups=[second.group])
        batch = similar_to_each(product_ids=[second.pk, first.pk], options=options, steps=steps)
        same(batch[first.pk], wanted)
        same(batch[second.pk], expected(vectors_of(second)[:1], other, [second.category_id]))
        photo = random_units(1, DIMENSIONS, seed + 1)[0]
        found = similar_to_features(
            encoder_id=shop.space.encoder_id, features=photo, options=options, query={}, steps=steps
        )
        same(found, expected([photo], options, None))
        both = excluding(options, products=[first.pk, second.pk], groups=[first.group, second.group])
        middle = unit((vectors_of(first)[0] + vectors_of(second)[0]) / 2)
        liked = recommend(positive=[first.pk, second.pk], negative=[], options=options, steps=steps)
        same(liked, expected([middle], both, [first.category_id, second.category_id]))
        transaction.set_rollback(True)
