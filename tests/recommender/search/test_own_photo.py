"""Products are answered well though the index is bad: it notices that it did not come by the photo that asks."""

from __future__ import annotations

import pytest

from recommender.index.base import NearestQuery
from recommender.index.registry import vector_index
from recommender.models import Space
from recommender.search.filters import SearchOptions, excluding
from recommender.search.query_products import query_product
from recommender.search.similarity import similar_to_each, similar_to_features, similar_to_product
from tests.recommender.search.gallery import Shop, make_space, random_units

pytestmark = pytest.mark.django_db

OPTIONS, EXACTLY = SearchOptions(limit=8), SearchOptions(limit=8, exact=True)


@pytest.fixture
def thin() -> Shop:
    """300 products of two photos each, in a graph as thin as can be, which is asked for one candidate at a time."""
    parameters = {"m": 2, "ef_construction": 4, "ef_search": 1}
    shop = Shop(make_space(dimensions=32, parameters=parameters, index_now=False))
    vectors = random_units(600, 32)
    shop.add_many([(vectors[2 * i : 2 * i + 2], {}) for i in range(300)])
    vector_index().build(space=shop.space)
    return shop


def missed(shop: Shop, place: int) -> set[int]:
    """The products whose photo at that place the index does not come by."""
    queries = [
        NearestQuery(
            vector=shop.vectors[image],
            filters=excluding(OPTIONS, products=[product], groups=[""]).filters,
            depth=40,  # more than a search asks for, so that what is missed here is missed there as well
            own=image,
        )
        for product in shop.products
        for image in [shop.photos(shop.products[product])[place]]
    ]
    found = vector_index().nearest(space=shop.space, queries=queries, k=8)
    return {product for product, one in zip(shop.products, found, strict=True) if not one.met}


def test_a_product_gets_what_comparing_all_gives(thin: Shop) -> None:
    products = sorted(missed(thin, 0))[:20]
    assert len(products) == 20
    every = similar_to_each(product_ids=products, options=OPTIONS)
    alone = 0
    for product in products:
        exact = similar_to_product(product_id=product, options=EXACTLY).found
        assert similar_to_product(product_id=product, options=OPTIONS).found == exact
        assert every[product].found == exact
        image = query_product(space=thin.space, product_id=product).photos[0].image_id
        by_features = similar_to_features(
            encoder_id=thin.space.encoder_id, features=thin.vectors[image], options=OPTIONS, query={}
        )
        alone += [one.image_id for one in by_features.found[1:]] == [one.image_id for one in exact[:7]]
    assert alone < 20  # the same vectors without the help


def test_each_photo_of_a_product_is_asked_by_as_itself(thin: Shop) -> None:
    both = sorted(missed(thin, 0) & missed(thin, 1))[:8]
    assert len(both) == 8
    for product in both:
        exact = similar_to_product(product_id=product, options=EXACTLY, image="all").found
        assert similar_to_product(product_id=product, options=OPTIONS, image="all").found == exact
        second = thin.photos(thin.products[product])[1]
        exact = similar_to_product(product_id=product, options=EXACTLY, image=second).found
        assert similar_to_product(product_id=product, options=OPTIONS, image=second).found == exact


def test_in_an_augmented_space_no_photo_asks_by_what_is_stored_of_it(shop: Shop) -> None:
    product = shop.add(random_units(1))
    assert [one.own for one in query_product(space=shop.space, product_id=product.pk).photos] == shop.photos(product)
    Space.objects.update(augment=3)
    shop.space.refresh_from_db()
    assert [one.own for one in query_product(space=shop.space, product_id=product.pk).photos] == [None]
