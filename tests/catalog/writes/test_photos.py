"""Photos of a product by the API: uploads, URLs, their order, and one of them replaced, edited or removed."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django.test import Client
from PIL import Image
from pytest_django import Settings

from catalog.models import PhotoOrigin, Product, ProductImage
from catalog.photos import store
from catalog.photos.store import digest_of
from catalog.photos.sweep import sweep_files
from tests.catalog.conftest import Heard
from tests.catalog.factories import make_image, make_product, photo_bytes
from tests.catalog.photos.failing_storage import FailingStorage
from tests.catalog.writes.keys import Caller, read

pytestmark = pytest.mark.django_db
URLS = ["https://shop.example/a.jpg", "https://shop.example/b.jpg"]


@pytest.fixture
def product(heard: Heard) -> Product:
    return make_product(sku="A")


def ids(product: Product) -> list[int]:
    return list(product.images.order_by("position", "id").values_list("pk", flat=True))


def test_uploads_are_put_last_with_their_texts(shop: Caller, product: Product, heard: Heard) -> None:
    there = make_image(product, position=4)
    heard.clear()
    response = shop.upload("POST", "sku:A/images/", photo_bytes(101), photo_bytes(102), alt=["Front", ""])
    results = read(response, 201)["results"]
    assert [one["status"] for one in results] == [201, 201]
    first, second = (ProductImage.objects.get(pk=one["image"]["id"]) for one in results)
    assert ids(product) == [there.pk, first.pk, second.pk]
    assert [(one.position, one.alt, one.digest) for one in (first, second)] == [
        (5, "Front", digest_of(photo_bytes(101))),
        (6, "", digest_of(photo_bytes(102))),
    ]
    assert results[0]["image"] == {
        **{
            "id": first.pk,
            "url": f"/media/photos/{first.digest}.png",
            "thumbnail": f"/media/thumbnails/{first.digest}.jpg",
        },
        **{"width": 64, "height": 48, "position": 5, "alt": "Front", "source_url": ""},
    }
    assert default_storage.exists(str(first.file))
    assert (heard.stored, heard.changed) == ([([first.pk, second.pk], "upload")], [([product.pk], False)])


def test_more_files_than_a_form_may_have(shop: Caller, product: Product, caplog: pytest.LogCaptureFixture) -> None:
    """It is the caller's mistake: they hear of the bound, and the log, which they could fill, nothing."""
    refused = read(shop.upload("POST", "sku:A/images/", *[b"x"] * 101), 400)
    assert refused["detail"] == "a form may have 100 files; send the others in another request"
    query = "&".join(f"a{number}=1" for number in range(1001))
    assert read(shop.call("GET", f"?{query}"), 400)["detail"] == "a query or form may have 1000 fields; send fewer"
    assert not caplog.records


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "0", "10.0.0.1", "169.254.169.254", "[::1]", "[::ffff:7f00:1]"],
)
def test_an_address_that_is_not_public_is_refused_at_once(shop: Caller, product: Product, host: str) -> None:
    """Nobody's name has to be asked for to see it. What a name leads to is judged by the worker that fetches."""
    problem = read(shop.post("sku:A/images/", {"images": [URLS[0], f"http://{host}/x.jpg"]}), 400)
    assert problem["parameter"] == "images/1/url" and "is not at a public address" in problem["detail"]
    assert not ProductImage.objects.exists()


def test_photos_behind_the_largest_position(shop: Caller, product: Product) -> None:
    """They come by id there, so that new ones are last all the same."""
    there = make_image(product, position=0)
    assert read(shop.patch(f"sku:A/images/{there.pk}/", {"position": 2**31 - 1}), 200)["position"] == 2**31 - 1
    (upload,) = read(shop.upload("POST", "sku:A/images/", photo_bytes(101)), 201)["results"]
    (by_url,) = read(shop.post("sku:A/images/", {"images": URLS[:1]}), 201)["results"]
    by_hand = store.add_photo(product=product, data=photo_bytes(102))
    assert ids(product) == [there.pk, upload["image"]["id"], by_url["image"]["id"], by_hand.pk]


