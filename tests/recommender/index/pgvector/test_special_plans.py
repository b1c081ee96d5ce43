"""Plans and routes of other indexes and of catalogues of another kind: each test fills a shop of its own."""

from __future__ import annotations

import numpy as np
import pytest
from django.db import connection

from catalog.models import Product
from recommender.index import routes, sql
from recommender.index.base import Effort
from recommender.index.partitions import partition_name
from recommender.index.pgvector.ann_index import index_name
from recommender.index.registry import vector_index
from recommender.index.search import VectorSearch, vector_search
from recommender.index.session import ask
from tests.catalog.filters.chosen import filtering
from tests.recommender.index.pgvector.plans import filled, nodes, plan, routes_of, scans, without_dead_rows
from tests.recommender.search.gallery import Shop, assert_same_answer, make_space, make_tree

pytestmark = pytest.mark.django_db


def test_binary_spaces_are_ordered_by_hamming_distance_in_their_index() -> None:
    shop = filled("binary")
    found = plan(shop.space, "ann", filtering(min_price=5))
    (scan,) = scans(found, partition_name(shop.space))
    assert (scan["Node Type"], scan["Index Name"]) == ("Index Scan", index_name(shop.space))
    assert "<~>" in scan["Order By"]


def test_ivfflat_spaces_are_scanned_by_their_index() -> None:
    shop = filled("ivfflat")
    (scan,) = scans(plan(shop.space, "ann", filtering(min_price=5)), partition_name(shop.space))
    assert (scan["Node Type"], scan["Index Name"]) == ("Index Scan", index_name(shop.space))


def test_a_category_filter_is_planned_the_same() -> None:
    shop = filled(count=200)
    tree = make_tree()
    found = plan(shop.space, "ann", filtering(categories=(tree["dress"].pk,)))
    assert scans(found, partition_name(shop.space))[0]["Index Name"] == index_name(shop.space)


def test_a_large_catalogue_is_looked_at_in_part_and_an_empty_one_is_no_error() -> None:
    without_dead_rows()
    shop = Shop(make_space(dimensions=64, index_now=False))
    assert routes.estimates(shop.space, [filtering(min_price=1)])[1] == [0.0]
    Product.objects.bulk_create(
        Product(sku=f"p{number}", title="x", description="y" * 1500, price=number % 10) for number in range(2000)
    )
    text, values = sql.share_estimated(filtering(min_price=5))
    plan = ask((sql.EXACT_SETTINGS, {}), [("EXPLAIN (ANALYZE, FORMAT JSON) " + text, values)])[0][0][0][0]["Plan"]
    (sample,) = scans(list(nodes(plan)), "catalog_product")
    assert 50 <= sample["Actual Rows"] < 1000
    ((share,),) = ask((sql.EXACT_SETTINGS, {}), [(text, values)])[0]
    assert 0.3 < share < 0.7


def test_sign_bits_are_oversampled_behind_a_filter_too() -> None:
    shop = filled("binary")
    (route,) = routes_of(shop, filtering(attributes={"colour": ("red",)}))
    assert vector_index().effort(space=shop.space) == Effort(oversampling=20, most=1000)
    assert route.depth == 12
    assert route.bound == 1903  # 7.75 · √240 · 1000^.4
    for filters in (filtering(attributes={"colour": ("red",)}), filtering(min_price=300)):
        vector = shop.vectors[next(iter(shop.vectors))]
        found = VectorSearch(vector_index(), exact_below=0).search(
            space=shop.space, vector=vector, filters=filters, k=10
        )
        expected = shop.answer(vector, filters, 10)
        assert len({hit.product_id for hit in found} & {hit.product_id for hit in expected}) >= 9


def test_products_that_stand_elsewhere_are_found_though_the_index_gives_up() -> None:
    """Half of the shop passes, all of it farther away than the other half, and few nodes may be visited."""
    without_dead_rows()
    shop = Shop(make_space(dimensions=64, parameters={"max_scan_tuples": 192}))
    rng = np.random.default_rng(8)
    near, far = np.eye(64)[0], np.eye(64)[1]
    for place, brand in ((near, "Aalto"), (far, "Brisk")):
        vectors = place + 0.05 * rng.normal(size=(400, 64))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        shop.add_many([(vectors[i : i + 1].astype(np.float32), {"brand": brand}) for i in range(400)])
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {partition_name(shop.space)}")
    query, filters = near.astype(np.float32), filtering(brands=("Brisk",))
    (route,) = routes_of(shop, filters)
    assert not route.few
    alone = VectorSearch(vector_index(), completes=False).search(space=shop.space, vector=query, filters=filters, k=12)
    assert len(alone) < 12
    found = vector_search().search(space=shop.space, vector=query, filters=filters, k=12)
    assert_same_answer(found, shop.answer(query, filters, 12), shop)
