"""Photos and thumbnails over HTTP, and the storefront's pages."""

from __future__ import annotations

import errno
import io
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import connection
from django.test import Client
from PIL import Image
from pytest_django import Settings

from catalog.models import ProductImage
from catalog.photos.decoder_pool import decoder_pool
from tests.catalog.factories import make_image, make_product, photo_bytes
from tests.catalog.photos.failing_storage import failing
from tests.catalog.photos.files import many_scans
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


@pytest.mark.parametrize("of", ["photos", "thumbnails"])
def test_pictures_are_kept_for_ever_by_whoever_gets_them(client: Client, of: str) -> None:
    url = f"/media/{of}/{make_image(seed=1).digest}.{'png' if of == 'photos' else 'jpg'}"
    for _ in ("made", "kept"):
        response = client.get(url)
        assert response.status_code == 200 and len(body(response)) == int(response.get("Content-Length", 0))
        assert response["Cache-Control"] == "public, max-age=31536000, immutable"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Access-Control-Allow-Origin"] == "*" and "Origin" not in response.get("Vary", "")
        for given in (response["ETag"], f'W/{response["ETag"]}, "another"', f'"another", {response["ETag"]}', "*"):
            again = client.get(url, headers={"If-None-Match": given})
            assert (again.status_code, body(again), again["ETag"]) == (304, b"", response["ETag"])
            assert again["Cache-Control"] == response["Cache-Control"]
        assert client.get(url, headers={"If-None-Match": '"another"'}).status_code == 200
    gone = url.replace(url.rpartition("/")[2][:64], "ab" * 32)
    missing = client.get(gone, headers={"If-None-Match": "*"})
    assert (missing.status_code, missing["Cache-Control"]) == (404, "no-store")
    assert (refused := client.post(url)).status_code == 405 and refused["Cache-Control"] == "no-store"


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
        "photos/" + "ab" * 32 + ".png",
        "photos/" + "ab" * 32 + ".gif",
        "photos/" + "ab" * 32 + ".png%0a",
        "derivatives/ab/" + "ab" * 32 + ".png",
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
    kept = f"thumbnails/{image.digest[:2]}/{image.digest}.srgb.jpg"
    assert default_storage.open(kept).read() == response.content
    ProductImage.objects.all().delete()
    assert client.get(url).content == response.content


def test_a_thumbnail_made_without_profiles_is_made_again(client: Client) -> None:
    image = make_image(size=(60, 40))
    default_storage.save(f"thumbnails/{image.digest[:2]}/{image.digest}.jpg", ContentFile(b"old"))
    assert client.get(f"/media/thumbnails/{image.digest}.jpg").content.startswith(b"\xff\xd8")


def test_a_photo_that_cannot_be_decoded_has_no_thumbnail(client: Client) -> None:
    data = photo_bytes(1, size=(200, 200))
    image = make_image(data=data[: len(data) // 2])
    assert client.get(f"/media/thumbnails/{image.digest}.jpg").status_code == 404


def test_a_photo_that_takes_too_long_has_no_thumbnail_and_costs_nothing_again(
    client: Client, settings: Settings
) -> None:
    image = make_image(data=many_scans(4992, 98))
    url = f"/media/thumbnails/{image.digest}.jpg"
    decoder_pool().close()
    settings.PHOTO_SECONDS = 0.3
    statuses = [client.get(url).status_code]
    while statuses[-1] == 503 and len(statuses) < 20:  # the machine had no time for it
        statuses.append(client.get(url).status_code)
    assert statuses[-1] == 404
    assert decoder_pool().processes() == []
    settings.PHOTO_SECONDS = 60.0
    assert client.get(url).status_code == 404
    assert decoder_pool().processes() == []


class ReadOnlyStorage(FileSystemStorage):
    """Photos can be read, nothing can be written. Thumbnails are counted."""

    tried: ClassVar[list[str]] = []

    def save(self, name: str | None, content: Any, max_length: int | None = None) -> str:
        self.tried.append(str(name))
        raise OSError(errno.EROFS, "Read-only file system")


def test_a_thumbnail_that_cannot_be_kept_is_served_all_the_same(
    client: Client, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    image = make_image(size=(1000, 500))
    settings.STORAGES = settings.STORAGES | {"default": {"BACKEND": f"{__name__}.ReadOnlyStorage"}}
    answers = [client.get(f"/media/thumbnails/{image.digest}.jpg") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert Image.open(io.BytesIO(answers[2].content)).size == (400, 200)
    assert len(ReadOnlyStorage.tried) == 3
    logged = [record.getMessage() for record in caplog.records if "thumbnail" in record.getMessage()]
    assert len(logged) == 1 and "Read-only file system" in logged[0]


def test_a_thumbnail_that_a_storage_elsewhere_does_not_take_is_served(client: Client, settings: Settings) -> None:
    image = make_image()
    failing(settings, "save", error="Elsewhere")
    assert client.get(f"/media/thumbnails/{image.digest}.jpg").status_code == 200


@pytest.mark.parametrize("error", ["EACCES", "EIO", "Elsewhere"])
def test_photos_of_a_storage_that_is_away_may_be_asked_for_again(
    client: Client, settings: Settings, error: str
) -> None:
    image = make_image()
    failing(settings, "open", error=error)
    for url in (f"/media/thumbnails/{image.digest}.jpg", f"/media/photos/{image.digest}.png"):
        answer = client.get(url)
        assert (answer.status_code, answer["Retry-After"], answer["Cache-Control"]) == (503, "5", "no-store"), url
        assert b"could not be read: " in answer.content and b"secret" not in answer.content


@pytest.mark.django_db(transaction=True)
def test_slow_photos_hold_few_threads(settings: Settings) -> None:
    """While two are decoded others are asked to come back, and what is kept is served."""
    settings.PHOTO_SECONDS = 60.0
    kept = make_image()
    waiting = make_image()
    slow = [make_image(data=many_scans(2496, scans)) for scans in (96, 97)]
    decoder_pool().close()

    def status(image: ProductImage) -> int:
        try:
            return Client().get(f"/media/thumbnails/{image.digest}.jpg").status_code
        finally:
            connection.close()

    assert status(kept) == 200
    decoder_pool().close()
    with ThreadPoolExecutor(2) as threads:
        working = [threads.submit(status, image) for image in slow]
        wait_until(lambda: len(decoder_pool().processes()) == 2, seconds=30, what="two decoders at work")
        stopped = decoder_pool().processes()
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        answer = Client().get(f"/media/thumbnails/{waiting.digest}.jpg")
        assert (answer.status_code, answer["Retry-After"], answer["Cache-Control"]) == (503, "1", "no-store")
        assert b"2 pictures are being made already; try again" in answer.content
        assert status(kept) == 200
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
        assert [each.result(60) for each in working] == [200, 200]
    assert status(waiting) == 200
    decoder_pool().close()


def test_pages_are_served_with_a_policy(client: Client) -> None:
    product = make_product()
    for url in ("/", "/?search=x", f"/products/{product.pk}/", "/search/"):
        response = client.get(url)
        assert response.status_code == 200
        assert b'<main id="main">' in response.content
    assert client.get("/favicon.ico")["Location"] == "/static/catalog/icon.svg"
    assert product.title in client.get(f"/products/{product.pk}/").content.decode()


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
