"""ETags, what names them, and what callers are told of keeping answers."""

from __future__ import annotations

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from pytest_django import Settings

from catalog.caching import ETAG_BYTES, NOT_STORED, REVALIDATED, etag_of, is_named, kept_as, public
from catalog.models import Product
from tests.catalog.factories import make_image, make_product

TOLD = ("ETag", "Cache-Control")


def test_only_the_time_that_an_answer_took_does_not_count() -> None:
    answer = (
        b'{"status":"ready","space":"a \\"took_ms\\":1,","exact":false,"fallback":null,"took_ms":%s,"results":[%s]}'
    )
    etag = etag_of(answer % (b"12.345", b'{"took_ms":1}'))
    assert len(etag) == ETAG_BYTES and etag.startswith('W/"') and etag.endswith('"')
    for number in (b"0.1", b"1e-05", b"7"):
        assert etag_of(answer % (number, b'{"took_ms":1}')) == etag
    assert etag_of(answer % (b"12.345", b'{"took_ms":2}')) != etag
    assert etag_of(b'{"results":[{"took_ms":1}]}') != etag_of(b'{"results":[{"took_ms":2}]}')
    assert etag_of(b'{"a":{},"took_ms":1}') != etag_of(b'{"b":{},"took_ms":1}')
    assert etag_of(b"") != etag_of(b"{}")


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (None, False),
        ("", False),
        ("*", True),
        ('W/"abc"', True),
        ('"abc"', True),
        ('"x", W/"abc" , "y"', True),
        ('W/"x","y"', False),
        ('"ABC"', False),
        ("abc", False),
        ('"abc', False),
    ],
)
def test_what_names_an_etag(given: str | None, named: bool) -> None:
    assert is_named('W/"abc"', given) is named
    assert is_named('"abc"', given) is named


def asked(cache_control: str, method: str = "GET", status: int = 200, etag: str = "", **headers: str) -> HttpResponse:
    def view(request: HttpRequest) -> HttpResponse:
        response = HttpResponse(b'{"took_ms":1}', status=status, headers={"Vary": "Accept", "X-Own": "1"})
        if etag:
            response["ETag"] = etag
        return response

    response = kept_as(cache_control)(view)(RequestFactory().generic(method, "/", headers=headers))
    assert isinstance(response, HttpResponse)
    return response


def test_who_has_an_answer_is_not_given_it_again() -> None:
    first = asked(REVALIDATED)
    assert (first.status_code, first["Cache-Control"]) == (200, "private, no-cache")
    for method in ("GET", "HEAD"):
        again = asked(REVALIDATED, method, if_none_match=first["ETag"])
        assert (again.status_code, again.content) == (304, b"")
        assert dict(again.items()) == {"ETag": first["ETag"], "Cache-Control": "private, no-cache", "Vary": "Accept"}
    assert asked(REVALIDATED, if_none_match="*").status_code == 304
    assert asked(REVALIDATED, if_none_match='"other"').status_code == 200


def test_the_answer_to_a_post_has_no_etag_and_is_never_304() -> None:
    answer = asked(REVALIDATED, "POST", if_none_match="*")
    assert (answer.status_code, answer["Cache-Control"], "ETag" in answer) == (200, "private, no-cache", False)


def test_what_is_not_stored_and_what_is_no_good_answer_has_no_etag() -> None:
    answer = asked(NOT_STORED, if_none_match="*")
    assert (answer.status_code, answer["Cache-Control"], "ETag" in answer) == (200, "no-store", False)
    answer = asked(REVALIDATED, status=404, if_none_match="*")
    assert (answer.status_code, [name for name in TOLD if name in answer]) == (404, [])


@pytest.mark.parametrize("name", ["authorization", "x_api_key"])
def test_what_is_public_is_private_to_who_sends_a_key(name: str) -> None:
    assert asked(public(60))["Cache-Control"] == "public, max-age=60"
    assert asked(public(60), **{name: "lk_pub_1"})["Cache-Control"] == "private, max-age=60"


