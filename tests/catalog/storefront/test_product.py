"""A product's page: what shoppers, search engines and other sites read there, and what looks like it."""

from __future__ import annotations

import json
import re

import pytest
from django.test import Client, RequestFactory

from catalog.api.problems import not_available, server_error
from catalog.storefront.port import Found, SearchAway, SearchBusy, Why
from tests.catalog.factories import make_image, make_product
from tests.catalog.storefront.html import hrefs, meta, text_of, titles
from tests.catalog.storefront.searches import KnownSearch, found

pytestmark = pytest.mark.django_db


def test_a_product_tells_itself(client: Client, search: KnownSearch) -> None:
    search.colors = ["c04a1f", "ffffff"]
    product = make_product(
        title="A </script> & lamp", brand="Ada", price="1234.50", list_price="1500.00", category="Home > Lamps",
        description="Bright.\nTall.", attributes={"heel_height": 3, "washable": True, "parts": ["a", "b"]}, sku="L-1",
    )  # fmt: skip
    images = [make_image(product, seed=seed, size=(600, 400)) for seed in (1, 2)]
    page = client.get(f"/products/{product.pk}/")
    assert (page.status_code, page["Content-Language"]) == (200, "en")
    shown = text_of(page)
    for words in (
        "€1,234.50 Before: €1,500.00",
        "In stock",
        "Heel height 3",
        "Washable Yes",
        "Parts a, b",
        "Item no. L-1",
    ):
        assert words in shown
    assert hrefs(page, "Lamps") == ["/?category=lamps"] and hrefs(page, "Home") == ["/?category=home"]
    assert hrefs(page, "Things in this colour, number 1") == ["/colors/?hex=c04a1f"]
    assert meta(page, "description") == meta(page, "og:description") == "Bright. Tall."
    assert meta(page, "og:title") == "A </script> & lamp"
    address = f"http://testserver/products/{product.pk}/"
    assert f'<link rel="canonical" href="{address}">' in page.content.decode()
    [written] = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page.content.decode())
    assert json.loads(written) == {
        "@context": "https://schema.org", "@type": "Product", "name": "A </script> & lamp", "sku": "L-1",
        "description": "Bright. Tall.", "url": address,
        "image": [f"http://testserver/media/photos/{image.digest}.png" for image in images],
        "brand": {"@type": "Brand", "name": "Ada"}, "category": "Lamps",
        "offers": {"@type": "Offer", "price": "1234.50", "priceCurrency": "EUR", "url": address,
                   "availability": "https://schema.org/InStock"},
    }  # fmt: skip
    assert (
        "script-src" not in page["Content-Security-Policy"] and "default-src 'self'" in page["Content-Security-Policy"]
    )


def test_prices_and_texts_are_of_the_shoppers_language(client: Client, search: KnownSearch) -> None:
    product = make_product(price="1234.50", in_stock=False)
    german = client.get(f"/products/{product.pk}/", headers={"Accept-Language": "de-AT,en;q=0.5"})
    assert (german["Content-Language"], '<html lang="de">' in german.content.decode()) == ("de", True)
    assert "1.234,50 €" in text_of(german).replace("\xa0", " ") and "Ausverkauft" in text_of(german)
    assert {"Accept-Language", "Cookie"} <= set(re.split(r",\s*", german["Vary"]))
    chosen = client.post("/language/", {"language": "de", "next": f"/products/{product.pk}/"})
    assert (chosen.status_code, chosen["Location"]) == (302, f"/products/{product.pk}/")
    assert "Ausverkauft" in text_of(client.get(f"/products/{product.pk}/", headers={"Accept-Language": "en"}))
    elsewhere = client.post("/language/", {"language": "de", "next": "https://evil.example/"})
    assert elsewhere["Location"] == "/"
    assert "Nicht gefunden" in text_of(client.get("/nowhere/"))
    assert "Content-Language" not in client.get("/api/v1/nowhere/", headers={"Accept-Language": "de"})


def test_pages_of_failures_are_in_the_shoppers_words(rf: RequestFactory) -> None:
    request = rf.get("/", headers={"Accept-Language": "de"})
    for answer, words in (
        (not_available(request), "Gleich wieder da"),
        (server_error(request), "Es liegt nicht an Ihnen"),
    ):
        assert (
            answer.status_code in (500, 503)
            and words in text_of(answer)
            and '<html lang="de">' in answer.content.decode()
        )


