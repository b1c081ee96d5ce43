"""Which plan Postgres makes of each path: the path is chosen by us, so the planner must not choose another."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from catalog.filters.chosen import Filters
from catalog.filters.entries.category import Category
from catalog.models import Product, ProductCategory
from recommender.index.partitions import partition_name
from recommender.index.pgvector.ann_index import index_name
from tests.catalog.filters.chosen import filtering
from tests.recommender.index.pgvector.plans import filled, plan, scans
from tests.recommender.search.gallery import Shop, make_tree
from tests.shared_rows import shared_rows

FILTERS = {
    "none": filtering(exclude_products=(1,), exclude_groups=("g",)),
    "price": filtering(min_price=10, max_price=700),
    "attribute": filtering(attributes={"colour": ("red",)}),
    "brand and stock": filtering(brands=("Aalto", "Brisk"), in_stock=True),
}


@pytest.fixture(scope="module")
def kept(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Shop]:
    yield from shared_rows(django_db_blocker, filled)


@pytest.fixture
def shop(db: None, kept: Shop) -> Shop:
    """A thousand products of one photo each, in a space with an HNSW index; what a test writes to it is undone."""
    return kept


@pytest.mark.parametrize("name", FILTERS)
def test_many_rows_are_scanned_by_the_ann_index_nearest_first(shop: Shop, name: str) -> None:
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


def test_few_rows_are_compared_one_by_one_without_the_ann_index(shop: Shop) -> None:
    found = plan(shop.space, "few", filtering(min_price=0, max_price=40))
    (scan,) = scans(found, partition_name(shop.space))
    assert index_name(shop.space) not in {node.get("Index Name") for node in found}
    assert scan["Actual Rows"] == 41
    assert scan["Node Type"] in ("Index Scan", "Bitmap Heap Scan")
    assert "product_id = ANY" in str(scan.get("Index Cond", "")) + str(scan.get("Recheck Cond", ""))


def test_counting_stops_at_the_bound_and_then_no_vector_is_read(shop: Shop) -> None:
    found = plan(shop.space, "few", filtering(min_price=0), bound=100)
    assert [node["Actual Rows"] for node in scans(found, "catalog_product")] == [101]
    (scan,) = scans(found, partition_name(shop.space))
    assert scan["Actual Loops"] == 0


@pytest.mark.parametrize(
    ("filters", "index"),
    [
        (filtering(min_price=100, max_price=140), "product_by_currency_amount"),
        (filtering(brands=("Rare",)), "product_by_folded_brand"),
        (filtering(categories=(1, 2)), "product_by_category"),
    ],
)
def test_counting_and_few_rows_read_the_index_only(shop: Shop, filters: Filters, index: str) -> None:
    if filters.get(Category):
        tree = make_tree()
        filters = filtering(categories=(tree["dress"].pk, tree["shoe"].pk))
        some = [product.pk for product in list(shop.products.values())[::4]]
        Product.objects.filter(pk__in=some).update(category=tree["dress"])
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE catalog_product")
    (scan,) = scans(plan(shop.space, "few", filters), "catalog_product")
    assert (scan["Node Type"], scan["Index Name"]) == ("Index Only Scan", index)


def test_products_of_a_further_category_are_found_by_indexes(shop: Shop) -> None:
    tree = make_tree()
    products = list(shop.products.values())
    Product.objects.filter(pk__in=[product.pk for product in products[::100]]).update(category=tree["dress"])
    ProductCategory.objects.bulk_create(
        ProductCategory(product=product, category=tree["dress"]) for product in products[::50]
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE catalog_product, catalog_productcategory")
    filters = Filters((Category((tree["dress"].pk,), further=True),))
    found = plan(shop.space, "few", filters)
    (scan,) = scans(found, partition_name(shop.space))
    assert scan["Actual Rows"] == 20
    assert "product_by_category" in {node.get("Index Name") for node in found}
    found = plan(shop.space, "ann", filters)
    (scan,) = scans(found, partition_name(shop.space))
    assert (scan["Node Type"], scan["Index Name"]) == ("Index Scan", index_name(shop.space))


def test_rare_attributes_are_found_by_the_gin_index(shop: Shop) -> None:
    found = plan(shop.space, "few", filtering(attributes={"n": ("17",)}))
    assert "product_folded_attributes" in {node.get("Index Name") for node in found}
    (scan,) = scans(found, partition_name(shop.space))
    assert scan["Actual Rows"] == 1


def test_exact_over_many_rows_reads_every_photo_and_no_ann_index(shop: Shop) -> None:
    found = plan(shop.space, "all", Filters())
    (scan,) = scans(found, partition_name(shop.space))
    assert (scan["Node Type"], scan["Actual Rows"]) == ("Seq Scan", 1000)
    assert index_name(shop.space) not in {node.get("Index Name") for node in found}


def test_what_an_engine_proposes_is_looked_up_by_its_ids(shop: Shop) -> None:
    found = plan(shop.space, "proposed", filtering(max_price=700))
    (scan,) = scans(found, partition_name(shop.space))
    assert (scan["Node Type"], scan["Index Name"]) == ("Index Scan", f"{partition_name(shop.space)}_pkey")
    assert scan["Actual Loops"] == 5
    (product,) = scans(found, "catalog_product")
    assert (product["Node Type"], product["Index Name"]) == ("Index Scan", "catalog_product_pkey")