def test_one_bad_photo_keeps_the_others_not_out(shop: Caller, product: Product) -> None:
    broken = photo_bytes(3, format="JPEG", size=(400, 300))[:-3000]
    results = read(shop.upload("POST", "sku:A/images/", b"no photo", photo_bytes(1), broken), 207)["results"]
    assert [one["status"] for one in results] == [415, 201, 422]
    assert results[0]["problem"]["reason"] == "not_an_image" and results[2]["problem"]["reason"] == "truncated"
    assert ids(product) == [results[1]["image"]["id"]]


def test_a_single_bad_photo_is_the_answer(shop: Caller, product: Product, settings: Settings) -> None:
    assert read(shop.upload("POST", "sku:A/images/", b"no photo"), 415)["reason"] == "not_an_image"
    settings.MAX_PHOTO_BYTES = 100
    assert read(shop.upload("POST", "sku:A/images/", photo_bytes(1)), 413)["reason"] == "too_large"
    assert not ProductImage.objects.exists()


def test_an_upload_may_be_sent_again(shop: Caller, product: Product, heard: Heard) -> None:
    """The answer to the first was lost: the photo is there once."""
    made = read(shop.upload("POST", "sku:A/images/", photo_bytes(1), photo_bytes(1)), 201)["results"]
    assert [one["status"] for one in made] == [201, 200] and made[0]["image"] == made[1]["image"]
    heard.clear()
    version = Product.objects.get().updated_at
    again = read(shop.upload("POST", "sku:A/images/", photo_bytes(1)), 201)["results"]
    assert [(one["status"], one["image"]) for one in again] == [(200, made[0]["image"])]
    assert (heard.stored, heard.changed, Product.objects.get().updated_at) == ([], [], version)


def test_urls_are_added_once(shop: Caller, product: Product, heard: Heard) -> None:
    heard.clear()
    body = {"images": [URLS[0], {"url": URLS[1], "alt": "Back"}]}
    for statuses in ([201, 201], [200, 200]):
        results = read(shop.post("sku:A/images/", body), 201)["results"]
        assert [one["status"] for one in results] == statuses
        assert [one["image"]["source_url"] for one in results] == URLS
    assert heard.stored == [(ids(product), "upload")]
    assert [one["image"]["alt"] for one in results] == ["", "Back"]


def test_the_whole_list_in_its_order(shop: Caller, product: Product, heard: Heard) -> None:
    first, second, third = (make_image(product) for _ in range(3))
    heard.clear()
    body = {"images": [third.pk, URLS[0], {"id": first.pk, "alt": "Front"}]}
    told = read(shop.put("sku:A/images/", body), 200)["images"]
    new = ProductImage.objects.get(source_url=URLS[0])
    assert [one["id"] for one in told] == ids(product) == [third.pk, new.pk, first.pk]
    assert [(one["position"], one["alt"]) for one in told] == [(0, ""), (1, ""), (2, "Front")]
    assert heard.stored == [([new.pk], "upload")] and heard.changed == [([product.pk], True)]
    assert not ProductImage.objects.filter(pk=second.pk).exists()
    heard.clear()
    assert [one["id"] for one in read(shop.put("sku:A/images/", {"images": told}), 200)["images"]] == ids(product)
    assert (heard.stored, heard.changed) == ([], [])
    assert read(shop.put("sku:A/images/", {"images": []}), 200)["images"] == []


def test_a_photo_that_a_feed_was_about_to_replace_stays_where_it_is_named(shop: Caller, product: Product) -> None:
    image = make_image(product)
    awaited = ProductImage.objects.create(product=product, source_url=URLS[0], position=1)
    ProductImage.objects.filter(pk=image.pk).update(successor=awaited)
    read(shop.put("sku:A/images/", {"images": [image.pk, awaited.pk]}), 200)
    assert ProductImage.objects.get(pk=image.pk).successor_id is None


def test_one_photo_is_edited(shop: Caller, product: Product, heard: Heard) -> None:
    image, other = make_image(product), make_image(product)
    heard.clear()
    told = read(shop.patch(f"sku:A/images/{image.pk}/", {"alt": "Cafe\u0301", "position": 7}), 200)
    assert (told["id"], told["alt"], told["position"]) == (image.pk, "Caf\u00e9", 7)
    assert ids(product) == [other.pk, image.pk]
    assert heard.stored == [] and heard.changed == [([product.pk], False)]
    problem = read(shop.patch(f"sku:A/images/{image.pk}/", {"alt": 7, "position": -1, "file": "x"}), 400)
    assert [error["parameter"] for error in problem["errors"]] == ["file", "alt", "position"]