def test_an_etag_of_the_view_stays() -> None:
    assert asked(REVALIDATED, etag='"7-1234"', if_none_match='"7-1233"')["ETag"] == '"7-1234"'
    again = asked(REVALIDATED, etag='"7-1234"', if_none_match='W/"7-1234"')
    assert (again.status_code, again["ETag"]) == (304, '"7-1234"')


@pytest.mark.django_db
def test_products_are_asked_for_again_and_sent_when_they_changed(client: Client) -> None:
    product = make_product(title="Hat")
    make_image(product)
    one = f"/api/v1/products/{product.pk}/"
    for url in ("/api/v1/products/", one, "/api/v1/products/?search=hat&page_size=1"):
        first = client.get(url)
        assert first["Cache-Control"] == "private, no-cache" and first["ETag"].startswith('"' if url == one else "W/")
        again = client.get(url, headers={"If-None-Match": first["ETag"]})
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
        assert "Content-Type" not in again and again["Cache-Control"] == "private, no-cache"
        head = client.head(url)
        assert (head.status_code, head["ETag"], head["Content-Length"]) == (200, first["ETag"], str(len(first.content)))
        assert client.head(url, headers={"If-None-Match": first["ETag"]}).status_code == 304
        product.images.get().delete()  # of which the product's own row knows nothing
        changed = client.get(url, headers={"If-None-Match": first["ETag"]})
        assert changed.status_code == 200 and changed["ETag"] != first["ETag"]
        make_image(product)
    Product.objects.update(published=False)
    gone = client.get(f"/api/v1/products/{product.pk}/", headers={"If-None-Match": "*"})
    assert (gone.status_code, gone["Cache-Control"], "ETag" in gone) == (404, "no-store", False)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("url", "seconds"), [("/api/v1/categories/", 300), ("/api/schema/", 3600), ("/api/schema/?format=json", 3600)]
)
def test_what_is_the_same_for_everybody_may_be_kept_by_anybody(client: Client, url: str, seconds: int) -> None:
    make_product(category="Clothing > Dress")
    first = client.get(url)
    assert (first.status_code, first["Cache-Control"]) == (200, f"public, max-age={seconds}")
    again = client.get(url, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content, again["Cache-Control"]) == (304, b"", first["Cache-Control"])
    assert again["ETag"] == first["ETag"] and again.get("Vary") == first.get("Vary")
    assert client.head(url)["ETag"] == first["ETag"]
    make_product(category="Clothing > Hat")
    changed = client.get(url, headers={"If-None-Match": first["ETag"]})
    assert changed.status_code == (200 if "categories" in url else 304)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "url", "status"),
    [
        ("GET", "/api/v1/products/999999/", 404),
        ("GET", "/api/v1/products/?page=0", 400),
        ("GET", "/api/v1/products/999999/similar/", 503),
        ("POST", "/api/v1/products/", 401),
        ("DELETE", "/api/v1/similar/batch/", 405),
        ("GET", "/api/v1/nothing/", 404),
        ("GET", "/nothing/", 404),
        ("GET", "/static/nothing.js", 404),
        ("POST", "/media/thumbnails/" + "ab" * 32 + ".jpg", 405),
    ],
)
def test_no_error_is_kept(client: Client, method: str, url: str, status: int) -> None:
    answer = client.generic(method, url)
    assert (answer.status_code, answer["Cache-Control"], "ETag" in answer) == (status, "no-store", False)


@pytest.mark.django_db
def test_an_error_before_any_view_is_not_kept_either(client: Client, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["shop.example.com"]
    answer = client.get("/api/v1/products/", headers={"Host": "evil.example.com"})
    assert (answer.status_code, answer["Cache-Control"]) == (400, "no-store")


@pytest.mark.django_db
@pytest.mark.parametrize(("url", "shared"), [("/api/v1/categories/", False), ("/api/schema/", True)])
def test_where_keys_are_asked_for_no_shared_cache_keeps_what_needs_one(
    client: Client, settings: Settings, url: str, shared: bool
) -> None:
    assert client.get(url)["Cache-Control"].startswith("public")
    settings.API_ACCESS = "keys"
    client.get("/")  # which sets the cookie of the shop's pages
    answer = client.get(url)
    assert answer.status_code == 200 and answer["Cache-Control"].startswith("public") is shared
