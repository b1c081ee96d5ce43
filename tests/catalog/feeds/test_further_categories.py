"""Several types of one product: the first is shown, all filter."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from catalog.feeds.category_cells import listed, read_categories
from catalog.models import Category, Product, ProductCategory
from tests.catalog.factories import make_category, make_product
from tests.catalog.feeds.files import run_import, write_feed

pytestmark = pytest.mark.django_db


def found(client: Client, **parameters: str) -> list[str]:
    results = client.get("/api/v1/products/", parameters).json()["results"]
    return [result["sku"] for result in results]


def listed_counts(client: Client) -> dict[str, int]:
    return {one["slug"]: one["products"] for one in client.get("/api/v1/categories/").json()["results"]}


def of(folder: Path, *types: str, sku: str = "1", options: Sequence[str] = ()) -> dict[str, Any]:
    cells = ",".join(f'"{one}"' for one in types)
    header = ",".join(["id", "title", *["product_type"] * len(types)])
    report, _, succeeded = run_import(write_feed(folder, f"{sku},Boot,{cells}", header=header), *options)
    assert succeeded
    return report


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("Women > Shoes, Sale > Shoes", ["Women > Shoes", " Sale > Shoes"]),
        ("Women > Shoes,Women > Sale", ["Women > Shoes", "Women > Sale"]),
        ("Women > Shoes; New > This week", ["Women > Shoes", " New > This week"]),
        ("Women > Shoes | New > This week", ["Women > Shoes ", " New > This week"]),
        ("Food, Beverages & Tobacco > Beverages", None),
        ("Electronics > Print, Copy, Scan & Fax > Printers", None),
        ("Vehicles > Maintenance, Care & Decor > Cleaning", None),
        ("Women > Shoes, ", None),
        ("Women > Shoes, > Shoes", None),
        ("Mugs, Cups", None),
        ("", None),
    ],
)
def test_where_a_text_lists_several_paths(text: str, paths: list[str] | None) -> None:
    assert listed(text) == (paths or [text])


def test_the_shops_own_types_come_before_googles() -> None:
    cells = {"product_type": ["12", "A > B", "a", "A > B"], "google_product_category": ["C"]}
    assert read_categories(cells, pytest.fail) == (("A", "B"), (("a",),))
    assert read_categories({"product_type": [], "google_product_category": ["C", "7"]}, pytest.fail) == (("C",), ())
    assert read_categories({"product_type": []}, pytest.fail) == ((), ())
    assert read_categories({}, pytest.fail) == (None, ())


def test_too_many_types_are_reported() -> None:
    told: list[str] = []
    category, further = read_categories({"product_type": [f"T{number}" for number in range(25)]}, told.append)
    assert (category, len(further), told) == (("T0",), 19, ["product_type: 25 categories; the first 20 are taken"])


def test_the_first_is_shown_and_all_filter(tmp_path: Path, client: Client) -> None:
    make_product(sku="2", category="Women > Shoes")
    assert of(tmp_path, "Women > Shoes, Sale > Shoes", "New")["created"] == 1
    product = Product.objects.get(sku="1")
    assert product.category is not None and product.category.slug == "shoes"
    assert ProductCategory.objects.filter(product=product).count() == 2
    assert found(client, category="shoes") == ["2", "1"]
    for slug in ("sale", "sale-shoes", "new", "new,sale"):
        assert found(client, category=slug) == ["1"]
    assert found(client, category="women,new") == ["2", "1"]
    assert listed_counts(client) == {"women": 2, "shoes": 2, "sale": 1, "sale-shoes": 1, "new": 1}


def test_a_product_counts_once_in_what_is_above_its_categories(tmp_path: Path, client: Client) -> None:
    of(tmp_path, "Women > Shoes", "Women > Sale", "Women")
    assert listed_counts(client) == {"women": 1, "shoes": 1, "sale": 1}
    Product.objects.update(published=False)
    assert listed_counts(client) == {}


def test_an_import_changes_only_what_changed(tmp_path: Path) -> None:
    of(tmp_path, "A", "B")
    assert of(tmp_path, "A", "B")["unchanged"] == 1
    assert of(tmp_path, "A", "B", "C", options=["--dry-run"])["updated"] == 1
    assert ProductCategory.objects.count() == 1
    assert of(tmp_path, "B", "a")["updated"] == 1
    product = Product.objects.get()
    names = ProductCategory.objects.values_list("category__name", flat=True)
    assert (product.category.name if product.category else None, list(names)) == ("B", ["A"])
    run_import(write_feed(tmp_path, "1,Boot", header="id,title"))
    assert ProductCategory.objects.count() == 1
    assert of(tmp_path, "B")["updated"] == 1
    assert ProductCategory.objects.count() == 0


def test_repeated_types_of_xml(tmp_path: Path, client: Client) -> None:
    feed = tmp_path / "feed.xml"
    feed.write_text(
        '<rss xmlns:g="http://base.google.com/ns/1.0"><channel><item><g:id>1</g:id><title>Boot</title>'
        "<g:product_type>Women &gt; Shoes</g:product_type><g:product_type>Winter</g:product_type>"
        "</item></channel></rss>"
    )
    run_import(feed)
    assert (found(client, category="women"), found(client, category="winter")) == (["1"], ["1"])


def test_further_categories_go_with_their_product_or_category(tmp_path: Path) -> None:
    of(tmp_path, "A", "B", "C")
    Category.objects.get(name="B").delete()
    assert list(ProductCategory.objects.values_list("category__name", flat=True)) == ["C"]
    Product.objects.get().delete()
    assert ProductCategory.objects.count() == 0


def test_a_category_that_no_product_has_further_is_filtered_as_before(client: Client) -> None:
    from catalog.filters.registry import read_filters

    make_category("A > B")
    (condition,) = read_filters({"category": ["a"]}).conditions
    assert condition.text == "{product}.category_id = ANY ({ids}::bigint[])"
