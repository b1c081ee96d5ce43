"""Batches: an outcome for each item, all or each, in few statements, beside others."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import Category, Product, ProductCategory, ProductImage
from tests.catalog.conftest import Heard
from tests.catalog.factories import make_image, make_product
from tests.catalog.writes.keys import Caller, read


def send(caller: Caller, items: list[Any], **members: Any) -> list[dict[str, Any]]:
    answer = read(caller.post("batch/", {"items": items, **members}), 207)
    assert answer["mode"] == members.get("mode", "each") and len(answer["results"]) == len(items)
    results: list[dict[str, Any]] = answer["results"]
    return results


def statuses(results: list[dict[str, Any]]) -> list[int]:
    return [one["status"] for one in results]


@pytest.mark.django_db
def test_each_item_has_an_outcome_and_what_is_wrong_keeps_the_others_not_out(shop: Caller, heard: Heard) -> None:
    patched, deleted, taken, same = (make_product(sku=sku, price=1) for sku in ("P", "D", "T", "S"))
    image = make_image(deleted)
    heard.clear()
    known = shop.call("GET", f"{patched.pk}/")["ETag"]
    results = send(
        shop,
        [
            {"op": "patch", "sku": "P", "price": 2, "in_stock": False, "if_match": known},
            {"op": "create", "sku": "N", "title": "New", "category": "Hats > Felt", "images": ["https://a.b/c.jpg"]},
            {"op": "replace", "sku": "U", "title": "Upsert"},
            {"op": "delete", "id": deleted.pk},
            {"op": "create", "sku": "T", "title": "Taken"},
            {"op": "patch", "sku": "none", "price": 2},
            {"op": "patch", "id": same.pk, "price": "x", "pirce": 1},
            {"op": "patch", "id": patched.pk, "price": 3},
            {"op": "patch", "id": taken.pk, "price": 3, "if_match": known},
            {"op": "patch", "sku": "S", "price": 1},
            {"op": "patch", "id": taken.pk, "sku": "N2"},
            {"op": "upsert", "sku": "X"},
            {"op": "delete", "sku": "S", "title": "x"},
            {"op": "create", "id": 5, "title": "x"},
            "delete",
            {},
        ],
    )
    assert statuses(results) == [200, 201, 201, 204, 409, 404, 400, 409, 412, 200, 200, 400, 400, 400, 400, 400]
    made, upserted = Product.objects.get(sku="N"), Product.objects.get(sku="U")
    assert [one.get("id") for one in results[:4]] == [patched.pk, made.pk, upserted.pk, deleted.pk]
    assert [one.get("sku") for one in results[:4]] == ["P", "N", "U", "D"]
    assert "etag" in results[0] and "etag" not in results[3]
    assert shop.call("GET", "sku:P/")["ETag"].startswith(results[0]["etag"].rstrip('"'))
    assert results[6]["problem"]["errors"] == [
        {"parameter": "items/6/pirce", "detail": results[6]["problem"]["errors"][0]["detail"]},
        {"parameter": "items/6/price", "detail": "'x' is no price; write it like \"19.99\", or null for none"},
    ]
    assert results[7]["problem"]["detail"] == "item 0 of the batch names this product too; send it in a later batch"
    assert [one["problem"]["parameter"] for one in results[11:]] == [
        *("items/11/op", "items/12/title", "items/13/id", "items/14", "items/15/op")
    ]
    assert dict(Product.objects.order_by("sku").values_list("sku", "price")) == {
        **{"N": None, "N2": 1, "P": 2, "S": 1, "U": None}
    }
    assert ProductImage.objects.get().product == made and image.pk is not None
    assert heard.stored == [([ProductImage.objects.get().pk], "import")]
    changed = [made.pk, taken.pk, patched.pk, upserted.pk]
    assert heard.changed == [([deleted.pk], True), (changed, False)]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("bad", "status"),
    [
        ({"op": "patch", "sku": "none"}, 404),
        ({"op": "patch", "sku": "B", "price": "x"}, 400),
        ({"op": "create", "sku": "B", "title": "x"}, 409),
    ],
)
def test_all_or_nothing(shop: Caller, heard: Heard, bad: dict[str, Any], status: int) -> None:
    make_product(sku="A", price=1), make_product(sku="B", price=1)
    heard.clear()
    good = [
        {"op": "patch", "sku": "A", "price": 2},
        {"op": "create", "sku": "N", "title": "New", "category": "Hats > Felt", "images": ["https://a.b/c.jpg"]},
    ]
    results = send(shop, [good[0], bad, good[1]], mode="all")
    assert statuses(results) == [424, status, 424]
    assert results[0]["problem"]["detail"] == "nothing was done, for another item of the batch was refused"
    assert list(Product.objects.order_by("sku").values_list("sku", "price")) == [("A", 1), ("B", 1)]
    assert not Category.objects.exists() and not ProductImage.objects.exists() and not LogEntry.objects.exists()
    assert (heard.stored, heard.changed) == ([], [])
    assert statuses(send(shop, good, mode="all")) == [200, 201]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "status", "parameter"),
    [
        ({}, 400, "items"),
        ({"items": []}, 400, "items"),
        ({"items": {}}, 400, "items"),
        ({"items": [{}] * 501}, 413, "items"),
        ({"items": [{}], "mode": "some"}, 400, "mode"),
        ({"items": [{}], "mode": ["all"]}, 400, "mode"),
        ({"itmes": []}, 400, "itmes"),
    ],
)
def test_batches_that_are_none(shop: Caller, body: Any, status: int, parameter: str) -> None:
    assert read(shop.post("batch/", body), status)["parameter"] == parameter


@pytest.mark.django_db
def test_a_body_that_is_too_large(shop: Caller) -> None:
    body = b'{"items": [' + b" " * (8 * 1024**2) + b"]}"
    assert read(shop.post("batch/", body), 413)["detail"] == "the body may have 8 MB; send less at a time"


def _patches(count: int) -> list[dict[str, Any]]:
    return [
        {
            "op": "patch",
            "sku": f"S{number}",
            "price": number + 1,
            "in_stock": False,
            "category": f"Shop > C{number % 3}",
        }
        for number in range(count)
    ]


def _replacements(count: int) -> list[dict[str, Any]]:
    return [
        {
            **{"op": "replace", "sku": f"R{number}", "title": f"R {number}", "attributes": {"a": number}},
            **{"images": [f"https://a.b/{number}.jpg"], "further_categories": ["Sale >"]},
        }
        for number in range(count)
    ]


def _deletions(count: int) -> list[dict[str, Any]]:
    return [{"op": "delete", "sku": f"S{number}"} for number in range(count)]


@pytest.mark.django_db
@pytest.mark.parametrize("make", [_patches, _replacements, _deletions])
def test_a_large_batch_asks_as_few_statements_as_a_small_one(shop: Caller, make: Any) -> None:
    counts = []
    for count in (3, 500):
        Product.objects.all().delete()
        products = Product.objects.bulk_create(Product(sku=f"S{number}", title="x") for number in range(count))
        ProductImage.objects.bulk_create(
            ProductImage(product=product, source_url=f"https://a.b/{product.sku}.jpg") for product in products
        )
        for _ in range(2 if make is not _deletions else 1):  # the second time the categories are there
            with CaptureQueriesContext(
                connection,
            ) as captured:
                results = send(shop, make(count))
            assert {one["status"] for one in results} <= {200, 201, 204}
        counts.append(len(captured))
    small, large = counts
    assert small <= large <= small + 12 and large < 45, counts


@pytest.mark.django_db
def test_an_unchanged_batch_writes_nothing(shop: Caller) -> None:
    make_product(sku="A", price=1)
    send(shop, [{"op": "patch", "sku": "A", "price": 1}])
    with CaptureQueriesContext(connection) as captured:
        assert statuses(send(shop, [{"op": "patch", "sku": "A", "price": "1.00"}])) == [200]
    assert [one["sql"] for one in captured if not one["sql"].startswith(("SELECT", "SAVEPOINT", "RELEASE"))] == []


@pytest.mark.django_db
def test_skus_may_not_be_swapped_in_one_batch(shop: Caller) -> None:
    make_product(sku="A"), make_product(sku="B")
    items = [{"op": "patch", "sku": "A", "sku_": 1}, {"op": "patch", "id": Product.objects.get(sku="B").pk, "sku": "A"}]
    assert statuses(send(shop, items)) == [400, 409]
    items = [
        {"op": "create", "sku": "N", "title": "x"},
        {"op": "patch", "id": Product.objects.get(sku="B").pk, "sku": "N"},
    ]
    assert statuses(send(shop, items)) == [201, 409]
    assert sorted(Product.objects.values_list("sku", flat=True)) == ["A", "B", "N"]


@pytest.mark.django_db
def test_errors_that_only_the_product_shows_name_their_place_in_the_batch(shop: Caller) -> None:
    make_product(sku="A", price=5)
    items: list[dict[str, Any]] = [
        {"op": "patch", "sku": "A", "list_price": 4, "category": "none", "images": [7, "https://a.b/c.jpg"]},
        {"op": "replace", "sku": "x" * 200 + " ", "title": "x"},
        {"op": "patch", "sku": "B"},
        {"op": "create", "sku": "C", "title": "x", "expires_at": "2020-01-01"},
    ]
    results = send(shop, items)
    assert [[error["parameter"] for error in one.get("problem", {}).get("errors", [])] for one in results] == [
        ["items/0/list_price", "items/0/category", "items/0/images/0"],
        [],
        [],
        ["items/3/expires_at"],
    ]
    assert statuses(results)[1:] == [201, 404, 400]  # blanks around a SKU of a body are none of it


@pytest.mark.django_db
def test_a_rule_of_the_database_is_no_one_in_the_way(shop: Caller) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE catalog_product ADD CONSTRAINT no_bad CHECK (brand <> 'Bad')")
    items = [{"op": "create", "sku": brand, "title": "x", "brand": brand} for brand in ("Good", "Bad")]
    results = send(shop, items)
    assert statuses(results) == [201, 400] and "no_bad" in results[1]["problem"]["detail"]
    assert LogEntry.objects.get().object_repr == "x (Good)"


@pytest.mark.django_db
def test_what_the_database_refuses_is_told_alone(shop: Caller) -> None:
    """A rule of the shop's own in Postgres, which nothing here knows of."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " RAISE EXCEPTION 'no %', NEW.brand USING ERRCODE = '22000'; END $$;"
            "CREATE TRIGGER refuse BEFORE INSERT ON catalog_product FOR EACH ROW WHEN (NEW.brand = 'Bad') EXECUTE FUNCTION refuse()"
        )
    items = [
        {"op": "create", "sku": sku, "title": "x", "brand": brand}
        for sku, brand in (("A", ""), ("B", "Bad"), ("C", ""))
    ]
    results = send(shop, items)
    assert statuses(results) == [201, 400, 201]
    assert results[1]["problem"]["detail"] == "the database refuses it: no Bad"
    assert statuses(send(shop, [{"op": "replace", "sku": "A", "title": "y"}, items[1]], mode="all")) == [400, 400]
    assert sorted(Product.objects.values_list("sku", "title")) == [("A", "x"), ("C", "x")]


