"""What words find, and in which order: forms, accents, hyphens, beginnings, parts and typing errors."""

from __future__ import annotations

from collections.abc import Callable
from unicodedata import normalize

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connection
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from catalog.models import Product, ProductText
from catalog.search_language import keep_language, language_is_a_name
from catalog.text_search import text_search
from catalog.typing_errors import distance, similar_words
from tests.catalog.factories import make_product

pytestmark = pytest.mark.django_db
URL = "/api/v1/products/"
TITLES = {
    "dress": "Red Dress",
    "dresses": "Two summer dresses",
    "tee": "T-Shirt blue",
    "tshirt": "Tshirt white",
    "t shirt": "Basic T Shirt",
    "shirt": "Flannel shirt",
    "cafe": "Café table",
    "cafe2": "Cafe chair",
    "sneaker": "Running sneakers",
    "sun": "Sun glasses",
    "sommer": "Sommerkleid",
    "lodz": "Łódź Smørrebrød Größe",
    "jeans": "Women's jeans 501®",
    "beach": "Towel for the beach",
    "percent": "100% cotton_bag",
    "kutsu": "赤い靴",
}


@pytest.fixture
def shop() -> dict[str, int]:
    return {
        name: make_product(sku=f"S-{place:03}", title=title).pk for place, (name, title) in enumerate(TITLES.items())
    }


@pytest.fixture
def found(client: Client, shop: dict[str, int]) -> Callable[..., list[str]]:
    """The names of what a search finds, best first."""

    def find(words: str, **query: str) -> list[str]:
        answer = client.get(URL, {"search": words, "page_size": 100, **query}).json()
        names = {pk: name for name, pk in shop.items()}
        assert answer["count"] == len(answer["results"])
        return [names[product["id"]] for product in answer["results"]]

    return find


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("dress", ["dress", "dresses"]),
        ("dresses", ["dress", "dresses"]),
        ("DRESS red", ["dress"]),
        ("t-shirt", ["tee", "t shirt", "tshirt"]),
        ("tshirt", ["tshirt", "tee", "t shirt"]),
        ("T Shirt", ["tee", "t shirt", "tshirt"]),
        ("t-shirts", ["tee", "t shirt", "tshirt"]),
        ("tshirts", ["tshirt", "tee", "t shirt"]),
        ("t-shirt blue", ["tee"]),
        ("cafe", ["cafe", "cafe2"]),
        ("Café", ["cafe", "cafe2"]),
        (normalize("NFD", "Café"), ["cafe", "cafe2"]),
        ("CAFÉ chair", ["cafe2"]),
        ("sunglasses", ["sun"]),
        ("sun-glasses", ["sun"]),
        ("kleid", ["sommer"]),
        ("lodz", ["lodz"]),
        ("smorrebrod grosse", ["lodz"]),
        ("größe", ["lodz"]),
        ("womens jean", ["jeans"]),
        ("women’s", ["jeans"]),
        ("501", ["jeans"]),
        ("dress the", ["dress", "dresses"]),
        ("a dress", ["dress", "dresses"]),
        ("the", ["beach"]),
        ("beach towels for", ["beach"]),
        ("100%", ["percent"]),
        ("%", ["percent"]),
        ("n_b", ["percent"]),
        ("_", ["percent"]),
        ("靴", ["kutsu"]),
        ("赤い", ["kutsu"]),
        ("snea", ["sneaker"]),
        ("running sne", ["sneaker"]),
        ("sne running", ["sneaker"]),
        ("nothing", []),
        ("red sneakers", []),
        ("👗", []),
        ("\\", []),
        ("'", ["jeans"]),
    ],
)
def test_words_find(found: Callable[..., list[str]], words: str, names: list[str]) -> None:
    assert sorted(found(words)) == sorted(names)


@pytest.mark.parametrize(
    ("words", "names", "corrected"),
    [
        ("drss", ["dress", "dresses"], "dress"),
        ("drses", ["dress", "dresses"], "dress"),
        ("dreses", ["dress", "dresses"], "dresses"),
        ("snekers", ["sneaker"], "sneakers"),
        ("sneeakers", ["sneaker"], "sneakers"),
        ("runing sneakesr", ["sneaker"], "running sneakers"),
        ("flanel shrit", ["shirt"], "flannel shirt"),
        ("red drss", ["dress"], "red dress"),
        ("zzzz", [], None),
        ("dre", ["dress", "dresses"], None),
        ("dr", ["dress", "dresses"], None),
    ],
)
def test_typing_errors_are_forgiven(
    client: Client, found: Callable[..., list[str]], words: str, names: list[str], corrected: str | None
) -> None:
    assert sorted(found(words)) == sorted(names)
    assert client.get(URL, {"search": words}).json().get("query") == ({"search": corrected} if corrected else None)


def test_the_best_come_first(client: Client) -> None:
    def ids(words: str, **query: str) -> list[int]:
        return [one["id"] for one in client.get(URL, {"search": words, **query}).json()["results"]]

    part = make_product(title="Undressed mannequin").pk
    brand = make_product(title="Hat", brand="Dress").pk
    title = make_product(title="Dress").pk
    words = make_product(title="Long blue dress").pk
    sku = make_product(title="Coat", sku="DRESS").pk
    in_sku = make_product(title="Coat", sku="X-DRESS-1").pk
    same = make_product(title="Long blue dress").pk
    assert ids("dress") == [sku, brand, title, words, same, in_sku, part]
    assert ids("dress", sort="id") == sorted([sku, brand, title, words, same, in_sku, part])
    assert ids("blue dress") == [words, same]
    assert ids("x-dress-1") == [in_sku]
    assert ids("X-DRESS") == [in_sku]
    other, umlaut = make_product(title="Ä-1 spare", sku="x").pk, make_product(title="Spare", sku="ä-1").pk
    assert ids("A\u0308-1") == [umlaut, other]


