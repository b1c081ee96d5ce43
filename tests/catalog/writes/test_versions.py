"""Optimistic locking: whatever writes a product gives it another version, and who knows an older one is told."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from catalog import expiry, sales
from catalog.changes.versions import version_of
from catalog.feeds import sources
from catalog.models import Category, Product
from catalog.photos.store import add_photo, replace_photo
from tests.catalog.factories import make_image, make_product, photo_bytes
from tests.catalog.writes.keys import Caller, read


def etag(caller: Caller, product: Product) -> str:
    return str(caller.call("GET", f"{product.pk}/")["ETag"])


@pytest.mark.django_db
def test_who_knows_the_version_writes_and_who_does_not_is_told(shop: Caller) -> None:
    product = make_product(price=1)
    known = etag(shop, product)
    first = shop.patch(f"{product.pk}/", {"price": 2}, if_match=known)
    assert read(first, 200)["price"] == "2.00"
    problem = read(shop.patch(f"{product.pk}/", {"price": 3}, if_match=known), 412)
    assert first["ETag"] in problem["detail"]
    for condition in (first["ETag"], f"W/{first['ETag']}", f'"x", {first["ETag"]}', "*", etag(shop, product)):
        assert shop.patch(f"{product.pk}/", {"in_stock": True}, if_match=condition).status_code == 200
    image = make_image(product)
    version = etag(shop, product)
    for method, path, body in (
        ("PUT", "", {"title": "x"}),
        ("DELETE", "", None),
        ("POST", "images/", {"images": ["https://a.b/c.jpg"]}),
        ("PUT", "images/", {"images": []}),
        ("PATCH", f"images/{image.pk}/", {"alt": "x"}),
        ("PUT", f"images/{image.pk}/", {"url": "https://a.b/c.jpg"}),
        ("DELETE", f"images/{image.pk}/", None),
    ):
        assert shop.call(method, f"{product.pk}/{path}", body, if_match=known).status_code == 412
    assert etag(shop, product) == version


@pytest.mark.django_db
def test_a_product_may_be_asked_not_to_be_there(shop: Caller) -> None:
    made = shop.put("sku:A/", {"title": "x"}, if_none_match="*")
    assert made.status_code == 201
    assert read(shop.put("sku:A/", {"title": "y"}, if_none_match="*"), 412)["detail"].endswith("to replace it")
    assert read(shop.put("sku:A/", {"title": "y"}, if_none_match=made["ETag"]), 400)["title"] == "Bad Request"
    assert read(shop.put("sku:B/", {"title": "y"}, if_match=made["ETag"]), 412)["detail"].startswith(
        "there is no product"
    )
    assert read(shop.patch("sku:B/", {}, if_match=made["ETag"]), 404)["status"] == 404
    assert Product.objects.get().title == "x"


@pytest.mark.django_db
def test_the_tag_of_an_answer_changes_with_the_answer_and_the_version_alone_counts(shop: Caller) -> None:
    product = make_product(category="Home > Lamps")
    before = etag(shop, product)
    Category.objects.filter(slug="lamps").update(name="Lights")
    after = etag(shop, product)
    assert before != after and before.split(".")[0] == after.split(".")[0]
    assert shop.patch(f"{product.pk}/", {"price": 1}, if_match=before).status_code == 200


def _by_the_admin(product: Product) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("ada"))
    form = {
        "title": "x",
        "sku": product.sku,
        "attributes": "{}",
        "images-TOTAL_FORMS": "0",
        "images-INITIAL_FORMS": "0",
    }
    assert client.post(f"/admin/catalog/product/{product.pk}/change/", form).status_code == 302


def _by_its_actions(product: Product) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("ada"))
    client.post("/admin/catalog/product/", {"action": "unpublish", "_selected_action": [product.pk]})
    assert not Product.objects.get().published


def _by_a_missing_feed(product: Product) -> None:
    first = sources.begin("main")
    sources.name_products(first, {product.pk: None})
    sources.end(first)
    assert sources.hide_missing(sources.begin("main")) == 1


def _by_a_sale(product: Product) -> None:
    assert sales.turn() == 1


def _by_time(product: Product) -> None:
    assert expiry.hide_expired(now=timezone.now() + timedelta(days=2)) == 1


def _by_sql(product: Product) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE catalog_product SET brand = 'x'")


WRITES: list[Callable[[Product], object]] = [
    _by_the_admin,
    _by_its_actions,
    _by_a_missing_feed,
    _by_a_sale,
    _by_time,
    _by_sql,
    lambda product: product.save(),
    lambda product: Category.objects.get().delete(),
    lambda product: add_photo(product=product, data=photo_bytes(9)),
    lambda product: replace_photo(image=product.images.get(), data=photo_bytes(9)),
]


@pytest.mark.django_db
@pytest.mark.parametrize("ahead", [timedelta(), timedelta(minutes=5)], ids=["", "the clock before was ahead"])
@pytest.mark.parametrize("write", WRITES)
def test_every_way_to_write_a_product_raises_its_version(write: Callable[[Product], object], ahead: timedelta) -> None:
    now = timezone.now()
    product = make_product(price=8, list_price=10, sale_price=8, sale_until=now - timedelta(days=1), category="Home")
    make_image(product)
    Product.objects.update(expires_at=now + timedelta(days=1), updated_at=now + ahead)
    before = Product.objects.get()
    write(Product.objects.get())
    assert Product.objects.get().updated_at > before.updated_at


@pytest.mark.django_db
@pytest.mark.parametrize(
    "column", ["price\n12 EUR", "product_type\nHome > Lamp;Sale > Lamp", "image_link\nhttps://a.b/new.jpg"]
)
def test_a_feed_that_changes_anything_raises_it_and_one_that_does_not_leaves_it(tmp_path, column: str) -> None:  # type: ignore[no-untyped-def]
    make_product(sku="A", price=10, category="Home > Lamp")
    name, value = column.split("\n")
    feed = tmp_path / "feed.csv"
    feed.write_text(f"id,title,{name}\nA,Product 1,{value}\nB,Other,{value}\n")
    before = Product.objects.get().updated_at
    for raised in (True, False):
        call_command("import_products", str(feed), verbosity=0)
        now = Product.objects.get(sku="A").updated_at
        assert (now > before) is raised
        before = now


@pytest.mark.django_db(transaction=True)
def test_of_two_writers_who_know_the_same_version_one_writes(shop: Caller) -> None:
    product = make_product(price=1)
    for _ in range(5):
        known = etag(shop, product)
        barrier = threading.Barrier(4)
        found: list[int] = []

        def write(
            price: int, known: str = known, barrier: threading.Barrier = barrier, found: list[int] = found
        ) -> None:
            try:
                barrier.wait(10)
                found.append(Caller().patch(f"{product.pk}/", {"price": price}, if_match=known).status_code)
            finally:
                connection.close()

        price = int(Product.objects.get().price or 0)
        threads = [threading.Thread(target=write, args=[price + number]) for number in range(1, 5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert sorted(found) == [200, 412, 412, 412]


def test_a_version_is_exact_to_the_microsecond() -> None:
    moment = timezone.now().replace(microsecond=1)
    assert version_of(7, moment).endswith("000001")
    assert int(version_of(7, moment + timedelta(microseconds=1))[2:]) == int(version_of(7, moment)[2:]) + 1
