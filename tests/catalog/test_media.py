"""Photos and thumbnails over HTTP, and the storefront's pages."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage
from django.test import Client
from PIL import Image

from catalog.models import ProductImage
from tests.catalog.factories import make_image, make_product, photo_bytes

pytestmark = pytest.mark.django_db


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


def test_a_photo_is_served_as_it_was_uploaded_and_kept_for_ever(client: Client) -> None:
    image = make_image(seed=1)
    response = client.get(image.file.url)
    assert (response.status_code, response["Content-Type"], body(response)) == (200, "image/png", photo_bytes(1))
    assert response["Cache-Control"] == "public, max-age=31536000, immutable"
    assert response["X-Content-Type-Options"] == "nosniff"
    again = client.get(image.file.url, headers={"If-None-Match": response["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "photos/../secret_key",
        "photos/ab/../../secret.png",
        "photos/ab/%2e%2e/secret.png",
        "photos/ab/" + "a" * 64 + ".png",
        "photos/ab/" + "ab" * 32 + ".html",
        "photos/cd/" + "ab" * 32 + ".png",
        "photos/ab/" + "ab" * 32 + ".png%0a",
        "thumbnails/" + "ab" * 32 + ".jpg",
        "thumbnails/../photos/x.jpg",
        "secret.png",
        "",
    ],
)
def test_nothing_else_is_served(client: Client, path: str) -> None:
    default_storage.save("secret.png", ContentFile(b"secret"))
    default_storage.save("photos/ab/" + "ab" * 32 + ".html", ContentFile(b"<script>"))
    response = client.get(f"/media/{path}")
    assert (response.status_code, b"secret" in response.content.replace(path.encode(), b"")) == (404, False)


@pytest.mark.parametrize(("size", "small"), [((1000, 500), (400, 200)), ((300, 900), (133, 400)), ((40, 30), (40, 30))])
def test_a_thumbnail_is_made_once_and_kept(client: Client, size: tuple[int, int], small: tuple[int, int]) -> None:
    image = make_image(size=size)
    url = f"/media/thumbnails/{image.digest}.jpg"
    response = client.get(url)
    picture = Image.open(io.BytesIO(response.content))
    assert (response.status_code, response["Content-Type"], picture.format) == (200, "image/jpeg", "JPEG")
    assert picture.size == small
    assert picture.info.get("progressive") == 1
    assert response["Cache-Control"].endswith("immutable")
    kept = f"thumbnails/{image.digest[:2]}/{image.digest}.jpg"
    assert default_storage.open(kept).read() == response.content
    ProductImage.objects.all().delete()
    assert client.get(url).content == response.content


def test_a_photo_that_cannot_be_decoded_has_no_thumbnail(client: Client) -> None:
    data = photo_bytes(1, size=(200, 200))
    image = make_image(data=data[: len(data) // 2])
    assert client.get(f"/media/thumbnails/{image.digest}.jpg").status_code == 404


def test_pages_are_served_with_a_policy(client: Client) -> None:
    product = make_product()
    for url in ("/", "/?search=x", f"/products/{product.pk}/", "/search/"):
        response = client.get(url)
        assert response.status_code == 200
        assert b'<main id="main">' in response.content
    assert client.get("/favicon.ico")["Location"] == "/static/catalog/icon.svg"
    assert f'data-id="{product.pk}"'.encode() in client.get(f"/products/{product.pk}/").content


@pytest.mark.parametrize("name", ["photos/ab/cd.jpg", "photos/ab/a b#é?.png", "thumbnails/%41.jpg"])
def test_a_photo_has_the_address_that_django_gives_it(name: str) -> None:
    assert default_storage.url(name) == FileSystemStorage().url(name)


def test_the_api_knows_no_session_and_pages_do(client: Client, admin_user: User) -> None:
    client.force_login(admin_user)
    page = client.get("/admin/")
    assert page.status_code == 200 and page.wsgi_request.user == admin_user
    answer = client.get("/api/v1/products/")
    assert answer.status_code == 200 and not hasattr(answer.wsgi_request, "session")
    assert not answer.cookies and "Cookie" not in answer.get("Vary", "")
    assert client.get("/api/docs/").status_code == 200