def test_what_is_hidden_neither_is_found_nor_corrects(client: Client) -> None:
    make_product(title="Sandals", published=False)
    shown = make_product(title="Sandalwood candle").pk
    assert [one["id"] for one in client.get(URL, {"search": "sandal"}).json()["results"]] == [shown]
    assert client.get(URL, {"search": "sandasl"}).json()["count"] == 0


def test_words_follow_what_is_written(client: Client) -> None:
    product = make_product(title="Hat", brand="Dune", sku="H-1")

    def count(words: str) -> int:
        found: int = client.get(URL, {"search": words}).json()["count"]
        return found

    assert [count(words) for words in ("hat", "dune", "H-1", "cap")] == [1, 1, 1, 0]
    Product.objects.filter(pk=product.pk).update(title="Cap")
    assert [count(words) for words in ("hat", "dune", "H-1", "cap")] == [0, 1, 1, 1]
    before = ProductText.objects.values().get()
    Product.objects.filter(pk=product.pk).update(price=5)
    assert ProductText.objects.values().get() == before
    product.delete()
    assert not ProductText.objects.exists()


def test_skus_are_kept_composed() -> None:
    decomposed = "A\u0308-1"
    for sku in (decomposed, "Ä-2"):
        assert Product.objects.get(pk=make_product(sku=sku).pk).sku == normalize("NFC", sku)
    first = Product.objects.first()
    assert first is not None
    first.sku = "A\u0308-3"
    first.save()
    assert Product.objects.get(pk=first.pk).sku == "Ä-3"
    Product.objects.bulk_create([Product(sku="A\u0308-4", title="x")])
    assert Product.objects.filter(sku="Ä-4").exists()


def test_the_admin_finds_what_the_shop_finds(client: Client, shop: dict[str, int]) -> None:
    client.force_login(get_user_model().objects.create_superuser("boss", password="secret"))
    Product.objects.filter(pk=shop["dress"]).update(published=False)

    def listed(words: str) -> set[int]:
        answer = client.get("/admin/catalog/product/", {"q": words})
        return {product.pk for product in answer.context["cl"].result_list}

    assert listed("dresses") == {shop["dress"], shop["dresses"]}
    assert listed(normalize("NFD", "Café")) == {shop["cafe"], shop["cafe2"]}
    assert listed("drss") == {shop["dress"], shop["dresses"]}
    assert listed("s-000") == {shop["dress"]}
    assert listed("") == set(shop.values())


def test_the_language_is_a_setting(settings: Settings, client: Client) -> None:

    def found() -> list[int]:
        return [one["id"] for one in client.get(URL, {"search": "der alte hund"}).json()["results"]]

    before = make_product(title="Alter Hund")
    assert found() == []
    settings.SEARCH_LANGUAGE = "german"
    keep_language()
    after = make_product(title="Alten Hund")
    assert found() == [before.pk, after.pk]
    settings.SEARCH_LANGUAGE = "english"
    keep_language()
    assert found() == []
    with connection.cursor() as cursor:
        cursor.execute("SELECT xmin::text FROM catalog_producttext ORDER BY 1")
        written = cursor.fetchall()
        keep_language()
        cursor.execute("SELECT xmin::text FROM catalog_producttext ORDER BY 1")
        assert cursor.fetchall() == written


def test_a_language_that_there_is_not_is_named(settings: Settings) -> None:
    assert language_is_a_name() == []
    settings.SEARCH_LANGUAGE = "klingon"
    assert language_is_a_name() == []
    with pytest.raises(ImproperlyConfigured, match=r"SEARCH_LANGUAGE is 'klingon', .* set it to one of: arabic, "):
        call_command("migrate", verbosity=0)
    for name in ("", "Deutsch", "en-GB", "german'", "a.b.c"):
        settings.SEARCH_LANGUAGE = name
        (error,) = language_is_a_name()
        assert (error.id, repr(name) in error.msg) == ("catalog.E031", True)


@given(st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=60))
def test_any_words_can_be_searched_for(words: str) -> None:
    search = text_search(words, published=True)
    assert (search is None) == (not words.split())
    if search is not None:
        assert list(search.among(Product.objects.order_by("pk"))[:1]) == []
        assert list(Product.objects.annotate(key=search.irrelevance)) == []


@given(st.text("abcd", max_size=7), st.text("abcd", max_size=7))
def test_distance_is_that_of_edits(one: str, other: str) -> None:
    """Against every text within two edits, found by trying."""
    near = edits(one)
    twice = {text for text in near for text in edits(text)} if len(one) < 5 else set()
    expected = 0 if one == other else 1 if other in near else None
    if expected is not None:
        assert distance(one, other) == expected
    else:
        assert distance(one, other) >= 2
        if twice and distance(one, other) == 2:
            assert other in twice
    assert distance(one, other) == distance(other, one)


def edits(text: str) -> set[str]:
    pairs = [(text[:place], text[place:]) for place in range(len(text) + 1)]
    return {
        *(a + b[1:] for a, b in pairs if b),
        *(a + letter + b[1:] for a, b in pairs if b for letter in "abcd"),
        *(a + letter + b for a, b in pairs for letter in "abcd"),
        *(a + b[1] + b[0] + b[2:] for a, b in pairs if len(b) > 1),
    } - {text}


def test_short_words_are_not_corrected() -> None:
    make_product(title="Hats")
    assert list(similar_words("hatz", published=True)) == ["hats"]
    assert similar_words("hat", published=True) == {}
