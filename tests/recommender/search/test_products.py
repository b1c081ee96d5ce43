"""The product of a result, byte for byte, and that it says what the catalogue says."""

from __future__ import annotations

from decimal import Decimal

import orjson
import pytest
from django.test import Client

from catalog.models import Product, ProductImage
from catalog.representation import product_json, products_for_answers
from recommender.search.products import products_by_image
from tests.catalog.factories import make_category, make_image, make_product

pytestmark = pytest.mark.django_db
DIGEST = "ab" * 32


def photo_of(product: Product) -> ProductImage:
    image = make_image(product)
    ProductImage.objects.filter(pk=image.pk).update(
        digest=DIGEST, file=f"photos/ab/{DIGEST}.jpg", width=640, height=480, alt="from the front"
    )
    image.refresh_from_db()
    return image


@pytest.fixture
def dress() -> ProductImage:
    make_category("Clothing > Dress")
    product = make_product(
        sku="D-1",
        title="Red “dress”",
        description="Long.\nWarm.",
        category="Clothing > Dress",
        brand="Aalto",
        price=Decimal("19.9"),
        currency="EUR",
        in_stock=False,
        url="https://shop.example/d-1",
        group="dress",
        attributes={"size": "m", "colour": "red"},
    )
    return photo_of(product)


@pytest.fixture
def bare() -> ProductImage:
    return photo_of(make_product(sku="B-1", title="Bare", price=None, currency="", category=None))


def test_the_product_of_a_result_byte_for_byte(dress: ProductImage, bare: ProductImage) -> None:
    photo = (
        f'{{"url":"/media/photos/{DIGEST}.jpg","thumbnail":"/media/thumbnails/{DIGEST}.jpg","width":640,"height":480}}'
    )
    found = products_by_image([dress.pk, bare.pk])
    assert orjson.dumps(found[dress.pk]).decode() == (
        f'{{"id":{dress.product_id},"sku":"D-1","group":"dress","title":"Red “dress”","description":"Long.\\nWarm.",'
        '"category":{"slug":"dress","name":"Dress"},"brand":"Aalto","price":"19.90","list_price":null,"currency":"EUR","in_stock":false,'
        '"url":"https://shop.example/d-1","attributes":{"size": "m", "colour": "red"},'
        f'"image":{photo}}}'
    )
    assert orjson.dumps(found[bare.pk]).decode() == (
        f'{{"id":{bare.product_id},"sku":"B-1","group":"","title":"Bare","description":"","category":null,"brand":"",'
        f'"price":null,"list_price":null,"currency":"","in_stock":true,"url":"","attributes":{{}},"image":{photo}}}'
    )


def test_the_catalogue_says_the_same_of_the_product_byte_for_byte(client: Client, dress: ProductImage) -> None:
    body = client.get(f"/api/v1/products/{dress.product_id}/").content.decode()
    assert body == (
        f'{{"id":{dress.product_id},"sku":"D-1","group":"dress","title":"Red “dress”","description":"Long.\\nWarm.",'
        '"category":{"slug":"dress","name":"Dress"},"brand":"Aalto","price":"19.90","list_price":null,"currency":"EUR","in_stock":false,'
        '"url":"https://shop.example/d-1","attributes":{"size":"m","colour":"red"},'
        f'"images":[{{"id":{dress.pk},"url":"/media/photos/{DIGEST}.jpg",'
        f'"thumbnail":"/media/thumbnails/{DIGEST}.jpg","width":640,"height":480,"position":{dress.position},'
        '"alt":"from the front"}]}'
    )


def test_a_result_and_the_schema_have_the_fields_of_the_catalogue(client: Client, dress: ProductImage) -> None:
    """A field that was added to the representation and nowhere else shows in both answers; the schema is told so here."""
    shown = product_json(products_for_answers().get(pk=dress.product_id))
    result = products_by_image([dress.pk])[dress.pk]
    assert [*result][:-1] == [*shown][:-1]
    schemas = client.get("/api/schema/?format=json").json()["components"]["schemas"]
    assert [*schemas["Product"]["properties"]] == [*shown]
    assert [*schemas["AnswerProduct"]["properties"]] == [*result]
