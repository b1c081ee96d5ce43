"""Photos that are stored while a product's page is open, each by a request of its own."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.storage import default_storage
from django.test import Client
from PIL import Image

from catalog.models import Product, ProductImage
from catalog.photos import store
from tests.catalog.admin.test_pages import form_of, upload
from tests.catalog.factories import make_image, make_product, photo_bytes

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("boss", password="x"))
    return client


def add(client: Client, product: Product, **sent: Any) -> Any:
    return client.post(f"/admin/catalog/product/{product.pk}/photos/", sent)


def digest(seed: int) -> str:
    return store.describe(photo_bytes(seed)).digest


def test_a_file_is_stored_at_once_and_its_card_belongs_to_the_form(staff: Client) -> None:
    image = make_image(seed=1)
    product = image.product
    answer = add(staff, product, photo=upload(2))
    assert answer.status_code == 200
    new = ProductImage.objects.get(product=product, digest=digest(2))
    assert new.position == 1
    card = answer.json()["card"].replace("__place__", "1")
    assert f'data-image="{new.pk}"' in card and f"/media/thumbnails/{new.digest}.jpg" in card
    fields = dict(re.findall(r'name="(images-1-[a-z]+)"(?: value="(\d+)")?', card, re.IGNORECASE))
    assert fields["images-1-id"] == str(new.pk) and {"images-1-alt", "images-1-position", "images-1-file"} <= set(
        fields
    )
    # The form, as the page sends it with the card in it: both photos change places, and the new one has a text.
    form = form_of(product)
    form |= {"images-0-position": 1, "images-1-position": 0, "images-1-alt": "new"}
    assert staff.post(f"/admin/catalog/product/{product.pk}/change/", form).status_code == 302
    assert [(one.pk, one.alt) for one in product.images.all()] == [(new.pk, "new"), (image.pk, "")]


def test_what_is_wrong_with_a_file_is_said_of_it_and_nothing_is_stored(staff: Client) -> None:
    product = make_image(seed=1).product
    bad = add(staff, product, photo=upload(data=b"plain text", name="notes.txt"))
    assert bad.status_code == 422
    assert bad.json()["error"].startswith("the file is not a photo")
    twice = add(staff, product, photo=upload(1))
    assert (twice.status_code, twice.json()["error"]) == (
        422,
        "the same file is already a photo of this product; choose another",
    )
    none = add(staff, product)
    assert (none.status_code, none.json()["error"]) == (422, "No file was sent; choose one.")
    assert product.images.count() == 1


def test_a_photo_by_url_is_added_once_and_private_addresses_are_refused(staff: Client) -> None:
    product = make_product()
    url = "https://shop.example/a.jpg"
    assert add(staff, product, url=url).status_code == 200
    assert list(product.images.values_list("source_url", "digest")) == [(url, "")]
    twice = add(staff, product, url=url)
    assert (twice.status_code, twice.json()["error"]) == (422, "The product has a photo from this URL already.")
    inside = add(staff, product, url="http://127.0.0.1/a.jpg")
    assert inside.status_code == 422 and inside.json()["error"].endswith("give the photo's public address")


def test_a_photo_is_replaced_in_its_place(staff: Client) -> None:
    image = make_image(seed=1, alt="front")
    url = f"/admin/catalog/product/{image.product_id}/photos/{image.pk}/"
    assert staff.post(url, {"photo": upload(data=b"no photo")}).status_code == 422
    image.refresh_from_db()
    assert image.digest == digest(1)
    answer = staff.post(url, {"photo": upload(2)})
    assert answer.status_code == 200 and 'name="images-__place__-alt" value="front"' in answer.json()["card"]
    image.refresh_from_db()
    assert (image.digest, image.alt) == (digest(2), "front")
    of_another = f"/admin/catalog/product/{make_product().pk}/photos/{image.pk}/"
    assert staff.post(of_another, {"photo": upload(3)}).status_code == 404


def test_a_photo_of_a_product_to_come_is_kept_under_a_token(staff: Client) -> None:
    answer = staff.post("/admin/catalog/product/photos/keep/", {"photo": upload(1, name="front.png")})
    assert answer.status_code == 200 and not ProductImage.objects.exists()
    [token] = re.findall(r'name="kept_photos" value="([^"]+)"', answer.json()["card"])
    [picture] = re.findall(r'<img src="([^"]+)"', answer.json()["card"])
    shown = staff.get(picture)
    assert shown["Content-Type"] == "image/jpeg" and Image.open(io.BytesIO(shown.content)).size == (64, 48)
    assert staff.get(picture.replace(token, "forged")).status_code == 404
    form = form_of(None, kept_photos=[token])
    assert staff.post("/admin/catalog/product/add/", form).status_code == 302
    assert list(Product.objects.get().images.values_list("digest", flat=True)) == [digest(1)]


def test_every_one_of_these_needs_the_right_to(client: Client) -> None:
    image = make_image()
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_product", content_type__app_label="catalog"))
    client.force_login(clerk)
    before = {name for name in default_storage.listdir("photos")[0]}
    for where in (
        "photos/keep/",
        f"{image.product_id}/photos/",
        f"{image.product_id}/photos/{image.pk}/",
        "bulk/unpack/",
    ):
        assert client.post(f"/admin/catalog/product/{where}", {"photo": upload(7)}).status_code == 403
    assert client.get("/admin/catalog/product/bulk/").status_code == 403
    assert {name for name in default_storage.listdir("photos")[0]} == before
    assert client.get(f"/admin/catalog/product/{image.product_id}/change/").status_code == 200


def rows(*pairs: tuple[str, str, str]) -> dict[str, list[str]]:
    """Attribute rows as the form sends them."""
    return {
        f"attributes-{part}": [row[number] for row in pairs] for number, part in enumerate(("name", "value", "was"))
    }


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (rows(("colour", "red", ""), ("", "lost", "")), {"colour": "red"}),
        (rows(("size", "42", "41")), {"size": 42}),
        (rows(("size", "42", '"41"')), {"size": "42"}),
        (rows(("size", "large", "41")), {"size": "large"}),
        (rows(("size", "42", "")), {"size": "42"}),
        (rows(("new", "false", "true")), {"new": False}),
        (rows(("tag", "a", ""), ("tag", "b", "")), {"tag": ["a", "b"]}),
        (rows(("tag", "a", '["a"]')), {"tag": ["a"]}),
        (rows(("tag", "7", "[6]"), ("tag", "8", "[8]")), {"tag": [7, 8]}),
        (rows(("tag", "", '[""]')), {"tag": []}),
        (rows(), {}),
    ],
)
def test_rows_become_attributes_of_the_kind_they_had(staff: Client, sent: dict[str, Any], kept: dict[str, Any]) -> None:
    product = make_product(attributes={"gone": "x"})
    form = form_of(product) | sent
    del form["attributes"]
    form["attributes-rows"] = "1"
    assert staff.post(f"/admin/catalog/product/{product.pk}/change/", form).status_code == 302
    product.refresh_from_db()
    assert product.attributes == kept


def test_attributes_go_through_the_page_unchanged(staff: Client) -> None:
    kept = {"colour": "red", "size": 42, "new": True, "tags": ["a", 7], "one": ["x"], "none": [], "text": "42"}
    product = make_product(attributes=kept)
    page = staff.get(f"/admin/catalog/product/{product.pk}/change/").content.decode()
    inputs = re.findall(r'name="(attributes-\w+)" value="([^"]*)"', page)
    form = form_of(product)
    del form["attributes"]
    for name, value in inputs:
        form.setdefault(name, []).append(value.replace("&quot;", '"'))
    assert staff.post(f"/admin/catalog/product/{product.pk}/change/", form).status_code == 302
    product.refresh_from_db()
    assert product.attributes == kept
