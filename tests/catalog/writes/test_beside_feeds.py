"""Calls and feeds about the same product: what was written last holds, and a feed writes what it names alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import call_command

from catalog.models import FeedProduct, Product
from tests.catalog.writes.keys import Caller, read

pytestmark = pytest.mark.django_db


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    return tmp_path / "feed.csv"


def bring_in(feed: Path, rows: str, **options: object) -> None:
    feed.write_text(rows)
    call_command("import_products", str(feed), feed="main", verbosity=0, **options)


def test_a_feed_wins_in_the_columns_that_it_has(shop: Caller, feed: Path) -> None:
    bring_in(feed, "id,title,price\nA,Hat,10 EUR\n")
    read(shop.patch("sku:A/", {"price": 8, "title": "Cap", "brand": "Lux", "attributes": {"a": 1}}), 200)
    bring_in(feed, "id,title,price\nA,Hat,10 EUR\n")
    product = Product.objects.get()
    assert (product.title, product.price, product.brand, product.attributes) == ("Hat", 10, "Lux", {"a": "1"})


def test_what_the_api_hides_stays_hidden_until_a_feed_shows_it_in_words(shop: Caller, feed: Path) -> None:
    bring_in(feed, "id,title\nA,Hat\n")
    read(shop.patch("sku:A/", {"published": False}), 200)
    bring_in(feed, "id,title\nA,Hat\n")
    assert not Product.objects.get().published
    bring_in(feed, "id,title,published\nA,Hat,\n")
    assert not Product.objects.get().published
    bring_in(feed, "id,title,published\nA,Hat,true\n")
    assert Product.objects.get().published


def test_one_that_feeds_name_no_more_is_the_shops_own_once_the_api_says_whether_it_is_shown(
    shop: Caller, feed: Path
) -> None:
    bring_in(feed, "id,title\nA,Hat\nB,Scarf\nC,Coat\n")
    bring_in(feed, "id,title\nC,Coat\n", unpublish_missing=True, force=True)
    assert list(Product.objects.order_by("sku").values_list("published", "withdrawn")) == [(False, True)] * 2 + [
        (True, False)
    ]
    read(shop.patch("sku:A/", {"published": False}), 200)
    read(shop.patch("sku:B/", {"price": 5}), 200)
    bring_in(feed, "id,title\nA,Hat\nB,Scarf\nC,Coat\n")
    assert list(Product.objects.order_by("sku").values_list("sku", "published")) == [
        ("A", False),
        ("B", True),
        ("C", True),
    ]


def test_products_of_the_api_are_no_feeds(shop: Caller, feed: Path) -> None:
    bring_in(feed, "id,title\nB,Scarf\n")
    read(shop.put("sku:A/", {"title": "Hat"}), 201)
    bring_in(feed, "id,title\nB,Scarf\n", unpublish_missing=True)
    assert Product.objects.filter(published=True).count() == 2


def test_a_deleted_one_is_made_again_by_the_next_feed_that_names_it(shop: Caller, feed: Path) -> None:
    bring_in(feed, "id,title\nA,Hat\n")
    assert shop.delete("sku:A/").status_code == 204
    assert not FeedProduct.objects.exists()
    bring_in(feed, "id,title\nA,Hat\n")
    assert FeedProduct.objects.get().product == Product.objects.get()
