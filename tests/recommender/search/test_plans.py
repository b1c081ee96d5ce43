"""Which plan Postgres makes of each path: the path is chosen by us, so the planner must not choose another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from django.db import connection

from catalog.models import Product
from recommender.index import sql
from recommender.index.kinds import Parameters
from recommender.index.partitions import build_index, index_name, partition_name
from recommender.index.pgvector import SpaceQuery, question
from recommender.index.session import ask
from recommender.index.types import Filters
from recommender.models import Space
from tests.recommender.search.gallery import Shop, make_space, make_tree, random_units

pytestmark = pytest.mark.django_db

FILTERS = {
    "none": Filters(exclude_products=(1,), exclude_groups=("g",)),
    "price": Filters(min_price=10, max_price=700),
    "attribute": Filters(attributes={"colour": ("red",)}),
    "brand and stock": Filters(brands=("Aalto", "Brisk"), in_stock=True),
}


def filled(index: str = "hnsw", count: int = 1000) -> Shop:
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
    build_index(shop.space, concurrently=False)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE catalog_product")
        cursor.execute(f"ANALYZE {partition_name(shop.space)}")
    return shop


def plan(space: Space, path: str, filters: Filters, k: int = 12, bound: int = 3000) -> list[dict[str, Any]]:
    """Every node of the plan that the path runs with."""
    vector = np.ones(space.dimensions, np.float32)
    text, values = question(space, path, SpaceQuery(vector=vector, filters=filters), k=k, depth=20, bound=bound)
    settings = (
        (sql.SETTINGS, sql.settings_values(Parameters())) if path in ("nearest", "bits") else (sql.EXACT_SETTINGS, {})
    )
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
    found = plan(shop.space, "nearest", FILTERS[name])
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
    found = plan(shop.space, "few", Filters(min_price=0, max_price=40))
    (scan,) = scans(found, partition_name(shop.space))
    assert index_name(shop.space) not in {node.get("Index Name") for node in found}
    assert scan["Actual Rows"] == 41
    assert scan["Node Type"] in ("Index Scan", "Bitmap Heap Scan")
    assert "product_id = ANY" in str(scan.get("Index Cond", "")) + str(scan.get("Recheck Cond", ""))


def test_counting_stops_at_the_bound_and_then_no_vector_is_read() -> None:
    shop = filled()
    found = plan(shop.space, "few", Filters(min_price=0), bound=100)
    assert [node["Actual Rows"] for node in scans(found, "catalog_product")] == [101]
    (scan,) = scans(found, partition_name(shop.space))
    assert scan["Actual Loops"] == 0


@pytest.mark.parametrize(
    ("filters", "index"),
    [
        (Filters(min_price=100, max_price=140), "product_by_price"),
        (Filters(brands=("Rare",)), "product_by_brand"),
        (Filters(categories=(1, 2)), "product_by_category"),
    ],
)
def test_counting_and_few_rows_read_the_index_only(filters: Filters, index: str) -> None:
    shop = filled()
    if filters.categories:
        tree = make_tree()
        filters = Filters(categories=(tree["dress"].pk, tree["shoe"].pk))
        some = [product.pk for product in list(shop.products.values())[::4]]
        Product.objects.filter(pk__in=some).update(category=tree["dress"])
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE catalog_product")
    (scan,) = scans(plan(shop.space, "few", filters), "catalog_product")
    assert (scan["Node Type"], scan["Index Name"]) == ("Index Only Scan", index)


def test_rare_attributes_are_found_by_the_gin_index() -> None:
    shop = filled()
    found = plan(shop.space, "few", Filters(attributes={"n": ("17",)}))
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
    found = plan(shop.space, "bits", Filters(min_price=5))
    (scan,) = scans(found, partition_name(shop.space))
    assert (scan["Node Type"], scan["Index Name"]) == ("Index Scan", index_name(shop.space))
    assert "<~>" in scan["Order By"]


def test_ivfflat_spaces_are_scanned_by_their_index() -> None:
    shop = filled("ivfflat")
    (scan,) = scans(plan(shop.space, "nearest", Filters(min_price=5)), partition_name(shop.space))
    assert (scan["Node Type"], scan["Index Name"]) == ("Index Scan", index_name(shop.space))


def test_a_category_filter_is_planned_the_same() -> None:
    shop = filled(count=200)
    tree = make_tree()
    found = plan(shop.space, "nearest", Filters(categories=(tree["dress"].pk,)))
    assert scans(found, partition_name(shop.space))[0]["Index Name"] == index_name(shop.space)