@pytest.mark.django_db(transaction=True)
def test_batches_of_the_same_products_in_other_orders_all_go_in(shop: Caller) -> None:
    """Those that are there are locked by their ids, new ones made by their SKUs; what is in the way still is tried again."""
    for number in range(20):
        make_product(sku=f"S{number}")
    found: list[int] = []

    def write(order: int) -> None:
        try:
            numbers = list(range(20)) if order % 2 else list(range(20))[::-1]
            items = [{"op": "patch", "sku": f"S{number}", "price": order + 1} for number in numbers]
            items += [
                {
                    "op": "replace",
                    "sku": f"N{number}",
                    "title": str(order),
                    "category": f"C{order} >",
                    "images": [f"https://a.b/{number}"],
                }
                for number in numbers
            ]
            found.extend(statuses(send(Caller(), items)))
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=[order]) for order in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == 6 * 40 and set(found) == {200, 201} and found.count(201) == 20
    assert Product.objects.count() == 40 and ProductImage.objects.count() == 20
    assert len(set(Product.objects.filter(sku__startswith="S").values_list("price", flat=True))) == 1
    assert ProductCategory.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_of_many_who_make_the_same_product_one_does(shop: Caller) -> None:
    found: list[int] = []

    def write() -> None:
        try:
            found.append(Caller().post("", {"sku": "A", "title": "x"}).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=write) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(found) == [201, 409, 409, 409, 409, 409]
    assert Product.objects.count() == 1
