"""Which plan Postgres makes of each path: the path is chosen by us, so the planner must not choose another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from django.db import connection
from pytest_django import Settings

from catalog.filters.chosen import Filters
from catalog.filters.entries.category import Category
from catalog.models import Product
from recommender.index import routes, sql, stored
from recommender.index.base import Candidates, Effort, NearestQuery
from recommender.index.partitions import partition_name
from recommender.index.pgvector import statements
from recommender.index.pgvector.ann_index import index_name
from recommender.index.pgvector.engine import PgvectorIndex, visits
from recommender.index.pgvector.options import Parameters
from recommender.index.registry import vector_index
from recommender.index.search import VectorSearch, vector_search
from recommender.index.session import ask
from recommender.index.types import SpaceQuery
from recommender.models import Space
from tests.catalog.filters.chosen import filtering
from tests.recommender.search.gallery import Shop, assert_same_answer, make_space, make_tree, random_units

pytestmark = pytest.mark.django_db

FILTERS = {
    "none": filtering(exclude_products=(1,), exclude_groups=("g",)),
    "price": filtering(min_price=10, max_price=700),
    "attribute": filtering(attributes={"colour": ("red",)}),
    "brand and stock": filtering(brands=("Aalto", "Brisk"), in_stock=True),
}


def filled(index: str = "hnsw", count: int = 1000) -> Shop:
    _without_dead_rows()
    shop = Shop(make_space(dimensions=64, index=index, index_now=False))
    vectors = random_units(count, 64)
    colours = ("red", "blue")
    shop.add_many(
        [
            (
                vectors[i : i + 1],
                {"price": i, "brand": "Aalto" if i % 3 else "Brisk", "attributes": {"colour": colours[i % 2], "n": i}},
            )
            for i in range(count)
        ]
    )
    vector_index().build(space=shop.space)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE catalog_product")
        cursor.execute(f"ANALYZE {partition_name(shop.space)}")
    return shop


def _without_dead_rows() -> None:
    """What other tests rolled back still fills pages; a sample of pages would meet it."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE catalog_product CASCADE")


def plan(space: Space, path: str, filters: Filters, *, bound: int = 3000) -> list[dict[str, Any]]:
    """Every node of the plan that the path runs with: `ann`, or a path of `sql.comparing`."""
    vector = np.ones(space.dimensions, np.float32)
    if path == "ann":
        query = NearestQuery(vector=vector, filters=filters, depth=20)
        settings, (text, values) = (
            statements.settings_of(Parameters()),
            statements.nearest(space, query, k=12, depth=20),
        )
    else:
        images = list(stored.ids_of(space=space, after=0, most=5).tolist())
        asked = SpaceQuery(vector=vector, filters=filters)
        settings = (sql.EXACT_SETTINGS, {})
        text, values = sql.comparing(space, path, asked, k=12, depth=20, bound=bound, images=images)
    rows = ask(settings, [("EXPLAIN (ANALYZE, FORMAT JSON) " + text, values)])[0]
    return list(nodes(rows[0][0][0]["Plan"]))


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from nodes(child)


def scans(found: list[dict[str, Any]], relation: str) -> list[dict[str, Any]]:
    return [node for node in found if node.get("Relation Name") == relation]


@pytest.mark.parametrize("name", FILTERS)
def test_many_rows_are_scanned_by_the_ann_index_nearest_first(name: str) -> None:
    shop = filled()
    found = plan(shop.space, "ann", FILTERS[name])
    (scan,) = scans(found, partition_name(shop.space))
    assert (scan["Node Type"], scan["Index Name"]) == ("Index Scan", index_name(shop.space))
    assert "<=>" in scan["Order By"]
    (product,) = scans(found, "catalog_product")
    assert (product["Node Type"], product["Index Name"]) == ("Index Scan", "catalog_product_pkey")
    # Nothing sorts the photos before the limit: the only sorts are those of the few candidates.
    assert all(
        node["Plans"][0]["Node Type"] in ("CTE Scan", "Subquery Scan") for node in found if node["Node Type"] == "Sort"
    )
    assert "recommender_imagevector" not in {node.get("Relation Name") for node in found}


