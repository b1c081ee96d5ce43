"""Migrations that change tables under running writers: what they leave, forwards and backwards, of rows that were there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.db import Error, connection, transaction

from catalog.models import PhotoOrigin, Product
from tests.catalog.factories import make_image, make_product

OLD_ROW = (
    "INSERT INTO catalog_product (sku, variant_group, title, description, brand, price, currency, in_stock, url, attributes,"
    " published, created_at, updated_at) VALUES (%s, '', 'x', '', %s, %s, 'EUR', true, '', %s, true, now(), now())"
)


@pytest.fixture
def migrated(transactional_db: None) -> Iterator[None]:
    yield
    call_command("migrate", verbosity=0)


def run(statement: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, list(values))


def rows(statement: str, *values: object) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, list(values))
        return cursor.fetchall()


def test_the_index_of_prices_comes_and_goes(migrated: None) -> None:
    call_command("migrate", "catalog", "0001", verbosity=0)
    assert indexes("price", "amount") == {"product_by_price": True}
    call_command("migrate", "catalog", "0002", verbosity=0)
    assert indexes("price", "amount") == {"product_by_currency_price": True}
    call_command("migrate", "catalog", "0003", verbosity=0)
    assert indexes("price", "amount") == {"product_by_currency_amount": True}


def test_a_shop_of_the_version_before_keeps_its_prices_and_can_be_filtered(migrated: None) -> None:
    """More rows than one batch has."""
    call_command("migrate", "catalog", "0002", verbosity=0)
    for number in range(3):
        run(OLD_ROW, f"old-{number}", "Aalto", ("12.90", None, "9999999999.99")[number], '{"Weight": "2.5"}')
    run(
        "INSERT INTO catalog_product SELECT (jsonb_populate_record(p, jsonb_build_object('id', 1000000 + n, 'sku', 'many-' || n))).*"
        " FROM catalog_product p, generate_series(1, 2500) n WHERE sku = 'old-0'"
    )
    before = rows("SELECT id, sku, price, updated_at FROM catalog_product ORDER BY id")
    call_command("migrate", "catalog", "0003", verbosity=0)
    assert rows("SELECT id, sku, amount, updated_at FROM catalog_product ORDER BY id") == before
    assert rows("SELECT count(*), count(folded_brand), count(folded_attributes) FROM catalog_product") == [(2503,) * 3]
    assert rows("SELECT DISTINCT folded_brand, folded_attributes::text FROM catalog_product") == [
        ("aalto", '{"weight": "2.5"}')
    ]
    assert rows("SELECT name, value, count(*) FROM catalog_attributenumber GROUP BY 1, 2") == [("weight", 2.5, 2503)]
    assert indexes("product") == dict.fromkeys(
        (
            *("product_by_category", "product_by_currency_amount", "product_by_folded_brand"),
            *("product_folded_attributes", "product_sale_begins", "product_sale_ends"),
        ),
        True,
    )
    assert rows("SELECT conname, convalidated FROM pg_constraint WHERE conname LIKE 'product%%negative'") == [
        ("product_amount_not_negative", True)
    ]


def test_back_again_nothing_is_left_and_prices_are_what_they_were(migrated: None) -> None:
    make_product(sku="a", price=Decimal("3.125"), currency="KWD", brand="Aalto", attributes={"weight": "2"})
    call_command("migrate", "catalog", "0002", verbosity=0)
    assert rows("SELECT sku, price, brand FROM catalog_product") == [("a", Decimal("3.13"), "Aalto")]
    assert rows("SELECT proname FROM pg_proc WHERE proname LIKE 'catalog%%'") == []
    assert rows("SELECT tgname FROM pg_trigger WHERE tgname LIKE 'catalog%%'") == []
    assert indexes("product") == dict.fromkeys(
        ("product_attributes_gin", "product_by_brand", "product_by_category", "product_by_currency_price"), True
    )
    assert rows("SELECT conname, convalidated FROM pg_constraint WHERE conname LIKE 'product%%negative'") == [
        ("product_price_not_negative", True)
    ]
    run(OLD_ROW, "b", "Brisk", "5.00", "{}")
    call_command("migrate", "catalog", "0003", verbosity=0)
    assert rows("SELECT sku, amount FROM catalog_product ORDER BY sku") == [("a", Decimal("3.13")), ("b", Decimal("5"))]


def test_versions_come_and_go_beside_writers(migrated: None) -> None:
    product = make_product(sku="a")
    raised = "UPDATE catalog_product SET brand = brand || 'x' RETURNING updated_at > %s"
    call_command("migrate", "catalog", "0009", verbosity=0)
    assert rows(raised, product.updated_at) == [(False,)]
    call_command("migrate", "catalog", "0010", verbosity=0)
    assert rows(raised, product.updated_at) == [(True,)]


def test_a_migration_that_broke_off_goes_on_where_it_was(migrated: None) -> None:
    """It ended between the columns and the rows, and an index was built by half."""
    call_command("migrate", "catalog", "0002", verbosity=0)
    run(OLD_ROW, "a", "Aalto", "12.90", "{}")
    call_command("migrate", "catalog", "0003", verbosity=0)
    call_command("migrate", "catalog", "0002", fake=True, verbosity=0)
    run("ALTER TABLE catalog_product DISABLE TRIGGER catalog_product_derive")
    run("UPDATE catalog_product SET amount = NULL, folded_attributes = NULL, folded_brand = NULL")
    run("ALTER TABLE catalog_product ENABLE TRIGGER catalog_product_derive")
    run("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'product_by_folded_brand'::regclass")
    call_command("migrate", "catalog", "0003", verbosity=0)
    assert rows("SELECT amount, folded_brand, folded_attributes::text FROM catalog_product") == [
        (Decimal("12.90"), "aalto", "{}")
    ]
    assert indexes("product_by_folded_brand") == {"product_by_folded_brand": True}


def test_processes_of_the_version_before_and_of_this_one_write_the_same_price(migrated: None) -> None:
    """Those before know the column `price` alone, and no sales."""
    run(OLD_ROW, "a", "Aalto", "12.90", '{"Weight": "2.5"}')
    product = Product.objects.get(sku="a")
    assert product.price == Decimal("12.90")
    Product.objects.filter(pk=product.pk).update(
        price=Decimal("3.125"), list_price=Decimal(4), sale_price=Decimal("3.125")
    )
    assert rows("SELECT price FROM catalog_product") == [(Decimal("3.13"),)]
    run("UPDATE catalog_product SET price = price, title = 'y', brand = 'Brisk'")
    product.refresh_from_db()
    assert (product.price, product.list_price) == (Decimal("3.125"), Decimal(4))
    assert rows("SELECT folded_brand FROM catalog_product") == [("brisk",)]
    run("UPDATE catalog_product SET price = 7")
    product.refresh_from_db()
    assert (product.price, product.list_price, product.sale_price) == (Decimal(7), None, None)
    Product.objects.filter(pk=product.pk).update(price=None)
    assert rows("SELECT price, amount FROM catalog_product") == [(None, None)]
    run("DELETE FROM catalog_product")
    assert rows("SELECT count(*) FROM catalog_attributenumber") == [(0,)]


def indexes(*words: str) -> dict[str, bool]:
    """The indexes of products named with one of the words, and whether each is whole (a concurrent build that broke off leaves
    half of one)."""
    found = rows(
        "SELECT indexrelid::regclass::text, indisvalid FROM pg_index WHERE indrelid = 'catalog_product'::regclass"
        " AND indexrelid::regclass::text LIKE ANY (%s) AND indexrelid::regclass::text NOT LIKE 'catalog%%' ORDER BY 1",
        [f"%{word}%" for word in words],
    )
    return dict(found)


def test_feeds_as_sources_come_and_go(migrated: None) -> None:
    """Processes of the version before go on adding products while the new columns are there."""
    make_product(sku="a", withdrawn=True)
    call_command("migrate", "catalog", "0003", verbosity=0)
    assert rows("SELECT tablename FROM pg_tables WHERE tablename LIKE 'catalog_feed%%'") == []
    assert indexes("product_expires") == {}
    call_command("migrate", "catalog", "0004", verbosity=0)
    run(OLD_ROW, "b", "Brisk", "5.00", "{}")
    assert rows("SELECT sku, withdrawn, expires_at FROM catalog_product ORDER BY sku") == [
        ("a", False, None),
        ("b", False, None),
    ]
    assert indexes("product_expires") == {"product_expires": True}


def test_feeds_as_sources_go_on_where_the_migration_broke_off(migrated: None) -> None:
    call_command("migrate", "catalog", "0004", verbosity=0)
    call_command("migrate", "catalog", "0003", fake=True, verbosity=0)
    run("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'product_expires'::regclass")
    call_command("migrate", "catalog", "0004", verbosity=0)
    assert indexes("product_expires") == {"product_expires": True}


def test_origins_of_photos_come_and_go_and_the_version_before_goes_on_adding_photos(migrated: None) -> None:
    image = make_image()
    PhotoOrigin.objects.create(image=image, etag="x")
    call_command("migrate", "catalog", "0004", verbosity=0)
    assert rows("SELECT to_regclass('catalog_photoorigin')") == [(None,)]
    call_command("migrate", "catalog", "0005", verbosity=0)
    call_command("migrate", "catalog", "0004", fake=True, verbosity=0)
    call_command("migrate", "catalog", "0005", verbosity=0)
    call_command("migrate", "catalog", verbosity=0)
    run(
        "INSERT INTO catalog_productimage (product_id, file, digest, source_url, position, alt, created_at)"
        " VALUES (%s, '', '', 'https://shop.example/a.jpg', 1, '', now())",
        image.product_id,
    )
    assert rows("SELECT count(*), count(successor_id) FROM catalog_productimage") == [(2, 0)]
    assert rows("SELECT count(*) FROM catalog_photoorigin") == [(0,)]


def test_feeds_run_by_themselves_and_go_back_to_what_they_were(migrated: None) -> None:
    """Feeds of the version before, and those that its processes add afterwards, are read by hand alone."""
    call_command("migrate", "catalog", "0004", verbosity=0)
    added = "INSERT INTO catalog_feed (name, runs, last_whole, created_at) VALUES (%s, 3, 2, now())"
    run(added, "before")
    call_command("migrate", "catalog", "0006", verbosity=0)
    run(added, "meanwhile")
    kept = [("before", 3, 2), ("meanwhile", 3, 2)]
    assert rows("SELECT name, runs, last_whole FROM catalog_feed ORDER BY name") == kept
    assert rows("SELECT DISTINCT url, upload, mapping, schedule, unpublish_missing, due_at FROM catalog_feed") == [
        ("", "", "", "hand", False, None)
    ]
    call_command("migrate", "catalog", "0004", verbosity=0)
    assert rows("SELECT name, runs, last_whole FROM catalog_feed ORDER BY name") == kept
    assert rows("SELECT to_regclass('catalog_feedrun')") == [(None,)]


def test_products_of_the_version_before_are_found_by_their_words(migrated: None) -> None:
    """More rows than one batch has; a SKU that was kept decomposed stays so."""
    call_command("migrate", "catalog", "0008", verbosity=0)
    assert rows("SELECT to_regclass('catalog_producttext'), to_regproc('catalog_plain')") == [(None, None)]
    run(OLD_ROW, "A\u0308-1", "Aalto", "12.90", "{}")
    run(
        "INSERT INTO catalog_product SELECT (jsonb_populate_record(p, jsonb_build_object('id', 1000000 + n, 'sku', 'many-' || n))).*"
        " FROM catalog_product p, generate_series(1, 2500) n WHERE brand = 'Aalto'"
    )
    before = rows("SELECT id, xmin::text FROM catalog_product ORDER BY id")
    call_command("migrate", "catalog", "0009", verbosity=0)
    assert rows("SELECT id, xmin::text FROM catalog_product ORDER BY id") == before  # no row was written
    assert rows("SELECT count(*) FROM catalog_producttext WHERE words @@ 'aalto'") == [(2501,)]
    assert rows("SELECT count(*) FROM catalog_product WHERE sku = %s", "A\u0308-1") == [(1,)]
    run("UPDATE catalog_product SET in_stock = false")
    assert rows("SELECT count(*) FROM catalog_product WHERE sku = %s", "A\u0308-1") == [(1,)]
    assert indexes("product_by_a", "product_by_title") == dict.fromkeys(
        ("product_by_age", "product_by_amount", "product_by_title"), True
    )
    assert rows(
        "SELECT indexrelid::regclass::text, indisvalid FROM pg_index WHERE indrelid = 'catalog_producttext'::regclass ORDER BY 1"
    ) == [("catalog_producttext_pkey", True), ("product_text_plain", True), ("product_text_words", True)]


def test_the_migration_of_texts_goes_on_where_it_broke_off(migrated: None) -> None:
    make_product(sku="a", title="Hat")
    call_command("migrate", "catalog", "0009", verbosity=0)
    call_command("migrate", "catalog", "0008", fake=True, verbosity=0)
    run("DELETE FROM catalog_producttext")
    run("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'product_text_words'::regclass")
    call_command("migrate", "catalog", "0009", verbosity=0)
    assert rows("SELECT plain FROM catalog_producttext") == [("hat  a",)]
    assert rows("SELECT indisvalid FROM pg_index WHERE indexrelid = 'product_text_words'::regclass") == [(True,)]


def test_readers_and_writers_go_on_while_texts_are_written(migrated: None) -> None:
    """Every statement of the migration against a transaction that has read and one that has written a product."""
    call_command("migrate", "catalog", "0008", verbosity=0)
    run(OLD_ROW, "a", "Aalto", "12.90", "{}")
    stop, failures = threading.Event(), []

    def shop() -> None:
        try:
            while not stop.is_set():
                with transaction.atomic(), connection.cursor() as cursor:
                    cursor.execute("SET LOCAL lock_timeout = '1s'")
                    cursor.execute("SELECT count(*) FROM catalog_product")
                    cursor.execute("UPDATE catalog_product SET brand = brand || 'x' WHERE sku = 'a'")
        except Error as error:
            failures.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=shop)
    thread.start()
    try:
        call_command("migrate", "catalog", "0009", verbosity=0)
    finally:
        stop.set()
        thread.join()
    assert failures == []
    assert rows(
        "SELECT t.plain = catalog_plain(p.title || ' ' || p.brand || ' ' || p.sku) FROM catalog_product p"
        " JOIN catalog_producttext t ON t.product_id = p.id"
    ) == [(True,)]
