"""The admin's page of placeholders, and ruling on a photo from its product's page."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from catalog.models import Product, ProductImage
from recommender.index import stored
from recommender.models import Placeholder, Space
from recommender.pipeline.withholding import update
from recommender.search.placeholders import apply_rulings
from tests.recommender.merchandising.shop import any_files, stock

PAGE = "admin:recommender_placeholder_changelist"
pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("keeper"))
    return client


@pytest.fixture
def looker(client: Client) -> Client:
    """Somebody who may look at products and placeholders, and rule on none."""
    user = User.objects.create_user("looker", is_staff=True)
    user.user_permissions.add(
        *Permission.objects.filter(codename__in=["view_placeholder", "view_product", "view_productimage"])
    )
    client.force_login(user)
    return client


@pytest.fixture
def products(colour_space: Space, settings: Settings) -> list[Product]:
    """Five with the same picture, which is a placeholder, and one with another."""
    settings.PLACEHOLDER_ABOVE_GROUPS = 3
    one, other = any_files(colour_space, 2)
    products = stock(colour_space, [[one]] * 5 + [[other]])
    update(thoroughly=True)
    return products


def test_placeholders_are_listed_with_their_products(products: list[Product], staff: Client) -> None:
    page = staff.get(reverse(PAGE)).content.decode()
    picture = Placeholder.objects.get()
    assert f'alt="placeholder {picture.digest[:12]}"' in page and 'class="lookalike-thumb"' in page
    links = [reverse("admin:catalog_product_change", args=[product.pk]) in page for product in products]
    assert links == [True, True, True, False, False, False] and "and more" in page
    one = staff.get(reverse("admin:recommender_placeholder_change", args=[picture.pk])).content.decode()
    links = [reverse("admin:catalog_product_change", args=[product.pk]) in one for product in products]
    assert links == [True, True, True, True, True, False] and "and more" not in one
    row = staff.get(reverse(PAGE)).context["cl"].result_list[0]
    assert (row.groups, row.photo_count) == (5, 5)
    assert "<script>" not in page


@pytest.mark.parametrize(
    ("action", "ruling", "vectors"),
    [("rule_photo", "photo", 6), ("rule_placeholder", "placeholder", 1), ("rule_as_found", "", 1)],
)
def test_a_picture_is_ruled_on_by_an_action(
    products: list[Product], staff: Client, colour_space: Space, action: str, ruling: str, vectors: int
) -> None:
    picture = Placeholder.objects.get()
    answer = staff.post(reverse(PAGE), {"action": action, "_selected_action": [picture.pk]}, follow=True)
    assert "1 picture ruled" in answer.content.decode()
    apply_rulings()
    assert Placeholder.objects.get().ruling == ruling
    assert stored.count(space=colour_space) == vectors


def test_a_photo_is_ruled_on_from_its_product(products: list[Product], staff: Client, colour_space: Space) -> None:
    page = reverse("admin:catalog_product_change", args=[products[5].pk])
    assert "This is a placeholder" in staff.get(page).content.decode()
    image = products[5].images.get()
    rule = reverse("admin:recommender_rule_on_photo", args=[products[5].pk])
    assert staff.post(f"{rule}?image={image.pk}&ruling=placeholder").status_code == 302
    apply_rulings()
    assert stored.count(space=colour_space) == 0
    shown = staff.get(page).content.decode()
    assert "on 1 variant groups" in shown and "A photo like any other" in shown
    assert staff.post(f"{rule}?image={image.pk}&ruling=photo").status_code == 302
    apply_rulings()
    assert stored.count(space=colour_space) == 1


def test_only_photos_of_the_product_and_known_rulings_are_taken(products: list[Product], staff: Client) -> None:
    rule = reverse("admin:recommender_rule_on_photo", args=[products[0].pk])
    other = products[1].images.get().pk
    own = products[0].images.get().pk
    for query in ("", f"image={other}&ruling=photo", f"image={own}&ruling=good", "image=x&ruling=photo"):
        assert staff.post(f"{rule}?{query}").status_code == 404
    assert staff.get(f"{rule}?image={own}&ruling=photo").status_code == 405


def test_nobody_rules_without_the_right_to(products: list[Product], looker: Client) -> None:
    image = ProductImage.objects.get(product=products[5])
    rule = reverse("admin:recommender_rule_on_photo", args=[products[5].pk])
    assert looker.post(f"{rule}?image={image.pk}&ruling=placeholder").status_code == 403
    page = looker.get(reverse(PAGE))
    assert page.status_code == 200 and "rule_photo" not in page.content.decode()
    looker.post(reverse(PAGE), {"action": "rule_photo", "_selected_action": [Placeholder.objects.get().pk]})
    assert Placeholder.objects.get().ruling == ""