def test_one_photo_is_replaced_by_an_upload(shop: Caller, product: Product, heard: Heard) -> None:
    image, other = make_image(product, alt="Front"), make_image(product)
    heard.clear()
    told = read(shop.upload("PUT", f"sku:A/images/{image.pk}/", photo_bytes(900, size=(80, 60))), 200)
    image.refresh_from_db()
    assert image.digest == digest_of(photo_bytes(900, size=(80, 60)))
    assert (told["id"], told["alt"], told["width"], told["url"]) == (
        image.pk,
        "Front",
        80,
        f"/media/photos/{image.digest}.png",
    )
    assert heard.stored == [([image.pk], "upload")] and heard.changed == [([product.pk], True)]
    with default_storage.open(str(other.file)) as file:
        assert read(shop.upload("PUT", f"sku:A/images/{image.pk}/", file.read()), 409)["reason"] == "duplicate"
    assert read(shop.upload("PUT", f"sku:A/images/{image.pk}/", b"x"), 415)["reason"] == "not_an_image"
    assert (
        read(shop.upload("PUT", f"sku:A/images/{image.pk}/", photo_bytes(5), photo_bytes(6)), 400)["parameter"]
        == "image"
    )


def test_one_photo_is_replaced_by_a_url_and_shown_until_it_is_fetched(
    shop: Caller, product: Product, heard: Heard
) -> None:
    image = make_image(product)
    heard.clear()
    told = read(shop.put(f"sku:A/images/{image.pk}/", {"url": URLS[0]}), 200)
    assert (told["source_url"], told["url"]) == (URLS[0], f"/media/photos/{image.digest}.png")
    origin = PhotoOrigin.objects.get(image=image)
    assert origin.due_at is not None and origin.whole
    assert shop.call("GET", "sku:A/").status_code == 200
    awaited = ProductImage.objects.create(product=product, source_url=URLS[1])
    assert read(shop.put(f"sku:A/images/{awaited.pk}/", {"url": URLS[0]}), 409)["status"] == 409
    heard.clear()
    read(shop.put(f"sku:A/images/{awaited.pk}/", {"url": "https://shop.example/c.jpg"}), 200)
    assert heard.stored == [([awaited.pk], "upload")]


def test_one_photo_is_removed(shop: Caller, product: Product, heard: Heard) -> None:
    image, other = make_image(product), make_image(product)
    heard.clear()
    assert shop.delete(f"sku:A/images/{image.pk}/").status_code == 204
    assert ids(product) == [other.pk] and heard.changed == [([product.pk], True)]


@pytest.mark.parametrize(("method", "body"), [("PATCH", {"alt": "x"}), ("PUT", {"url": URLS[0]}), ("DELETE", None)])
def test_a_photo_of_another_product_is_none_of_this_ones(
    shop: Caller, product: Product, method: str, body: Any
) -> None:
    other = make_image()
    for image in (other.pk, 2**64):
        problem = read(shop.call(method, f"sku:A/images/{image}/", body), 404)
        assert problem["detail"] == f"product {product.pk} has no photo {image}"
    assert read(shop.call(method, f"77/images/{other.pk}/", body), 404)["detail"] == "there is no product 77"
    assert ProductImage.objects.get().pk == other.pk


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({}, "images"),
        ({"images": []}, "images"),
        ({"images": [7]}, "images/0/id"),
        ({"images": [{"id": 7, "url": URLS[0]}]}, "images/0/id"),
        ({"images": ["http://user:x@a.b/"]}, "images/0/url"),
        ({"images": [{"url": URLS[0], "alt": "x" * 501}]}, "images/0/alt"),
        ({"images": URLS, "x": 1}, "x"),
    ],
)
def test_lists_that_are_none(shop: Caller, product: Product, body: Any, parameter: str) -> None:
    assert read(shop.post("sku:A/images/", body), 400)["parameter"] == parameter
    assert not ProductImage.objects.exists()


