"""Products made, replaced, patched and deleted by the API: what is answered, stored and announced."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from catalog.models import Category, Product, ProductCategory, ProductImage
from tests.catalog.conftest import Heard
from tests.catalog.factories import make_category, make_image, make_product, write_decomposed
from tests.catalog.writes.keys import Caller, read

pytestmark = pytest.mark.django_db

WHOLE = {
    "sku": "CL-1",
    "group": "CL",
    "title": "Blue dress",
    "description": "Long",
    "category": "Clothing > Dress",
    "further_categories": ["Sale > Dress", "Sale >"],
    "brand": "Aalto",
    "price": "59.50",
    "currency": "eur",
    "in_stock": False,
    "url": "https://shop.example/cl-1",
    "attributes": {"colour": ["blue", "navy"], "weight": 0.50, "size": {"unit": "cm"}, "none": "", "old": True},
    "published": True,
    "expires_at": "2199-01-01T00:00:00Z",
    "images": ["https://shop.example/cl-1.jpg", {"url": "https://shop.example/cl-2.jpg", "alt": "Back"}],
}


def test_a_new_product_is_where_the_public_finds_it(shop: Caller, settings: Settings) -> None:
    settings.PUBLIC_URL = "https://shop.example.com"
    response = shop.post("", {"sku": "A", "title": "Hat"})
    assert response["Location"] == f"https://shop.example.com/api/v1/products/{Product.objects.get().pk}/"


def test_a_new_product_is_answered_as_it_was_written(shop: Caller, heard: Heard) -> None:
    response = shop.post("", WHOLE)
    told = read(response, 201)
    product = Product.objects.get()
    assert response["Location"] == f"http://testserver/api/v1/products/{product.pk}/"
    first, second = ProductImage.objects.order_by("position")
    assert told == {
        **WHOLE,
        "id": product.pk,
        "category": {"slug": "dress", "name": "Dress"},
        "further_categories": [{"slug": "sale", "name": "Sale"}, {"slug": "sale-dress", "name": "Dress"}],
        "list_price": None,
        "sale_price": None,
        "sale_from": None,
        "sale_until": None,
        "currency": "EUR",
        "attributes": {"colour": ["blue", "navy"], "weight": "0.5", "size.unit": "cm", "old": "true"},
        "images": [
            {
                "id": image.pk,
                **dict.fromkeys(["url", "thumbnail", "width", "height"]),
                "position": position,
                "alt": alt,
                "source_url": f"https://shop.example/cl-{position + 1}.jpg",
            }
            for position, (image, alt) in enumerate([(first, ""), (second, "Back")])
        ],
    }
    assert (product.price, product.in_stock, product.group) == (Decimal("59.500"), False, "CL")
    assert heard.stored == [([first.pk, second.pk], "upload")]
    assert heard.changed == [([product.pk], True)]  # it has a group, which decides what answers may hold together


def test_what_get_answers_of_it_can_be_put_back(shop: Caller) -> None:
    """Both by id and by SKU; nothing changes, and the version neither."""
    made = make_product(sku="A", price="12.5", category="Home > Lamp", brand="Lux", attributes={"a": "1"}, url="")
    image = make_image(made, alt="Front")
    for path in (f"{made.pk}/", "sku:A/"):
        response = shop.call("GET", path)
        version = Product.objects.get().updated_at
        read(shop.put(path, read(response, 200)), 200)
        assert Product.objects.get().updated_at == version
    assert ProductImage.objects.get() == image


def test_replacing_empties_what_is_not_given_but_for_photos_and_whether_it_is_shown(shop: Caller) -> None:
    product = make_product(
        **{
            "sku": "A",
            "group": "G",
            "description": "x",
            "brand": "Lux",
            "price": 10,
            "in_stock": False,
            "url": "https://a.b/",
        },
        **{"attributes": {"a": "1"}, "published": False, "expires_at": "2199-01-01T00:00Z", "category": "Home"},
    )
    ProductCategory.objects.create(product=product, category=make_category("Sale"))
    image = make_image(product)
    told = read(shop.put(f"{product.pk}/", {"title": "New"}), 200)
    assert {name: told[name] for name in told if name not in ("id", "images")} == {
        **{"sku": "A", "group": "", "title": "New", "description": "", "brand": "", "currency": "", "url": ""},
        **dict.fromkeys(["category", "price", "list_price", "sale_price", "sale_from", "sale_until", "expires_at"]),
        **{"in_stock": True, "attributes": {}, "published": False, "further_categories": []},
    }
    assert [one["id"] for one in told["images"]] == [image.pk]


def test_a_put_by_sku_makes_a_product_and_may_be_repeated(shop: Caller, heard: Heard) -> None:
    body = {"title": "Hat", "price": 19.99, "currency": "EUR", "images": ["https://shop.example/a.jpg"]}
    first = shop.put("sku:H%201/", body)
    made = read(first, 201)
    assert (made["sku"], made["price"]) == ("H 1", "19.99")
    assert first["Location"].endswith(f"/api/v1/products/{made['id']}/")
    heard.clear()
    second = shop.put("sku:H%201/", body)
    assert read(second, 200) == made and second["ETag"] == first["ETag"]
    assert (heard.stored, heard.changed) == ([], [])
    assert (Product.objects.count(), ProductImage.objects.count()) == (1, 1)


def test_stock_and_price_in_one_small_call(shop: Caller, heard: Heard) -> None:
    product = make_product(sku="A", price=10, brand="Lux", attributes={"a": "1"})
    heard.clear()
    told = read(shop.patch("sku:A/", {"price": "9.99", "in_stock": False}), 200)
    assert (told["price"], told["in_stock"], told["brand"], told["attributes"]) == ("9.99", False, "Lux", {"a": "1"})
    assert heard.changed == [([product.pk], False)]


def test_attributes_are_merged_and_null_takes_one_away(shop: Caller) -> None:
    product = make_product(attributes={"a": "1", "b": "2"})
    assert read(shop.patch(f"{product.pk}/", {"attributes": {"b": None, "c": 3}}), 200)["attributes"] == {
        "a": "1",
        "c": "3",
    }
    assert read(shop.patch(f"{product.pk}/", {"attributes": None}), 200)["attributes"] == {"a": "1", "c": "3"}
    assert read(shop.put(f"{product.pk}/", {"title": "x"}), 200)["attributes"] == {}


@pytest.mark.parametrize(
    ("before", "given", "after"),
    [
        ({"price": 10}, {"price": 8}, ("8.00", None, None)),
        ({"price": 10}, {"list_price": 12}, ("10.00", "12.00", "10.00")),
        ({"price": 10}, {"price": 8, "list_price": "10"}, ("8.00", "10.00", "8.00")),
        ({"price": 10}, {"price": 10, "sale_price": 8}, ("8.00", "10.00", "8.00")),
        ({"price": 10}, {"sale_price": 8, "sale_from": "2199-01-01"}, ("10.00", None, "8.00")),
        ({"price": 10}, {"sale_price": 8, "sale_until": "2020-01-01"}, ("10.00", None, None)),
        ({"price": 8, "list_price": 10, "sale_price": 8}, {"price": 7}, ("7.00", "10.00", "7.00")),
        ({"price": 8, "list_price": 10, "sale_price": 8}, {"price": 11}, ("11.00", None, None)),
        ({"price": 8, "list_price": 10, "sale_price": 8}, {"list_price": None}, ("8.00", None, None)),
        ({"price": 8, "list_price": 10, "sale_price": 8}, {"sale_price": None}, ("10.00", None, None)),
        ({"price": 8, "list_price": 10, "sale_price": 8}, {"price": None}, (None, None, None)),
        (
            {"price": 8, "list_price": 10, "sale_price": 8},
            {"price": 8, "list_price": 10, "sale_price": 8},
            ("8.00", "10.00", "8.00"),
        ),
        ({"price": 10, "sale_price": 8, "sale_from": "2199-01-01T00:00Z"}, {"price": 9}, ("9.00", None, "8.00")),
        ({"price": 10}, {"price": None}, (None, None, None)),
        ({"price": 10}, {"price": "0.100"}, ("0.10", None, None)),
        ({"price": 10}, {"price": 0}, ("0.00", None, None)),
        ({"price": 1, "currency": "KWD"}, {"price": 3.125}, ("3.125", None, None)),
    ],
)
def test_prices(shop: Caller, before: dict[str, Any], given: dict[str, Any], after: tuple[str | None, ...]) -> None:
    product = make_product(**before)
    told = read(shop.patch(f"{product.pk}/", given), 200)
    assert (told["price"], told["list_price"], told["sale_price"]) == after


def test_a_price_is_kept_as_it_is_written(shop: Caller) -> None:
    """0.1 + 0.2 of a shop that reckons with floats is refused, not rounded; 1.10 is not 1.1000000000000001."""
    product = make_product()
    read(shop.patch(f"{product.pk}/", b'{"price": 1.10}'), 200)
    assert Product.objects.get().price == Decimal("1.10")
    assert read(shop.patch(f"{product.pk}/", b'{"price": 0.30000000000000004}'), 400)["parameter"] == "price"


def test_a_product_is_deleted_with_its_photos_and_all_answers_that_show_it(shop: Caller, heard: Heard) -> None:
    product, other = make_product(sku="A"), make_product()
    image, kept = make_image(product), make_image(other)
    heard.clear()
    response = shop.delete("sku:A/")
    assert (response.status_code, response.content) == (204, b"")
    assert list(Product.objects.all()) == [other] and list(ProductImage.objects.all()) == [kept]
    assert heard.changed == [([product.pk], True)] and heard.stored == []
    assert read(shop.delete("sku:A/"), 404)["detail"] == "there is no product sku:A"
    assert image.pk is not None


def test_hidden_ones_are_written_too_and_showing_one_undoes_what_feeds_withdrew(shop: Caller, heard: Heard) -> None:
    product = make_product(published=False, withdrawn=True)
    assert read(shop.patch(f"{product.pk}/", {"in_stock": False}), 200)["published"] is False
    assert Product.objects.get().withdrawn
    assert shop.call("GET", f"{product.pk}/").status_code == 404
    assert read(shop.patch(f"{product.pk}/", {"published": True}), 200)["published"] is True
    assert not Product.objects.get().withdrawn
    heard.clear()
    read(shop.patch(f"{product.pk}/", {"published": False}), 200)
    assert heard.changed == [([product.pk], True)]


def test_what_is_over_is_not_shown(shop: Caller) -> None:
    product = make_product()
    problem = read(shop.patch(f"{product.pk}/", {"expires_at": "2020-01-01T00:00:00Z"}), 400)
    assert problem["parameter"] == "expires_at"
    told = read(shop.patch(f"{product.pk}/", {"expires_at": "2020-01-01T00:00:00Z", "published": False}), 200)
    assert (told["published"], told["expires_at"]) == (False, "2020-01-01T00:00:00Z")
    assert read(shop.patch(f"{product.pk}/", {"published": True}), 400)["parameter"] == "published"


def test_categories_by_slug_by_path_and_as_answers_have_them(shop: Caller) -> None:
    make_category("Clothing > Dress")
    product = make_product()
    for given in ("dress", "clothing > DRESS", {"slug": "dress", "name": "Dress"}):
        told = read(shop.patch(f"{product.pk}/", {"category": given}), 200)
        assert told["category"] == {"slug": "dress", "name": "Dress"}
    assert read(shop.patch(f"{product.pk}/", {"further_categories": ["dress", "clothing"]}), 200)[
        "further_categories"
    ] == [{"slug": "clothing", "name": "Clothing"}]
    problem = read(
        shop.patch(f"{product.pk}/", {"category": "dres", "further_categories": ["x", "clothing", "y"]}), 400
    )
    assert [error["parameter"] for error in problem["errors"]] == [
        "category",
        "further_categories/0",
        "further_categories/2",
    ]
    assert read(shop.patch(f"{product.pk}/", {"category": None, "further_categories": None}), 200)["category"] is None
    assert Category.objects.count() == 2 and not ProductCategory.objects.exists()


def test_a_sku_may_be_given_to_a_product_unless_another_has_it(shop: Caller) -> None:
    product, other = make_product(sku="A"), make_product(sku="B")
    assert read(shop.patch("sku:A/", {"sku": "C"}), 200)["id"] == product.pk
    problem = read(shop.patch("sku:C/", {"sku": "B"}), 409)
    assert problem["detail"] == f"product {other.pk} has the SKU B already; PUT products/sku:B/ replaces it"
    assert read(shop.post("", {"sku": "B", "title": "x"}), 409)["detail"] == problem["detail"]
    assert read(shop.put("sku:C/", {"sku": "D", "title": "x"}), 400)["parameter"] == "sku"
    assert sorted(Product.objects.values_list("sku", flat=True)) == ["B", "C"]


def test_one_that_is_kept_decomposed_is_found_and_stays_so(shop: Caller) -> None:
    decomposed, composed = "Cafe\u0301", "Caf\u00e9"
    product = make_product(sku="a")
    write_decomposed(product.pk, decomposed)
    assert read(shop.put(f"sku:{composed}/", {"title": "x", "sku": composed}), 200)["id"] == product.pk
    assert Product.objects.get().sku == decomposed


@pytest.mark.parametrize("path", ["0/", f"{2**63 - 1}/", f"{2**64}/", "sku:none/"])
@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_there_is_no_such_product(shop: Caller, method: str, path: str) -> None:
    assert read(shop.call(method, path, {}), 404)["detail"] == f"there is no product {path.rstrip('/')}"


@pytest.mark.parametrize("path", ["9" * 5000 + "/", "sku:%00/", "sku:/"])
def test_what_no_product_is_called_is_no_address(shop: Caller, path: str) -> None:
    assert read(shop.patch(path, {}), 404)["title"] == "Not Found"


@pytest.mark.parametrize("sku", ["%20A", "A%20", "%20", "x" * 201])
def test_a_put_by_a_sku_that_no_product_can_have(shop: Caller, sku: str) -> None:
    assert read(shop.put(f"sku:{sku}/", {"title": "x"}), 400)["parameter"] == "sku"
    assert not Product.objects.exists()


def test_a_sku_with_a_line_feed(shop: Caller) -> None:
    made = read(shop.post("", {"sku": "A\nB", "title": "x"}), 201)
    assert read(shop.put("sku:A%0AB/", {"title": "y"}), 200)["id"] == made["id"]
    assert read(shop.call("GET", "sku:A%0AB/"), 200)["title"] == "y"
    assert shop.delete("sku:A%0AB/").status_code == 204


@pytest.mark.parametrize(
    "url", ["http://\x01", "https://shop.exa\nmple/", "https://shop.example/a\tb", "https://a/\x7f"]
)
def test_an_address_has_no_control_characters(shop: Caller, url: str) -> None:
    problem = read(shop.post("", {"sku": "A", "title": "x", "url": url, "images": [url]}), 400)
    assert [one["parameter"] for one in problem["errors"]] == ["url", "images/0/url"]


@pytest.mark.parametrize("given", [False, "", {}, 0, "dress"])
def test_further_categories_are_a_list(shop: Caller, given: object) -> None:
    read(shop.post("", WHOLE), 201)
    problem = read(shop.patch("sku:CL-1/", {"further_categories": given}), 400)
    assert problem["parameter"] == "further_categories" and "is no list of categories" in problem["detail"]
    assert len(read(shop.patch("sku:CL-1/", {}), 200)["further_categories"]) == 2


def test_a_sku_with_slashes(shop: Caller) -> None:
    made = read(shop.put("sku:A%2FB/", {"title": "x"}), 201)
    assert made["sku"] == "A/B"
    image = read(shop.post("sku:A%2FB/images/", {"images": ["https://a.b/c.jpg"]}), 201)["results"][0]["image"]["id"]
    assert shop.delete(f"sku:A/B/images/{image}/").status_code == 204
    assert read(shop.call("GET", "sku:A%2FB/"), 200)["id"] == made["id"]


def test_put_by_number_makes_none(shop: Caller) -> None:
    assert read(shop.put("77/", {"title": "x"}), 404)["detail"] == "there is no product 77"


BAD: list[tuple[dict[str, Any], list[str]]] = [
    ({"pirce": 1}, ["pirce"]),
    ({"price": "12,50"}, ["price"]),
    ({"price": "-1"}, ["price"]),
    ({"price": -1}, ["price"]),
    ({"price": True}, ["price"]),
    ({"price": "1.999", "currency": "EUR"}, ["price"]),
    ({"price": "1.9999", "currency": "KWD"}, ["price"]),
    ({"price": 10**10}, ["price"]),
    ({"price": "1" * 5000}, ["price"]),
    ({"price": [], "list_price": {}, "sale_price": "x"}, ["price", "list_price", "sale_price"]),
    ({"price": 10, "list_price": 10}, ["list_price"]),
    ({"list_price": 5}, ["list_price"]),
    ({"price": 10, "sale_price": 10}, ["sale_price"]),
    ({"sale_price": 1}, ["sale_price"]),
    ({"price": 10, "sale_price": 5, "sale_from": "2199-01-02", "sale_until": "2199-01-01"}, ["sale_until"]),
    ({"price": 9, "list_price": 10, "sale_price": 8}, ["price"]),
    ({"sale_from": "tomorrow"}, ["sale_from"]),
    ({"currency": "EURO"}, ["currency"]),
    ({"title": ""}, ["title"]),
    ({"title": None}, ["title"]),
    ({"title": "x" * 501}, ["title"]),
    ({"title": "a\0b"}, ["title"]),
    ({"title": 7}, ["title"]),
    ({"sku": " "}, ["sku"]),
    ({"sku": "x" * 201}, ["sku"]),
    ({"in_stock": "yes"}, ["in_stock"]),
    ({"published": None}, ["published"]),
    ({"url": "ftp://a.b/"}, ["url"]),
    ({"url": "//a.b/c"}, ["url"]),
    ({"category": 7}, ["category"]),
    ({"category": {"slug": "a", "id": 1}}, ["category/id"]),
    ({"category": ">"}, ["category"]),
    ({"category": "a > " + "x" * 201}, ["category"]),
    ({"category": " > ".join("x" * 61)}, ["category"]),
    ({"further_categories": "a"}, ["further_categories"]),
    ({"further_categories": ["a > b"] * 20}, ["further_categories"]),
    ({"attributes": ["a"]}, ["attributes"]),
    ({"attributes": {"a": [1, {"b": 1}], "b/c": "\0", "": "x"}}, ["attributes/a/1", "attributes/b~1c", "attributes/"]),
    ({"attributes": {"a": {"b": {"c": {"d": {"e": 1}}}}}}, ["attributes/a/b/c/d"]),
    ({"attributes": {str(number): "x" for number in range(501)}}, ["attributes"]),
    ({"images": "https://a.b/c.jpg"}, ["images"]),
    (
        {"images": [7, "x", "http://a.b:22/", {"alt": "x"}, None]},
        ["images/1/url", "images/2/url", "images/3/url", "images/4"],
    ),
    ({"images": [{"id": 7, "x": 1}, {"url": "https://a.b/c.jpg", "position": 1}]}, ["images/0/x", "images/1/position"]),
    ({"images": ["https://a.b/c.jpg"] * 2}, ["images/1"]),
    ({"images": ["https://a.b/c.jpg"] * 101}, ["images"]),
    ({"id": "7"}, ["id"]),
    ({"expires_at": "31.12.2199"}, ["expires_at"]),
]


@pytest.mark.parametrize(("given", "members"), BAD)
def test_every_error_names_its_member_and_nothing_is_written(
    shop: Caller, given: dict[str, Any], members: list[str]
) -> None:
    product = make_product(title="Before")
    before = Product.objects.values().get()
    problem = read(shop.patch(f"{product.pk}/", given), 400)
    assert problem["parameter"] in problem["detail"]
    assert sorted(error["parameter"] for error in problem["errors"]) == sorted(members)
    assert Product.objects.values().get() == before and not Category.objects.exists()


def test_ids_that_are_not_the_products(shop: Caller) -> None:
    product, other = make_product(), make_product()
    assert read(shop.patch(f"{product.pk}/", {"id": other.pk}), 400)["parameter"] == "id"
    assert read(shop.post("", {"id": 5, "sku": "N", "title": "x"}), 400)["parameter"] == "id"
    image = make_image(other)
    problem = read(shop.patch(f"{product.pk}/", {"images": [image.pk]}), 400)
    assert problem["errors"] == [
        {"parameter": "images/0", "detail": f"the product has no photo {image.pk}; give the URL of a new one"}
    ]


def test_a_new_product_needs_a_sku_and_a_title(shop: Caller) -> None:
    assert [error["parameter"] for error in read(shop.post("", {}), 400)["errors"]] == ["title", "sku"]
    assert read(shop.put("sku:A/", {}), 400)["parameter"] == "title"


@pytest.mark.parametrize(
    ("body", "status", "title"),
    [
        (b"{", 400, "Not JSON"),
        (b"\xff", 400, "Not JSON"),
        (b"[" * 100_000, 400, "Not JSON"),
        (b'{"price": ' + b"9" * 10_000 + b"}", 400, "Bad parameter"),
        (b"[]", 400, "Not an object"),
        (b'{"price": NaN}', 400, "Bad parameter"),
        (b'{"price": 1, "price": 2}', 400, "Bad parameter"),
        (b'{"attributes": {"a": 1, "a": 2}}', 400, "Bad parameter"),
        (b'{"title": "\\ud800"}', 400, "Bad parameter"),
        (b'{"title": "' + b"x" * (2 * 1024**2) + b'"}', 413, "Request Entity Too Large"),
    ],
)
def test_bodies_that_are_none(shop: Caller, body: bytes, status: int, title: str) -> None:
    product = make_product()
    assert read(shop.patch(f"{product.pk}/", body), status)["title"] == title


def test_another_type_of_body_is_refused(shop: Caller) -> None:
    response = shop.client.post(
        "/api/v1/products/",
        b"sku=1",
        "application/x-www-form-urlencoded",
        headers={"Authorization": "Bearer lk_sec_test"},
    )
    assert read(response, 415)["detail"] == "application/x-www-form-urlencoded: send application/json"


def test_a_method_that_there_is_not_names_those_that_there_are(shop: Caller) -> None:
    response = shop.call("DELETE", "")
    assert (response.status_code, response["Allow"]) == (405, "GET, POST, HEAD, OPTIONS")
    assert shop.call("GET", "batch/")["Allow"] == "POST, OPTIONS"


def test_a_sale_begins_and_ends_by_itself(shop: Caller) -> None:
    from catalog import sales

    product = make_product(price=10)
    now = timezone.now()
    begins = (now + timedelta(hours=1)).isoformat()
    read(shop.patch(f"{product.pk}/", {"sale_price": 8, "sale_from": begins, "sale_until": "2199-01-01"}), 200)
    sales.turn(now=now + timedelta(hours=2))
    product.refresh_from_db()
    assert (product.price, product.list_price) == (8, 10)
    assert product.sale_until == datetime(2199, 1, 2, tzinfo=UTC)
