"""Whether pgvector's index comes by the photo that asks, and what is answered where it does not.

The graph is as thin as can be and asked for one candidate at a time, so that it misses many.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from django.db import connection

from catalog.filters.chosen import Filters
from catalog.filters.entries.attribute_ranges import AttributeRanges
from catalog.filters.entries.category import Category
from catalog.models import ProductCategory
from recommender.index import stored
from recommender.index.base import Candidates, NearestQuery
from recommender.index.partitions import partition_name
from recommender.index.parts import weighing
from recommender.index.pgvector import engine
from recommender.index.pgvector.ann_index import index_name
from recommender.index.pgvector.engine import PgvectorIndex
from recommender.index.registry import vector_index
from recommender.index.routes import SLACK
from recommender.index.search import VectorSearch, vector_search
from recommender.index.types import SpaceQuery
from recommender.models import Space
from tests.catalog.filters.chosen import filtering
from tests.recommender.index.pgvector.plans import filled, plan, scans
from tests.recommender.search.gallery import Shop, make_space, make_tree, random_units
from tests.recommender.search.parted import expected_answer, parted_shop, random_parted

pytestmark = pytest.mark.django_db

THIN = {"m": 2, "ef_construction": 4, "ef_search": 1}
COUNT, DIMENSIONS, K = 400, 32, 8
DEPTH = K + SLACK  # what a search asks the engine for


def shop_of(vectors: np.ndarray, *, index: str = "hnsw", thin: bool = True) -> Shop:
    parameters = {"lists": 40, "probes": 1} if index == "ivfflat" else THIN if thin else {}
    shop = Shop(make_space(dimensions=vectors.shape[1], index=index, parameters=parameters, index_now=False))
    shop.add_many([(vectors[i : i + 1], {"price": i, "published": i % 7 > 0}) for i in range(len(vectors))])
    vector_index().build(space=shop.space)
    return shop


def asked(shop: Shop, images: Sequence[int], *, filters: Filters | None = None) -> list[Candidates]:
    """By the photos' own vectors, never their own products, which is what the filters say in answers as well."""
    chosen = filters or Filters()
    queries = [
        NearestQuery(
            vector=shop.vectors[image], filters=chosen.excluding(products=[shop.owner[image]]), depth=DEPTH, own=image
        )
        for image in images
    ]
    return vector_index().nearest(space=shop.space, queries=queries, k=K)


def handed_out(shop: Shop, image: int) -> list[int]:
    """The photos that the index finds by a vector, whoever sells them."""
    query = NearestQuery(vector=shop.vectors[image], filters=None, depth=DEPTH + 1)
    return list(vector_index().nearest(space=shop.space, queries=[query], k=K)[0].image_ids)


@pytest.mark.parametrize("index", ["hnsw", "ivfflat"])
def test_it_is_told_whether_the_scan_came_by_the_photo_that_asks(index: str) -> None:
    """ivfflat finds each photo, for it looks in the list where the photo itself would be put; those of hidden products as well."""
    shop = shop_of(random_units(COUNT, DIMENSIONS), index=index)
    images = sorted(shop.owner)
    for image, found in zip(images, asked(shop, images, filters=filtering(min_price=0)), strict=True):
        assert image not in found.image_ids and found.hits is not None
        assert all(shop.products[hit.product_id].published for hit in found.hits)
    found = asked(shop, images)
    raw = [image in handed_out(shop, image) for image in images]
    met = [one.met for one in found]
    assert met == raw if index == "ivfflat" else sum(met) >= sum(raw) > 0
    assert all(met) if index == "ivfflat" else 0 < met.count(False) < len(met)


def test_answers_to_photos_that_were_missed_are_those_of_comparing_all() -> None:
    shop = shop_of(random_units(COUNT, DIMENSIONS))
    images = sorted(shop.owner)
    found = asked(shop, images, filters=filtering(min_price=0))
    missed = [image for image, one in zip(images, found, strict=True) if not one.met]
    assert len(missed) > 20
    queries = [
        SpaceQuery(
            vector=shop.vectors[image],
            filters=filtering(min_price=0).excluding(products=[shop.owner[image]]),
            own=image,
        )
        for image in missed
    ]
    by_vector = [SpaceQuery(vector=one.vector, filters=one.filters) for one in queries]
    for completes in (True, False):
        search = VectorSearch(vector_index(), exact_below=0, completes=completes)
        exact = search.search_many(space=shop.space, queries=queries, k=K, exact=True)
        assert search.search_many(space=shop.space, queries=queries, k=K) == exact
        alone = search.search_many(space=shop.space, queries=by_vector, k=K)
        assert sum(one != other for one, other in zip(alone, exact, strict=True)) > 10