def test_what_is_not_published_is_not_found(client: Client, search: KnownSearch) -> None:
    hidden = make_product(published=False)
    for path in (
        f"/products/{hidden.pk}/",
        f"/products/{hidden.pk}/similar/",
        "/products/99999999/",
        f"/products/{2**70}/",
    ):
        response = client.get(path)
        assert (response.status_code, "Not found" in text_of(response)) == (404, True), path


def test_similar_things_stand_in_the_page_and_in_a_list_of_their_own(client: Client, search: KnownSearch) -> None:
    product, one, other, hidden = (make_product(title=title) for title in ("Asked", "One", "Other", "Hidden"))
    hidden.published = False
    hidden.save()
    first, second = make_image(product), make_image(product)
    shown = [make_image(one), make_image(other), make_image(other)]
    search.found = found((other.pk, shown[2].pk), (hidden.pk, 0), (one.pk, shown[0].pk))
    query = "?color_weight=0.4&category=lamps&in_stock=true&diversity=0.5&photo=2"
    page, part = client.get(f"/products/{product.pk}/{query}"), client.get(f"/products/{product.pk}/similar/{query}")
    for response in (page, part):
        assert titles(response) == ["Other", "One"]
        assert shown[2].digest in response.content.decode() and shown[1].digest not in response.content.decode()
        assert hrefs(response, "Why? Why is One alike?") == [
            f"/products/{product.pk}/similar/{one.pk}/why/?color_weight=0.4"
        ]
        assert 'data-color-percent="18"' in response.content.decode()
    assert b"<html" not in part.content and part["X-Robots-Tag"] == "noindex"
    expected = {
        "limit": ["12"],
        "color_weight": ["0.4"],
        "category": ["lamps"],
        "in_stock": ["true"],
        "diversity": ["0.5"],
    }
    assert search.asked == [expected, expected] and search.images == [second.pk, second.pk]
    client.get(f"/products/{product.pk}/?photo=7")
    assert search.images[-1] is None and first.pk < second.pk


@pytest.mark.parametrize(
    ("answer", "words", "status", "again"),
    [
        (Found(status="pending"), "Almost there", 200, True),
        (Found(status="failed"), "Nothing to compare", 200, False),
        (Found(status="ready"), "Nothing similar", 200, False),
        (SearchAway, "Please try again later", 503, False),
        (lambda: SearchBusy(7), "One moment", 503, True),
    ],
)  # fmt: skip
def test_what_there_is_not_is_said_in_words(
    client: Client, search: KnownSearch, answer: object, words: str, status: int, again: bool
) -> None:
    product = make_image().product
    if isinstance(answer, Found):
        search.found = answer
    else:
        search.fails = answer  # type: ignore[assignment]
    part = client.get(f"/products/{product.pk}/similar/")
    assert (part.status_code, words in text_of(part), "data-again-after" in part.content.decode()) == (
        status,
        True,
        again,
    )
    page = client.get(f"/products/{product.pk}/")
    assert page.status_code == 200 and words in text_of(page) and product.title in text_of(page)
    if status == 503:
        assert "Look again" in text_of(page) and part["Cache-Control"] == "no-store"


def test_a_product_without_photos_asks_nothing(client: Client, search: KnownSearch) -> None:
    page = client.get(f"/products/{make_product().pk}/")
    assert "Similar things appear here once this product has a photo." in text_of(page) and search.asked == []


PICTURE = "data:image/png;base64,AAAA"


@pytest.mark.parametrize(
    ("shape", "color", "words"),
    [
        (0.9, 0.5, "above all the shape"),
        (0.5, 0.9, "above all the colours"),
        (0.7, 0.72, "Shape and colours are alike"),
        (0.7, None, "The warmer a spot glows"),
    ],
)
def test_why_is_two_pictures_and_a_sentence(
    client: Client, search: KnownSearch, shape: float, color: float | None, words: str
) -> None:
    one, other = make_image(), make_image()
    search.explained = Why(pictures=(PICTURE, PICTURE), image_ids=(one.pk, other.pk), shape=shape, color=color)
    path = f"/products/{one.product_id}/similar/{other.product_id}/why/"
    page, part = client.get(path), client.get(path, headers={"X-Part": "list"})
    for response in (page, part):
        assert words in text_of(response) and response.content.decode().count(PICTURE) == 2
    assert "<html" in page.content.decode() and "<html" not in part.content.decode()
    search.explained = None
    assert "still looking at one of the photos" in text_of(client.get(path))
    search.fails = SearchAway
    assert (client.get(path).status_code, client.get(f"/products/1{one.pk}/similar/2/why/").status_code) == (503, 404)
