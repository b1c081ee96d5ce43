"""Embedded products are deleted in the admin with all that was computed from them; read-only pages stay read-only."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.core.files.storage import default_storage
from django.db import models
from django.test import Client
from django.urls import reverse

from catalog.models import Category, Product, ProductImage
from catalog.photos.sweep import sweep_files
from recommender.admin.deleting import DeletesDerivedRows
from recommender.admin.read_only import ReadOnlyAdmin
from recommender.models import EmbeddingJob, Encoder, ImageFeatures, ImageVector, Space
from recommender.pipeline import embed
from tests.catalog.factories import make_category, make_image, make_product

pytestmark = pytest.mark.django_db
STATES = ("pending", "processing", "done", "failed")
CATALOGUE_ONLY = ("product", "productimage", "category")


@pytest.fixture(params=["superuser", "catalogue permissions only"])
def deleter(client: Client, request: pytest.FixtureRequest) -> Client:
    if request.param == "superuser":
        user = User.objects.create_superuser("keeper")
    else:
        user = User.objects.create_user("merchandiser", is_staff=True)
        names = [f"{verb}_{model}" for verb in ("view", "add", "change", "delete") for model in CATALOGUE_ONLY]
        user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(user)
    return client


@pytest.fixture
def embedded(colour_space: Space) -> list[Product]:
    """Four products in a category, of two photos each: embedded, with jobs in every state. A fifth one stays."""
    products = [make_product(category="Clothing > Dress") for _ in range(5)]
    for product in products:
        make_image(product)
        make_image(product)
    embed.work(seconds=20)
    for product, state in zip(products, STATES, strict=False):
        EmbeddingJob.objects.filter(image__product=product).update(state=state)
    assert (ImageFeatures.objects.count(), ImageVector.objects.count()) == (10, 10)
    return products


def assert_only_these_are_left(client: Client, products: list[Product]) -> None:
    """Rows, files once swept, and what the API shows."""
    ids = {product.pk for product in products}
    images = set(ProductImage.objects.filter(product__in=ids).values_list("pk", flat=True))
    assert set(Product.objects.values_list("pk", flat=True)) == ids
    for model in (EmbeddingJob, ImageFeatures, ImageVector):
        assert set(model.objects.values_list("image_id", flat=True)) == images, model
    assert set(ProductImage.objects.values_list("pk", flat=True)) == images
    sweep_files(grace_seconds=-60)
    assert stored_files() == {image.file.name for image in ProductImage.objects.all()}
    shown = client.get("/api/v1/products/").json()["results"]
    assert {product["id"] for product in shown} == ids


def stored_files() -> set[str]:
    folders = default_storage.listdir("photos")[0]
    return {f"photos/{folder}/{file}" for folder in folders for file in default_storage.listdir(f"photos/{folder}")[1]}


@pytest.mark.parametrize("number", range(4), ids=STATES)
def test_one_is_deleted_whatever_its_jobs_do(deleter: Client, embedded: list[Product], number: int) -> None:
    url = reverse("admin:catalog_product_delete", args=[embedded[number].pk])
    page = deleter.get(url)
    assert page.status_code == 200
    assert not page.context["perms_lacking"] and not page.context["protected"]
    assert dict(page.context["model_count"]) == {
        "products": 1,
        "product images": 2,
        "embedding jobs": 2,
        "image features": 2,
    }
    assert b"job " not in page.content
    assert deleter.post(url, {"post": "yes"}).status_code == 302
    assert_only_these_are_left(deleter, embedded[:number] + embedded[number + 1 :])
    other = embedded[4].pk
    answer = deleter.get(f"/api/v1/products/{other}/similar/").json()
    assert {item["product"]["id"] for item in answer["results"]} == {product.pk for product in embedded[:4]} - {
        embedded[number].pk
    }
    assert deleter.get(f"/api/v1/products/{embedded[number].pk}/similar/").status_code == 404


def test_many_are_deleted_by_the_action(deleter: Client, embedded: list[Product]) -> None:
    gone, stays = embedded[:4], embedded[4:]
    url, posted = reverse("admin:catalog_product_changelist"), action(gone)
    page = deleter.post(url, posted)
    assert page.status_code == 200 and not page.context["perms_lacking"]
    assert dict(page.context["model_count"])["embedding jobs"] == 8
    assert deleter.post(url, posted | {"post": "yes"}).status_code == 302
    assert_only_these_are_left(deleter, stays)


def test_the_whole_list_is_deleted_by_the_action(deleter: Client, embedded: list[Product]) -> None:
    url = reverse("admin:catalog_product_changelist")
    posted = action(embedded[:1]) | {"select_across": "1", "post": "yes"}
    assert deleter.post(url, posted).status_code == 302
    assert_only_these_are_left(deleter, [])


def test_a_photo_is_deleted_on_its_products_page(deleter: Client, embedded: list[Product]) -> None:
    product = embedded[0]
    first, second = product.images.all()
    posted: dict[str, Any] = {"title": product.title, "sku": product.sku, "published": "on", "attributes": "{}"}
    posted |= {"images-TOTAL_FORMS": 2, "images-INITIAL_FORMS": 2, "images-0-DELETE": "on"}
    for number, image in enumerate((first, second)):
        posted |= {f"images-{number}-id": image.pk, f"images-{number}-product": product.pk}
    assert deleter.post(reverse("admin:catalog_product_change", args=[product.pk]), posted).status_code == 302
    assert list(product.images.all()) == [second]
    assert_only_these_are_left(deleter, embedded)


def test_a_category_is_deleted_and_its_products_stay(deleter: Client, embedded: list[Product]) -> None:
    dress = Category.objects.get(name="Dress")
    assert deleter.post(reverse("admin:catalog_category_delete", args=[dress.pk]), {"post": "yes"}).status_code == 302
    clothing = make_category("Clothing")
    posted = {"action": "delete_selected", "_selected_action": [clothing.pk], "post": "yes"}
    assert deleter.post(reverse("admin:catalog_category_changelist"), posted).status_code == 302
    assert not Category.objects.exists()
    assert_only_these_are_left(deleter, embedded)
    assert set(Product.objects.values_list("category_id", flat=True)) == {None}


def test_a_user_who_deleted_products_is_deleted(client: Client, embedded: list[Product]) -> None:
    clerk = User.objects.create_superuser("clerk")
    client.force_login(clerk)
    client.post(reverse("admin:catalog_product_delete", args=[embedded[0].pk]), {"post": "yes"})
    client.force_login(User.objects.create_superuser("keeper"))
    assert client.post(reverse("admin:auth_user_delete", args=[clerk.pk]), {"post": "yes"}).status_code == 302
    assert not User.objects.filter(username="clerk").exists()
    assert_only_these_are_left(client, embedded[1:])


def test_nobody_deletes_without_the_permission(client: Client, embedded: list[Product]) -> None:
    looker = User.objects.create_user("looker", is_staff=True)
    looker.user_permissions.set(Permission.objects.filter(codename__in=["view_product", "change_product"]))
    client.force_login(looker)
    url = reverse("admin:catalog_product_delete", args=[embedded[0].pk])
    assert client.post(url, {"post": "yes"}).status_code == 403
    client.post(reverse("admin:catalog_product_changelist"), action(embedded) | {"post": "yes"})
    assert_only_these_are_left(client, embedded)


def test_rows_that_the_recommender_writes_are_not_deleted_by_hand(deleter: Client, embedded: list[Product]) -> None:
    for model in (EmbeddingJob, Encoder, Space):
        row = model.objects.order_by("pk")[:1].get()
        count = model.objects.count()
        name = model._meta.model_name
        answer = deleter.post(reverse(f"admin:recommender_{name}_delete", args=[row.pk]), {"post": "yes"})
        assert answer.status_code == 403
        deleter.post(reverse(f"admin:recommender_{name}_changelist"), action([row]) | {"post": "yes"})
        assert model.objects.count() == count


def test_every_admin_whose_deletions_reach_read_only_rows_lets_them_go_along() -> None:
    registry = {
        model: admin.site.get_model_admin(model) for model in apps.get_models() if admin.site.is_registered(model)
    }
    read_only = {model for model, page in registry.items() if isinstance(page, ReadOnlyAdmin)}
    reaching = {
        model for model, page in registry.items() if not isinstance(page, ReadOnlyAdmin) and reached(model) & read_only
    }
    assert reaching == {Product}
    assert all(isinstance(registry[model], DeletesDerivedRows) for model in reaching)


def reached(model: type[models.Model]) -> set[type[models.Model]]:
    """The models of which rows may go when one of this model is deleted."""
    found: set[type[models.Model]] = set()
    waiting = [model]
    while waiting:
        for relation in waiting.pop()._meta.related_objects:
            if relation.on_delete is models.CASCADE and relation.related_model not in found:
                found.add(relation.related_model)
                waiting.append(relation.related_model)
    return found


def action(rows: list[Any]) -> dict[str, Any]:
    return {"action": "delete_selected", "_selected_action": [row.pk for row in rows]}