def test_few_rows_are_compared_one_by_one_without_the_ann_index() -> None:
    shop = filled()
    found = plan(shop.space, "few", filtering(min_price=0, max_price=40))
    (scan,) = scans(found, partition_name(shop.space))
    assert index_name(shop.space) not in {node.get("Index Name") for node in found}
    assert scan["Actual Rows"] == 41
    assert scan["Node Type"] in ("Index Scan", "Bitmap Heap Scan")
    assert "product_id = ANY" in str(scan.get("Index Cond", "")) + str(scan.get("Recheck Cond", ""))


def test_counting_stops_at_the_bound_and_then_no_vector_is_read() -> None:
    shop = filled()
    found = plan(shop.space, "few", filtering(min_price=0), bound=100)
    assert [node["Actual Rows"] for node in scans(found, "catalog_product")] == [101]
    (scan,) = scans(found, partition_name(shop.space))
    assert scan["Actual Loops"] == 0


@pytest.mark.parametrize(
    ("filters", "index"),
    [
        (filtering(min_price=100, max_price=140), "product_by_currency_price"),
        (filtering(brands=("Rare",)), "product_by_brand"),
        (filtering(categories=(1, 2)), "product_by_category"),
    ],
)
def test_counting_and_few_rows_read_the_index_only(filters: Filters, index: str) -> None:
    shop = filled()
    if filters.get(Category):
        tree = make_tree()
        filters = filtering(categories=(tree["dress"].pk, tree["shoe"].pk))
        some = [product.pk for product in list(shop.products.values())[::4]]
        Product.objects.filter(pk__in=some).update(category=tree["dress"])
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE catalog_product")
    (scan,) = scans(plan(shop.space, "few", filters), "catalog_product")
    assert (scan["Node Type"], scan["Index Name"]) == ("Index Only Scan", index)


def test_rare_attributes_are_found_by_the_gin_index() -> None:
    shop = filled()
    found = plan(shop.space, "few", filtering(attributes={"n": ("17",)}))
    assert "product_attributes_gin" in {node.get("Index Name") for node in found}
    (scan,) = scans(found, partition_name(shop.space))
    assert scan["Actual Rows"] == 1


def test_exact_over_many_rows_reads_every_photo_and_no_ann_index() -> None:
    shop = filled()
    found = plan(shop.space, "all", Filters())
    (scan,) = scans(found, partition_name(shop.space))
    assert (scan["Node Type"], scan["Actual Rows"]) == ("Seq Scan", 1000)
    assert index_name(shop.space) not in {node.get("Index Name") for node in found}


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


def routes_of(shop: Shop, *filters: Filters, exact_below: int | None = None, k: int = 12) -> list[routes.Route]:
    effort = vector_index().effort(space=shop.space)
    return routes.routes(shop.space, filters, places=k, effort=effort, exact_below=exact_below)


def test_a_sample_says_which_share_passes_whatever_the_statistics_say() -> None:
    shop = filled()
    red = filtering(attributes={"colour": ("red",)})
    filters = [
        filtering(min_price=900),
        red,
        filtering(attributes={"colour": ("red",)}, brands=("Brisk",)),
        filtering(attributes={"n": ("17",)}),
        filtering(brands=("Nobody",)),
        filtering(attributes={"colour": ("red",)}, exclude_products=(1, 2)),
    ]
    photos, shares = routes.estimates(shop.space, filters)
    assert photos == 1000 and shares == [0.1, 0.5, 0.167, 0.001, 0.0, 0.5]
    text, values = sql.share_estimated(red)
    (sample,) = scans(
        list(nodes(ask((sql.EXACT_SETTINGS, {}), [("EXPLAIN (FORMAT JSON) " + text, values)])[0][0][0][0]["Plan"])),
        "catalog_product",
    )
    assert sample["Node Type"] == "Sample Scan"


def test_a_large_catalogue_is_looked_at_in_part_and_an_empty_one_is_no_error() -> None:
    _without_dead_rows()
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


