"""The catalogue's pages: words, choices with counts, order and page stand in the address, and all of it is in the HTML."""

from __future__ import annotations

import pytest
from django.test import Client

from catalog.models import Product
from tests.catalog.factories import make_image, make_product
from tests.catalog.storefront.html import hrefs, meta, text_of, titles
from tests.catalog.storefront.searches import KnownSearch

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("search")]


@pytest.fixture
def clothes() -> list[Product]:
    return [
        make_product(title="Red dress", category="Clothing > Dress", brand="Ada", price="10.00"),
        make_product(title="Blue dress", category="Clothing > Dress", brand="Bob", price="20.00", in_stock=False),
        make_product(title="Green shirt", category="Clothing > Shirt", brand="Ada", price="1234.50"),
        make_product(title="Oak table", category="Home", brand="Bob", price=None),
    ]


def test_words_choices_and_order_stand_in_the_address(client: Client, clothes: list[Product]) -> None:
    everything = client.get("/")
    assert titles(everything) == ["Oak table", "Green shirt", "Blue dress", "Red dress"]
    assert "4 items" in text_of(everything)
    assert hrefs(everything, "Clothing 3") == ["/?category=clothing"]
    assert hrefs(everything, "Ada 2") == ["/?brand=Ada"]
    assert hrefs(everything, "In stock 3") == ["/?in_stock=true"]
    clothing = client.get("/?category=clothing")
    assert titles(clothing) == ["Green shirt", "Blue dress", "Red dress"]
    assert hrefs(clothing, "Dress 2") == ["/?category=dress"]
    assert hrefs(clothing, "Bob 1") == ["/?category=clothing&brand=Bob"]
    dresses = client.get("/?search=dresses&sort=price")
    assert titles(dresses) == ["Red dress", "Blue dress"]
    assert titles(client.get("/?search=dresses&sort=-price&in_stock=true")) == ["Red dress"]
    both = client.get("/?brand=ada&brand=Bob&min_price=10&max_price=20&sort=title")
    assert titles(both) == ["Blue dress", "Red dress"]
    assert hrefs(both, "ada × (take away)") == ["/?brand=Bob&min_price=10&max_price=20&sort=title"]


def test_what_is_sold_out_is_marked_and_comes_last_where_the_shop_says_so(
    client: Client, clothes: list[Product], search: KnownSearch
) -> None:
    page = client.get("/?category=clothing&sort=-price")
    assert titles(page) == ["Green shirt", "Blue dress", "Red dress"]
    assert text_of(page).count("Sold out") == 1
    search.in_stock_first = True
    assert titles(client.get("/?category=clothing&sort=-price")) == ["Green shirt", "Red dress", "Blue dress"]


def test_pages_have_addresses_and_are_whole_with_what_is_sold_out_last(client: Client, search: KnownSearch) -> None:
    search.in_stock_first = True
    for number in range(60):
        make_product(title=f"Cup {number:02}", in_stock=number % 2 == 0)
    seen = []
    for number in (1, 2, 3):
        page = client.get(f"/?page={number}&sort=title")
        seen += titles(page)
        assert f"Page {number} of 3" in text_of(page)
        assert hrefs(page, "Next →") == ([f"/?sort=title&page={number + 1}"] if number < 3 else [])
        assert hrefs(page, "← Previous") == (
            [["/?sort=title"], ["/?sort=title&page=2"]][number - 2] if number > 1 else []
        )
    assert seen == [f"Cup {number:02}" for number in [*range(0, 60, 2), *range(1, 60, 2)]]
    assert meta(page, "og:url") == "http://testserver/?page=3"


@pytest.mark.parametrize(
    "address", ["/?page=2", "/?page=x", "/?category=nope", "/?sort=color", "/?currency=XYZ", "/?in_stock=3"]
)
def test_what_is_not_there_is_not_found(client: Client, clothes: list[Product], address: str) -> None:
    response = client.get(address)
    assert response.status_code == 404
    assert "This page is not here, or not any more" in text_of(response)


@pytest.mark.parametrize("prices", ["min_price=cheap", "min_price=20&max_price=10"])
def test_odd_prices_are_told(client: Client, clothes: list[Product], prices: str) -> None:
    response = client.get(f"/?category=clothing&{prices}")
    assert response.status_code == 400
    assert "We did not understand the price" in text_of(response)
    assert hrefs(response, "Without a price") == ["/?category=clothing"]


def test_nothing_found_leads_back(client: Client, clothes: list[Product]) -> None:
    page = client.get("/?search=xylophone&utm_source=letter&nonsense=1")
    assert (page.status_code, titles(page)) == (200, [])
    assert "We have nothing like that" in text_of(page)
    assert hrefs(page, "Show everything") == ["/"]
    assert "The first products will be here soon." in text_of(client.get("/")) or titles(client.get("/"))


def test_a_mistyped_word_is_corrected_in_words(client: Client, clothes: list[Product]) -> None:
    page = client.get("/?search=drses")
    assert titles(page) == ["Blue dress", "Red dress"] or titles(page) == ["Red dress", "Blue dress"]
    assert "These are the results for “dress”." in text_of(page)


def test_an_empty_shop_says_so(client: Client) -> None:
    page = client.get("/")
    assert (page.status_code, "Nothing here yet" in text_of(page)) == (200, True)


def test_pictures_are_small_webp_with_their_sizes(client: Client) -> None:
    image = make_image(size=(1200, 800))
    source = client.get("/").content.decode()
    for side, width in ((240, 240), (480, 480), (960, 960)):
        assert f"/media/thumbnails/{image.digest}.{side}.webp {width}w" in source
        picture = client.get(f"/media/thumbnails/{image.digest}.{side}.webp")
        assert (picture.status_code, picture["Content-Type"]) == (200, "image/webp")
        assert picture.content[:4] == b"RIFF" and picture["Cache-Control"].endswith("immutable")
    assert 'width="1200" height="800"' in source
    assert client.get(f"/media/thumbnails/{image.digest}.241.webp").status_code == 404


def test_only_lists_that_nobody_narrowed_are_for_search_engines(client: Client, clothes: list[Product]) -> None:
    assert meta(client.get("/?category=dress"), "robots") == ""
    assert meta(client.get("/?category=dress&brand=Ada"), "robots") == "noindex, follow"
