"""New photos that the catalogue has already: the admin says so at once, with the product, and takes them all the same."""

from __future__ import annotations

import io

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from catalog.models import Product, ProductImage
from catalog.photos import store
from catalog.photos.hashes import picture_hashes
from recommender.models import PhotoHash, Placeholder, PlaceholderFile
from recommender.pictures.hashes import keep
from tests.catalog.admin.test_pages import post
from tests.catalog.factories import make_product, photo_bytes

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("keeper"))
    return client


def encoded(seed: int, quality: int = 90) -> bytes:
    """A photo as a shop's tools write it again: other bytes, the same picture."""
    buffer = io.BytesIO()
    Image.open(io.BytesIO(photo_bytes(seed, size=(320, 240)))).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def upload(data: bytes, name: str = "new.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data)


def shown(seed: int, *, product: Product | None = None, quality: int = 90, **fields: object) -> ProductImage:
    """A photo of the catalogue whose hashes are known."""
    data = encoded(seed, quality)
    kept = store.keep(data)
    image = ProductImage(product=product or make_product(**fields))
    store.name_file(image, kept)
    image.save()
    keep({kept.digest: picture_hashes(Image.open(io.BytesIO(data)).convert("RGB"))})
    return image


def said(staff: Client, product: Product | None, *rows: dict[str, object], **fields: object) -> list[tuple[str, str]]:
    """The level and text of what the admin says once it has saved the product, but for that it has."""
    staff.cookies.pop("messages", None)  # those of an earlier form, which no page has shown
    response = post(staff, product, *rows, **fields)
    assert response.status_code == 302
    told = [(one.level_tag, str(one.message)) for one in get_messages(response.wsgi_request)]
    return [one for one in told if one[0] != "success"]


def link(product: Product) -> str:
    return f'<a href="/admin/catalog/product/{product.pk}/change/">{product.title} ({product.sku})</a>'


def test_the_same_file_is_named_with_its_product_and_goes_in(staff: Client) -> None:
    first, second = shown(1, title="Red & <b>bold</b>"), shown(1)
    product = make_product()
    assert said(staff, product, {"file": upload(encoded(1))}) == [
        (
            "warning",
            "new.jpg is the same file as a photo of "
            f'<a href="/admin/catalog/product/{first.product_id}/change/">Red &amp; &lt;b&gt;bold&lt;/b&gt; ({first.product.sku})</a>'
            " and 1 other product.",
        )
    ]
    assert list(product.images.values_list("digest", flat=True)) == [second.digest]


def test_a_photo_that_looks_the_same_is_named_and_another_is_not(staff: Client) -> None:
    image = shown(1)
    product = make_product()
    new_photos = [upload(encoded(1, 60), "worse.jpg"), upload(encoded(2), "other.jpg")]
    assert said(staff, product, new_photos=new_photos) == [
        ("warning", f"worse.jpg looks the same as a photo of {link(image.product)}.")
    ]
    assert product.images.count() == 2


def test_a_new_product_and_the_next_upload_are_compared_at_once(staff: Client) -> None:
    """No worker has seen the first photo when the second comes."""
    assert said(staff, None, {"file": upload(encoded(3))}) == []
    first = Product.objects.get(sku="new")
    assert PhotoHash.objects.count() == 1
    [(level, text)] = said(staff, make_product(), {"file": upload(encoded(3, 70))})
    assert (level, text) == ("warning", f"new.jpg looks the same as a photo of {link(first)}.")


def test_a_variant_is_told_of_mildly_and_another_product_first(staff: Client) -> None:
    product = make_product(group="g")
    variant = shown(1, product=make_product(group="g"))
    assert said(staff, product, {"file": upload(encoded(1))}, group="g") == [
        ("info", f"new.jpg is the same file as a photo of its variant {link(variant.product)}.")
    ]
    stranger = shown(1)
    [(level, text)] = said(staff, make_product(group="g"), {"file": upload(encoded(1))}, group="g")
    assert (level, text) == ("warning", f"new.jpg is the same file as a photo of {link(stranger.product)}.")


def test_a_product_is_told_of_a_photo_that_looks_like_its_own(staff: Client) -> None:
    image = shown(1)
    assert said(staff, image.product, new_photos=[upload(encoded(1, 60))]) == [
        ("warning", "new.jpg looks the same as a photo of this product.")
    ]
    assert said(staff, image.product) == []


def test_a_placeholder_is_called_one(staff: Client) -> None:
    image = shown(1)
    placeholder = Placeholder.objects.create(digest=image.digest, groups=30, found=True)
    PlaceholderFile.objects.create(digest=image.digest, placeholder=placeholder)
    told = "; it is neither searched by nor found."
    assert said(staff, make_product(), {"file": upload(encoded(1))}) == [
        ("warning", f"new.jpg is the placeholder of {link(image.product)}{told}")
    ]
    [(_, text)] = said(staff, make_product(), {"file": upload(encoded(1, 60))})
    assert text == f"new.jpg looks the same as the placeholder of {link(image.product)} and 1 other product{told}"


def test_a_photo_that_cannot_be_read_is_an_error_and_nothing_is_said(staff: Client) -> None:
    shown(1)
    response = post(staff, make_product(), {"file": upload(b"no photo")})
    assert response.status_code == 200 and not list(get_messages(response.wsgi_request))
