"""Addresses in answers: under PUBLIC_URL where that is set, else as they were asked for."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import Settings

from catalog.checks.addresses import origins_are_origins, public_url_is_an_address
from tests.catalog.factories import make_image, make_product

SHOP = "https://shop.example.com"


@pytest.mark.django_db
def test_photos_and_pages_are_where_the_public_finds_them(client: Client, settings: Settings) -> None:
    image = make_image(make_product(title="Hat"))
    make_image(make_product(title="Hat"))
    url = f"/api/v1/products/{image.product_id}/"
    (shown,) = client.get(url).json()["images"]
    assert shown["url"] == f"/media/photos/{image.digest}.png"
    assert shown["thumbnail"] == f"/media/thumbnails/{image.digest}.jpg"
    first = "/api/v1/products/?page_size=1&search=hat"
    assert client.get(first).json()["next"] == f"http://testserver{first}&page=2"
    settings.PUBLIC_URL = SHOP
    (public,) = client.get(url).json()["images"]
    assert public == shown | {"url": SHOP + shown["url"], "thumbnail": SHOP + shown["thumbnail"]}
    assert client.get(first).json()["next"] == f"{SHOP}{first}&page=2"
    assert client.get(f"{first}&page=2").json()["previous"] == f"{SHOP}{first}&page=1"
    assert client.get(shown["url"]).status_code == 200


@pytest.mark.django_db
def test_the_admin_shows_photos_under_its_own_address(admin_client: Client, settings: Settings) -> None:
    """It may be open in a private network alone, where the public address leads elsewhere."""
    settings.PUBLIC_URL = SHOP
    image = make_image()
    for url in ("/admin/catalog/product/", f"/admin/catalog/product/{image.product_id}/change/"):
        page = admin_client.get(url).content.decode()
        assert f'src="/media/thumbnails/{image.digest}.' in page
        assert SHOP not in page
    assert f'href="/media/photos/{image.digest}.png"' in page  # the form opens it in full size


@pytest.mark.parametrize("given", ["", SHOP, "http://10.0.0.7:8000", f"{SHOP}/looks", "https://[::1]:8443"])
def test_an_address_is_taken(settings: Settings, given: str) -> None:
    settings.PUBLIC_URL = given
    assert public_url_is_an_address() == []


@pytest.mark.parametrize(
    "given",
    [
        *("shop.example.com", "//shop.example.com", "ftp://shop.example.com", "https://", "https://a b", f"{SHOP}?a=1"),
        *(
            "https://user@shop.example.com",
            f"{SHOP}#top",
            "https://shop.example.com:port",
            'https://a"b',
            "https://käse.example",
        ),
    ],
)
def test_what_is_no_address_is_named(settings: Settings, given: str) -> None:
    settings.PUBLIC_URL = given
    (error,) = public_url_is_an_address()
    assert (error.id, error.msg) == (
        "catalog.E001",
        f"PUBLIC_URL is {given!r}, and addresses in answers begin with it; write it like https://shop.example.com, or leave it"
        " out",
    )


def test_origins_are_written_as_browsers_send_them(settings: Settings) -> None:
    settings.CORS_ORIGINS = [SHOP, "http://localhost:3000", "https://[::1]:8443"]
    assert origins_are_origins() == []
    wrong = [
        "*",
        "null",
        "shop.example.com",
        f"{SHOP}/",
        f"{SHOP}:443",
        "http://a.example:80",
        "https://Shop.example.com",
    ]
    settings.CORS_ORIGINS = [SHOP, *wrong]
    errors = origins_are_origins()
    assert [(error.id, error.msg.partition(",")[0]) for error in errors] == [
        ("catalog.E002", f"CORS_ORIGINS has {origin!r}") for origin in wrong
    ]
