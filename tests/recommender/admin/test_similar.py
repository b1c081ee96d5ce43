"""Similar items on a product's page: a shopper's filters, the dial, and rules made right there."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from catalog.models import Product, ProductImage
from recommender.models import EmbeddingJob, Rule, Space
from recommender.pipeline import embed
from tests.catalog.admin.test_pages import form_of
from tests.catalog.factories import make_image, make_product

pytestmark = pytest.mark.django_db
JSON = {"HTTP_ACCEPT": "application/json"}


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("keeper"))
    return client


@pytest.fixture
def product(colour_space: Space) -> Product:
    """A red one, with a reddish and a blue one like it."""
    red = make_product(title="Red")
    make_image(red, colour="red")
    make_image(make_product(title="Reddish", brand="Oak", price=10, in_stock=False), colour=(250, 10, 10))
    make_image(make_product(title="Blue", brand="Elm", price=90, attributes={"size": "M"}), colour="blue")
    embed.work(seconds=10)
    return red


def titles(staff: Client, product: Product, **chosen: str) -> list[str]:
    page = staff.get(reverse("admin:recommender_similar_items", args=[product.pk]), chosen).json()["similar"]
    return [title for title in ("Reddish", "Blue") if f"<span>{title}</span>" in page]


@pytest.mark.parametrize(
    ("chosen", "left"),
    [
        ({}, ["Reddish", "Blue"]),
        ({"brand": "oak"}, ["Reddish"]),
        ({"in_stock": "true"}, ["Blue"]),
        ({"max_price": "50"}, ["Reddish"]),
        ({"attribute": "Size", "value": "m"}, ["Blue"]),
        ({"brand": " "}, ["Reddish", "Blue"]),
        ({"brand": "nobody"}, []),
    ],
)
def test_a_shoppers_filters_narrow_them(
    staff: Client, product: Product, chosen: dict[str, str], left: list[str]
) -> None:
    assert titles(staff, product, **chosen) == left


@pytest.mark.parametrize(
    ("chosen", "label"),
    [
        ({"min_price": "cheap"}, "Price from"),
        ({"color_weight": "101"}, "Shape or colour"),
        ({"category": "nope"}, "Category"),
        ({"min_confidence": "50"}, "Confidence from"),
    ],
)
def test_a_filter_that_is_wrong_is_named_and_the_page_stays(
    staff: Client, product: Product, chosen: dict[str, str], label: str
) -> None:
    page = staff.get(reverse("admin:catalog_product_change", args=[product.pk]), chosen).content.decode()
    assert f'<p class="desk-empty">{label}: ' in page and "<span>Blue</span>" not in page


def ruled(staff: Client, asking: Product, **what: object) -> list[tuple[str, str]]:
    answer = staff.post(reverse("admin:recommender_rule_similar", args=[asking.pk]), what, **JSON)
    assert answer.status_code == 200
    return [(one["level"], one["html"]) for one in answer.json()["told"]]


def test_an_item_is_pinned_hidden_and_brought_back(staff: Client, product: Product) -> None:
    blue, reddish = (Product.objects.get(title=title) for title in ("Blue", "Reddish"))
    [(level, text)] = ruled(staff, product, do="pin", product=blue.pk, place=1)
    assert level == "success" and "is pinned at place 1" in text
    pin = Rule.objects.get()
    assert (pin.kind, pin.for_product_id, pin.product_id, pin.place) == ("pin", product.pk, blue.pk, 1)
    assert pin.created_by is not None and pin.created_by.username == "keeper"
    page = staff.get(reverse("admin:catalog_product_change", args=[product.pk])).content.decode()
    assert page.index("<span>Blue</span>") < page.index("<span>Reddish</span>")
    ruled(staff, product, do="hide", product=reddish.pk)
    assert titles(staff, product) == ["Blue"]
    hidden = Rule.objects.get(kind="hide")
    [(level, text)] = ruled(staff, product, do="undo", rule=hidden.pk)
    assert level == "success" and text.startswith("Taken back: never show")
    assert titles(staff, product) == ["Reddish", "Blue"]


def test_a_title_with_markup_is_told_as_text(staff: Client, product: Product) -> None:
    Product.objects.filter(title="Blue").update(title="<img src=x onerror=alert(1)>")
    blue = Product.objects.get(title__startswith="<img")
    [(_, text)] = ruled(staff, product, do="boost", product=blue.pk)
    assert "&lt;img src=x" in text and "<img" not in text


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ({"do": "pin", "place": "0"}, "greater than or equal to 1"),
        ({"do": "pin", "place": "first"}, "A whole number is needed as place."),
        ({"do": "sell"}, "Choose what to do"),
    ],
)
def test_what_cannot_be_done_is_said(staff: Client, product: Product, what: dict[str, str], said: str) -> None:
    blue = Product.objects.get(title="Blue")
    [(level, text)] = ruled(staff, product, product=blue.pk, **what)
    assert level == "error" and said in text
    assert not Rule.objects.exists()


def test_nobody_rules_without_the_right_to(client: Client, product: Product) -> None:
    looker = User.objects.create_user("looker", is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_product", content_type__app_label="catalog"))
    client.force_login(looker)
    page = client.get(reverse("admin:catalog_product_change", args=[product.pk])).content.decode()
    assert "<span>Blue</span>" in page and 'value="hide"' not in page
    blue = Product.objects.get(title="Blue")
    url = reverse("admin:recommender_rule_similar", args=[product.pk])
    assert client.post(url, {"do": "hide", "product": blue.pk}).status_code == 403
    assert not Rule.objects.exists()


def test_embed_again_keeps_what_was_edited(staff: Client, product: Product) -> None:
    """Its button belongs to the form, so that without scripts, too, the form is saved first."""
    photo = ProductImage.objects.get(product=product)
    url = reverse("admin:catalog_product_change", args=[product.pk])
    answer = staff.post(url, form_of(product, brand="Edited", _embed=str(photo.pk)))
    assert (answer.status_code, answer["Location"]) == (302, url)
    product.refresh_from_db()
    assert product.brand == "Edited"
    assert EmbeddingJob.objects.get(image=photo).state == "pending"
    refused = staff.post(url, form_of(product, title="", brand="Again", _embed="all"))
    assert refused.status_code == 200 and refused.context["adminform"].form["brand"].value() == "Again"


def test_its_script_is_told_and_the_page_stays(staff: Client, product: Product) -> None:
    photo = ProductImage.objects.get(product=product)
    again = reverse("admin:recommender_embed_product_again", args=[product.pk])
    told = staff.post(f"{again}?image={photo.pk}", **JSON)
    assert json.loads(told.content) == {"told": [{"level": "success", "html": "1 photo is embedded again."}]}
    answer = staff.get(reverse("admin:recommender_similar_items", args=[product.pk])).json()
    assert answer["pending"] is True
    assert answer["thumbnails"] == {str(photo.pk): f"/media/thumbnails/{photo.digest}.jpg"}


def test_only_who_may_is_offered_to_embed_again_and_to_call_a_photo_a_placeholder(
    client: Client, product: Product
) -> None:
    clerk = User.objects.create_user("clerk", is_staff=True)
    may = ["view_product", "change_product", "view_productimage", "change_productimage"]
    clerk.user_permissions.add(*Permission.objects.filter(codename__in=may, content_type__app_label="catalog"))
    client.force_login(clerk)
    url = reverse("admin:catalog_product_change", args=[product.pk])
    page = client.get(url).content.decode()
    assert "is-done" in page and "Embed again" not in page and "This is a placeholder" not in page
    codenames = ["change_embeddingjob", "change_placeholder"]
    clerk.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
    page = client.get(url).content.decode()
    assert "Embed again" in page and "This is a placeholder" in page