def test_what_passes_seldom_is_compared_one_by_one_and_the_rest_is_asked_of_the_index() -> None:
    """Of a thousand photos, 7.75 · √12 · 1000^.4 = 425 are as dear to compare as the index is to ask."""
    shop = filled()
    rare, common, none = routes_of(
        shop, filtering(min_price=575), filtering(min_price=574), filtering(exclude_products=(1,))
    )
    assert (rare.few, rare.bound) == (True, 425) and (common.few, common.bound) == (False, 425)
    assert (rare.depth, rare.compared, none.depth) == (12, 16, 16)
    assert (rare.share, common.share, none.share) == (0.425, 0.426, None) and not none.few
    wide = routes_of(shop, filtering(min_price=550), k=20)[0]
    assert (wide.few, wide.bound) == (True, 549)  # more is asked for, so more is compared


def test_a_bound_that_is_given_is_counted_by_the_statement() -> None:
    shop = filled()
    (never,) = routes_of(shop, filtering(min_price=999), exact_below=0)
    (tried,) = routes_of(shop, filtering(in_stock=True), exact_below=3)
    assert not never.few and (tried.few, tried.bound) == (True, 3)


def test_a_setting_bounds_what_is_compared(settings: Settings) -> None:
    """A thousand products pass: fewer than that are too many, and the engine is asked."""
    shop = filled()
    asked = []

    class Recording(PgvectorIndex):
        def nearest(self, *, space: Space, queries: Sequence[NearestQuery], k: int) -> list[Candidates]:
            asked.append(settings.EXACT_BELOW_ROWS)
            return super().nearest(space=space, queries=queries, k=k)

    search = VectorSearch(Recording())
    for settings.EXACT_BELOW_ROWS in (40, 999, 1000):
        found = search.search(space=shop.space, vector=random_units(1, 64)[0], filters=filtering(min_price=0), k=12)
        assert len(found) == 12
    assert asked == [40, 999]


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


def test_a_scan_gives_up_later_where_few_pass_and_never_before_the_setting_where_that_is_unknown() -> None:
    """Four times the eight nodes that each candidate visits, at least 20,000, at most max_scan_tuples (100,000)."""

    def given(*shares: float | None, depth: int = 12) -> int:
        queries = [
            NearestQuery(vector=np.ones(64, np.float32), filters=Filters(), depth=depth, share=one) for one in shares
        ]
        return visits(Parameters(), queries, [depth] * len(queries))

    assert (given(0.5), given(0.01), given(0.005), given(0.001)) == (20_000, 38_400, 76_800, 100_000)
    assert given(0.5, 0.01) == 38_400
    assert given(0.05, depth=240) == 100_000  # 4 · 8 · 240 / .05 is more
    assert given(None) == given(0.0) == given(0.5, None) == 100_000


def test_what_an_engine_proposes_is_looked_up_by_its_ids() -> None:
    shop = filled()
    found = plan(shop.space, "proposed", filtering(max_price=700))
    (scan,) = scans(found, partition_name(shop.space))
    assert (scan["Node Type"], scan["Index Name"]) == ("Index Scan", f"{partition_name(shop.space)}_pkey")
    assert scan["Actual Loops"] == 5
    (product,) = scans(found, "catalog_product")
    assert (product["Node Type"], product["Index Name"]) == ("Index Scan", "catalog_product_pkey")


@pytest.mark.parametrize(
    ("share", "filters"),
    [
        (0.0, filtering(min_price=100)),
        (0.9, filtering(min_price=994)),
        (0.9, filtering(brands=("nobody's",))),
    ],
)
def test_a_wrong_sample_costs_time_and_no_product(
    monkeypatch: pytest.MonkeyPatch, share: float, filters: Filters
) -> None:
    shop = filled()
    vector = shop.vectors[next(iter(shop.vectors))]
    monkeypatch.setattr(routes, "estimates", lambda space, filters: (1000, [share] * len(filters)))
    found = vector_search().search(space=shop.space, vector=vector, filters=filters, k=12)
    expected = shop.answer(vector, filters, 12)
    assert len(found) == len(expected)
    if len(expected) < 12:
        assert_same_answer(found, expected, shop)


def test_products_that_stand_elsewhere_are_found_though_the_index_gives_up() -> None:
    """Half of the shop passes, all of it farther away than the other half, and few nodes may be visited."""
    _without_dead_rows()
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