def test_beyond_what_is_compared_in_the_engine_the_search_compares(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thorough query asks the graph for as many candidates as pgvector takes; what is missed even so is compared exactly."""
    monkeypatch.setattr(engine, "MOST_SCANNED", 0)
    shop = shop_of(random_units(COUNT, DIMENSIONS))
    told: list[tuple[bool, bool]] = []

    class Recording(PgvectorIndex):
        def nearest(self, *, space: Space, queries: Sequence[NearestQuery], k: int) -> list[Candidates]:
            found = super().nearest(space=space, queries=queries, k=k)
            told.extend((query.thorough, one.met) for query, one in zip(queries, found, strict=True))
            return found

    search = VectorSearch(Recording(), exact_below=0, completes=False)
    queries = [
        SpaceQuery(vector=vector, filters=Filters().excluding(products=[shop.owner[image]]), own=image)
        for image, vector in shop.vectors.items()
    ]
    pages = search.search_many(space=shop.space, queries=queries, k=K)
    again = [met for thorough, met in told if thorough]
    assert len(again) == told.count((False, False)) > again.count(False) > 0
    exact = search.search_many(space=shop.space, queries=queries, k=K, exact=True)
    assert sum(page == other for page, other in zip(pages, exact, strict=True)) >= again.count(False)


def test_a_photo_among_many_equal_ones_is_met_by_any_of_them() -> None:
    """The scan hands out thirteen of thirty equal photos, and whichever it is, it looked in the right place."""
    vectors = random_units(120, DIMENSIONS)
    vectors[:30] = vectors[0]
    shop = shop_of(vectors, thin=False)
    equal = sorted(shop.owner)[:30]
    assert all(one.met for one in asked(shop, equal))
    assert any(image not in handed_out(shop, image) for image in equal)


def test_a_photo_that_has_no_vector_cannot_be_missed() -> None:
    shop = shop_of(random_units(60, DIMENSIONS), thin=False)
    image = min(shop.owner)
    stored.delete(space=shop.space, image_ids=[image])
    assert asked(shop, [image])[0].met


def test_sign_bits_meet_the_photo_too() -> None:
    shop = shop_of(random_units(200, DIMENSIONS), index="binary", thin=False)
    images = sorted(shop.owner)
    found = asked(shop, images)
    assert all(one.met and image not in one.image_ids for image, one in zip(images, found, strict=True))


@pytest.mark.parametrize("weight", [0.0, 0.25, 0.5, 1.0])
def test_at_every_weight_of_colour_the_own_photo_is_the_nearest(weight: float) -> None:
    """So a good index meets it, and answers are those of brute force."""
    shop = parted_shop(*[(one, {}) for one in random_parted(200, seed=3)])
    how = weighing(shop.space, weight)
    images = sorted(shop.owner)[:40]
    queries = [
        NearestQuery(
            vector=how.query(shop.vectors[image]),
            filters=Filters().excluding(products=[shop.owner[image]]),
            depth=DEPTH,
            parts=how.parts(shop.vectors[image]),
            own=image,
        )
        for image in images
    ]
    found = vector_index().nearest(space=shop.space, queries=queries, k=K)
    assert all(one.met for one in found)
    for query, one in zip(queries, found, strict=True):
        assert query.own is not None and query.filters is not None and one.hits is not None
        expected = expected_answer(shop, [shop.vectors[query.own]], query.filters, weight)[:K]
        assert len({hit.image_id for hit in one.hits} & {other.image_id for other in expected}) >= K - 1


def test_the_scan_and_the_join_are_planned_as_without_the_photo() -> None:
    """A condition that reads another table stays a look-up for each photo, too."""
    shop = filled()
    tree = make_tree()
    products = list(shop.products)
    ProductCategory.objects.bulk_create(
        ProductCategory(product_id=product, category=tree["dress"]) for product in products[::2]
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE catalog_productcategory, catalog_attributenumber")
    further = Filters((Category((tree["dress"].pk,), further=True),))
    numbers = Filters((AttributeRanges((("n", 100.0, 900.0),)),))
    for filters in (Filters(), filtering(min_price=10, brands=("Aalto",)), further, numbers):
        found = plan(shop.space, "ann", filters.excluding(products=products[:1]), own=min(shop.owner))
        scan, *looked_up = scans(found, partition_name(shop.space))
        assert (scan["Node Type"], scan["Index Name"]) == ("Index Scan", index_name(shop.space))
        assert all(one["Node Type"] == "Index Scan" and one["Actual Loops"] <= 1 for one in looked_up)
        (product,) = scans(found, "catalog_product")
        assert (product["Node Type"], product["Index Name"]) == ("Index Scan", "catalog_product_pkey")
        assert 20 <= product["Actual Loops"] < 200
        for one in [*scans(found, "catalog_productcategory"), *scans(found, "catalog_attributenumber")]:
            assert "Index" in one["Node Type"] and one["Actual Rows"] <= 1 and one["Actual Loops"] > 1
        assert all(
            node["Plans"][0]["Node Type"] in ("CTE Scan", "Subquery Scan", "Nested Loop")
            for node in found
            if node["Node Type"] == "Sort"
        )


def test_a_product_is_answered_by_comparing_where_the_index_leads_elsewhere() -> None:
    shop = shop_of(random_units(COUNT, DIMENSIONS))
    images = [image for image, product in shop.owner.items() if shop.products[product].published]
    missed = next(image for image, one in zip(images, asked(shop, images), strict=True) if not one.met)
    query = SpaceQuery(
        vector=shop.vectors[missed], filters=Filters().excluding(products=[shop.owner[missed]]), own=missed
    )
    (page,) = vector_search().search_many(space=shop.space, queries=[query], k=K)
    assert [hit.image_id for hit in page] == [hit.image_id for hit in shop.answer(query.vector, query.filters, K)]
