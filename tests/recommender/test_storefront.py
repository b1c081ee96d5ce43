"""The storefront's pages over a real search: what they find, what they cost, and what they say where there is no answer."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from catalog.access.buckets import ProcessBuckets
from catalog.models import Product
from catalog.photos.fetch import FetchFailed, FetchRefused, NameUnresolved
from recommender import buckets, redis_client, storefront
from recommender.merchandising.rules import in_force
from recommender.models import Rule, Space
from recommender.spaces import active
from tests.catalog.factories import make_product, photo_bytes
from tests.catalog.storefront.html import hrefs, text_of, titles
from tests.recommender.search.conftest import forgetful_process, shop
from tests.recommender.search.gallery import Shop, unit
from tests.recommender.search.parted import parted, parted_shop
from tests.recommender.search.test_photo_search import GREEN, RED, ColourEncoder, colour, encoder, halves

__all__ = ["encoder", "forgetful_process", "shop"]
pytestmark = pytest.mark.django_db

AXES = [[1.0, 0, 0, 0, 0, 0], [0.9, 0.4, 0, 0, 0, 0], [0, 1.0, 0, 0, 0, 0]]
HUES = [[1.0, 0, 0, 0], [0, 1.0, 0, 0], [0.9, 0.1, 0, 0]]


@pytest.fixture
def coloured() -> list[Product]:
    """By shape the second is like the first, by colour the third is."""
    rows = [(parted(shape, hue), {"title": f"Cup {n}"}) for n, (shape, hue) in enumerate(zip(AXES, HUES, strict=True))]
    return list(parted_shop(*rows).products.values())


def test_similar_things_by_shape_and_by_colour(client: Client, coloured: list[Product]) -> None:
    page = f"/products/{coloured[0].pk}/"
    plain = client.get(page)
    assert titles(plain) == ["Cup 1", "Cup 2"]
    assert 'value="0.25"' in plain.content.decode() and 'data-color-percent="25"' in plain.content.decode()
    turned = client.get(f"{page}similar/?color_weight=1")
    assert titles(turned) == ["Cup 2", "Cup 1"] and 'data-color-percent="100"' in turned.content.decode()
    assert titles(client.get(f"{page}?color_weight=7")) == ["Cup 1", "Cup 2"]
    gone = client.get(f"{page}?category=gone")
    assert (gone.status_code, "We did not understand that" in text_of(gone)) == (200, True)
    assert titles(client.get("/colors/?hex=c04a1f"))
    nonsense = client.get("/colors/?hex=orange")
    assert (nonsense.status_code, "We did not understand that" in text_of(nonsense)) == (400, True)


def test_a_weight_of_colour_is_passed_over_where_the_shop_has_no_colours(client: Client, shop: Shop) -> None:
    products = [shop.add(unit([1.0, number, 0, 0, 0, 0, 0, 0]), title=f"Cup {number}") for number in range(3)]
    page = client.get(f"/products/{products[0].pk}/?color_weight=0.5")
    assert (titles(page), 'id="dial"' in page.content.decode()) == (["Cup 1", "Cup 2"], False)


def test_a_photo_is_searched_with(client: Client, shop: Shop, encoder: ColourEncoder) -> None:
    for name, rgb in (("Red", RED), ("Green", GREEN)):
        shop.add(unit(colour(rgb)), title=name, price="10" if name == "Red" else "20")
    data = halves(RED, GREEN)

    def ask(**fields: str) -> list[str]:
        return titles(client.post("/search/", {"image": SimpleUploadedFile("x.png", data), **fields}))

    assert ask(crop="0,0,0.5,1") == ["Red", "Green"] and ask(crop="0.5,0,0.5,1") == ["Green", "Red"]
    assert ask(min_price="15") == ["Green"]
    wrong = client.post("/search/", {"image": SimpleUploadedFile("x.png", b"no picture")})
    assert (wrong.status_code, "That is not a photo" in text_of(wrong)) == (422, True)
    half = photo_bytes(1, size=(200, 200))
    broken = client.post("/search/", {"image": SimpleUploadedFile("x.png", half[: len(half) // 2])})
    assert (broken.status_code, "The file seems to be damaged" in text_of(broken)) == (422, True)
    nothing = client.post("/search/", {"category": ""})
    assert (nothing.status_code, "Choose a photo first" in text_of(nothing)) == (422, True)


def test_a_photo_too_large_is_told(client: Client, shop: Shop, settings: Settings) -> None:
    settings.MAX_PHOTO_BYTES = 1000
    answer = client.post("/search/", {"image": SimpleUploadedFile("x.png", b"x" * 1001)})
    assert (answer.status_code, "That photo is too large" in text_of(answer)) == (422, True)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (FetchRefused("address", "private"), "There is no photo for us at that address"),
        (FetchRefused("too_large", "large"), "That photo is too large"),
        (NameUnresolved("no such name"), "There is no photo for us at that address"),
        (FetchFailed("timed out"), "The other site did not answer"),
        (None, ""),
    ],
)
def test_a_photo_by_its_url(
    client: Client,
    shop: Shop,
    encoder: ColourEncoder,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception | None,
    words: str,
) -> None:
    shop.add(unit(colour(RED)), title="Red")

    def fetched(url: str) -> bytes:
        assert url == "https://photos.example/red.png"
        if error is not None:
            raise error
        return photo_bytes(colour=RED)

    monkeypatch.setattr(storefront, "fetch_photo", fetched)
    answer = client.post("/search/url/", {"image_url": "https://photos.example/red.png"})
    assert (answer.status_code, titles(answer)) == ((422, []) if error else (200, ["Red"]))
    assert words in text_of(answer)


def test_without_a_space_the_rest_of_the_shop_works(client: Client) -> None:
    product = make_product()
    answer = client.get(f"/products/{product.pk}/similar/")
    assert "Similar things appear here once this product has a photo." in text_of(answer)
    assert client.post("/search/", {"image": SimpleUploadedFile("x.png", photo_bytes(1))}).status_code == 503
    colours = client.get("/colors/?hex=c04a1f")
    assert (colours.status_code, "Please try again later" in text_of(colours)) == (503, True)


def test_pages_cost_what_the_api_costs_and_need_no_key(
    client: Client, coloured: list[Product], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buckets, "in_process", ProcessBuckets())
    redis_client.breaker().succeeded()
    settings.API_ACCESS = "keys"
    settings.API_ADDRESS_RATE, settings.API_ADDRESS_BURST = 0.0001, 20
    path = f"/products/{coloured[0].pk}/similar/"
    for left in range(19, -1, -1):
        answer = client.get(path)
        assert (answer.status_code, titles(answer)) == (200, ["Cup 1", "Cup 2"])
        assert f"r={left};" in answer["RateLimit"]
    refused = client.get(path)
    assert (refused.status_code, "One moment" in text_of(refused), refused["Retry-After"]) == (503, True, "30")
    page = client.get(f"/products/{coloured[0].pk}/")
    assert page.status_code == 200 and "Cup 0" in text_of(page) and titles(page) == []
    assert client.get("/").status_code == 200


def test_stock_first_for_everywhere_orders_the_catalogue(client: Client, shop: Shop) -> None:
    make_product(title="There")
    make_product(title="Gone", in_stock=False)
    assert titles(client.get("/")) == ["Gone", "There"]
    Rule.objects.create(kind=Rule.Kind.STOCK_FIRST, scope=Rule.Scope.BRAND, for_brand="Ada")
    in_force.forget_rules()
    assert titles(client.get("/")) == ["Gone", "There"]
    Rule.objects.create(kind=Rule.Kind.STOCK_FIRST, scope=Rule.Scope.EVERYWHERE)
    in_force.forget_rules()
    assert titles(client.get("/")) == ["There", "Gone"]


def test_links_to_why_lead_to_a_page(client: Client, shop: Shop) -> None:
    """The gallery's photos have vectors and no files, so there is nothing to show; and that is said."""
    products = [shop.add(unit([1.0, number, 0, 0, 0, 0, 0, 0]), title=f"Cup {number}") for number in range(2)]
    [link] = hrefs(client.get(f"/products/{products[0].pk}/"), "Why? Why is Cup 1 alike?")
    page = client.get(link)
    assert (page.status_code, "still looking at one of the photos" in text_of(page)) == (200, True)
    assert Space.objects.filter(pk=active.active_space().pk).exists()  # type: ignore[union-attr]