@pytest.mark.parametrize(
    ("form", "parameter"),
    [
        ({"name": "photo"}, "photo"),
        ({"alt": ["a", "b"]}, "alt"),
        ({"alt": ["x" * 501]}, "alt"),
        ({"alt": ["\0"]}, "alt"),
    ],
)
def test_forms_that_are_none(shop: Caller, product: Product, form: dict[str, Any], parameter: str) -> None:
    assert read(shop.upload("POST", "sku:A/images/", photo_bytes(1), **form), 400)["parameter"] == parameter
    assert read(shop.upload("POST", "sku:A/images/"), 400)["parameter"] == "image"


def test_a_form_that_breaks_off(product: Product) -> None:
    client = Client()
    for method in ("POST", "PUT"):
        path = "sku:A/images/" if method == "POST" else "sku:A/images/1/"
        response = client.generic(
            method,
            f"/api/v1/products/{path}",
            b"--x",
            "multipart/form-data; boundary=",
            headers={"Authorization": "Bearer lk_sec_test"},
        )
        assert response.status_code == 400


def test_files_that_the_sweep_removed_meanwhile_are_stored_again(
    shop: Caller, product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sweep comes exactly between the files and the transaction that names them."""
    hold, removed = store.hold, list[int]()

    def sweep_then_hold(kept: Any) -> Any:
        if len(removed) < 2:
            removed.append(sweep_files(grace_seconds=-60).removed)
        return hold(kept)

    monkeypatch.setattr(store, "hold", sweep_then_hold)
    results = read(shop.upload("POST", "sku:A/images/", photo_bytes(1), b"x", photo_bytes(2)), 207)["results"]
    assert [one["status"] for one in results] == [201, 415, 201] and removed == [2, 2]
    assert [default_storage.exists(str(image.file)) for image in product.images.all()] == [True, True]
    removed.clear()
    image = results[0]["image"]["id"]
    read(shop.upload("PUT", f"sku:A/images/{image}/", photo_bytes(3)), 200)
    assert removed[0] > 0 and default_storage.exists(str(ProductImage.objects.get(pk=image).file))


@pytest.mark.django_db(transaction=True)
def test_photos_are_judged_and_stored_outside_the_transaction(
    shop: Caller, product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep, inside = store.keep, list[bool]()

    def watched(*args: Any) -> Any:
        inside.append(connection.in_atomic_block)
        return keep(*args)

    monkeypatch.setattr(store, "keep", watched)
    image = read(shop.upload("POST", "sku:A/images/", photo_bytes(1), photo_bytes(2)), 201)["results"][0]["image"]["id"]
    read(shop.upload("PUT", f"sku:A/images/{image}/", photo_bytes(3)), 200)
    assert inside == [False] * 3


def test_a_product_has_at_most_a_hundred_photos(shop: Caller, product: Product) -> None:
    ProductImage.objects.bulk_create(
        ProductImage(product=product, source_url=f"https://a.b/{number}.jpg", position=number) for number in range(99)
    )
    assert (
        read(shop.post("sku:A/images/", {"images": URLS}), 400)["detail"]
        == "images: a product may have 100 photos; this one has 99"
    )
    assert read(shop.post("sku:A/images/", {"images": URLS[:1]}), 201)["results"][0]["status"] == 201
    assert read(shop.post("sku:A/images/", {"images": URLS[:1]}), 201)["results"][0]["status"] == 200
    assert ProductImage.objects.count() == 100


def test_a_storage_that_is_away_is_told_and_nothing_is_written(
    shop: Caller, product: Product, settings: Settings
) -> None:
    settings.STORAGES = settings.STORAGES | {
        "default": {"BACKEND": f"{FailingStorage.__module__}.FailingStorage", "OPTIONS": {"at": ["save"]}}
    }
    response = shop.upload("POST", "sku:A/images/", photo_bytes(1))
    assert response.status_code == 503 and response["Retry-After"]
    assert not ProductImage.objects.exists()


def test_a_phones_photo_is_taken(shop: Caller, product: Product) -> None:
    """Turned by its EXIF: width and height are those of the upright photo."""
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 30), "red").save(buffer, "JPEG", exif=exif)
    image = read(shop.upload("POST", "sku:A/images/", buffer.getvalue()), 201)["results"][0]["image"]
    assert (image["width"], image["height"]) == (30, 40)
