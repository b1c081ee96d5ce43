"""Search by photo without scripts, and the lists that scripts ask for: by upload, by URL, narrowed, and what is wrong with a photo."""

from __future__ import annotations

import base64
import io
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from catalog.storefront.port import PhotoFault, PhotoRefused
from tests.catalog.factories import make_image, photo_bytes
from tests.catalog.storefront.html import text_of, titles
from tests.catalog.storefront.searches import KnownSearch, found

pytestmark = pytest.mark.django_db


def photo(name: str = "lamp.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, photo_bytes(3, size=(800, 400)))


def test_a_form_is_answered_with_a_page_that_shows_the_photo_again(search: KnownSearch) -> None:
    client = Client(enforce_csrf_checks=True)
    image = make_image()
    search.found = found((image.product_id, image.pk))
    fields = {
        "image": photo(),
        "category": "lamps",
        "min_price": "",
        "max_price": "30",
        "in_stock": "true",
        "color": "x",
    }
    page = client.post("/search/", fields)
    assert (page.status_code, titles(page), page["Cache-Control"]) == (200, [image.product.title], "no-store")
    assert search.asked == [{"category": ["lamps"], "max_price": ["30"], "in_stock": ["true"], "limit": ["24"]}]
    [shown] = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', page.content.decode())
    assert Image.open(io.BytesIO(base64.b64decode(shown))).size == (640, 320)
    source = page.content.decode()
    assert 'name="max_price" min="0" step="any" inputmode="decimal" value="30"' in source
    assert re.search(r'name="in_stock" value="true"\s+checked', source)
    part = client.post("/search/", {"image": photo(), "crop": "0.1,0.1,0.5,0.5"}, headers={"X-Part": "list"})
    assert (titles(part), b"<html" in part.content, b"data:image" in part.content) == (
        [image.product.title],
        False,
        False,
    )
    assert search.asked[-1]["crop"] == ["0.1,0.1,0.5,0.5"]
    with_preview = client.post("/search/", {"image": photo(), "preview": "1"}, headers={"X-Part": "list"})
    assert b'class="sent-preview" src="data:image/jpeg' in with_preview.content


def test_a_url_is_searched_with(client: Client, search: KnownSearch) -> None:
    image = make_image()
    search.found = found((image.product_id, image.pk))
    page = client.post("/search/url/", {"image_url": "https://shop.example/lamp.jpg", "category": "lamps"})
    assert (page.status_code, titles(page)) == (200, [image.product.title])
    assert 'value="https://shop.example/lamp.jpg"' in page.content.decode()
    for wrong in ("ftp://shop.example/x", "lamp.jpg", "https://" + "x" * 2000):
        refused = client.post("/search/url/", {"image_url": wrong})
        assert (refused.status_code, "There is no photo for us at that address" in text_of(refused)) == (422, True)
    assert client.get("/search/url/")["Location"] == "/search/"
    assert len(search.asked) == 1


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("no_photo", "Choose a photo first"),
        ("not_a_photo", "JPEG, PNG, WebP, AVIF, HEIC, GIF, BMP, TIFF"),
        ("too_large", "That photo is too large"),
        ("unreadable", "The file seems to be damaged"),
        ("bad_address", "not of the page around it"),
        ("not_fetched", "The other site did not answer"),
    ],
)
def test_what_is_wrong_with_a_photo_is_said_in_words(
    client: Client, search: KnownSearch, fault: PhotoFault, words: str
) -> None:
    search.fails = lambda: PhotoRefused(fault)
    for headers in ({}, {"X-Part": "list"}):
        answer = client.post("/search/", {"image": photo()}, headers=headers)
        assert (answer.status_code, words in text_of(answer), "data-list" in answer.content.decode()) == (
            422,
            True,
            True,
        )


def test_an_empty_file_is_no_photo(client: Client, search: KnownSearch) -> None:
    answer = client.post("/search/", {"image": SimpleUploadedFile("x.jpg", b"")})
    assert (answer.status_code, "Choose a photo first" in text_of(answer), search.asked) == (422, True, [])


def test_colours_are_searched_by_links_and_a_form(client: Client, search: KnownSearch) -> None:
    image = make_image()
    search.found = found((image.product_id, image.pk))
    page = client.get("/colors/?hex=c04a1f&hex=%23ffffff")
    assert (page.status_code, titles(page)) == (200, [image.product.title])
    assert search.asked == [{"hex": ["c04a1f", "#ffffff"], "limit": ["24"]}]
    assert "Choose one above." in text_of(client.get("/colors/"))
