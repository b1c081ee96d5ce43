"""500 drawn placeholders among 2,000 products: none is an answer, none is a query, and each can come back."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import pytest
from django.test import Client
from pytest_django import DjangoDbBlocker, Settings

from catalog.models import Product, ProductImage
from recommender.checks import placeholders_are_on_several_groups
from recommender.evaluation.labels import read_photos
from recommender.evaluation.recall import recall_of
from recommender.index.registry import vector_index
from recommender.index.stored import count as stored_vectors
from recommender.index.stored import vectors_of
from recommender.models import ImageFeatures, Placeholder, PlaceholderFile, Space
from recommender.pipeline.withholding import Applied, update
from recommender.search.filters import SearchOptions
from recommender.search.similarity import similar_to_features
from recommender.spaces.fill import Reconciled, missing_vectors, reconcile
from tests.recommender.merchandising.shop import File, any_features, any_files, hashed, re_encoded, stock
from tests.recommender.search.parted import make_parted_space
from tests.shared_rows import shared_rows

PRODUCTS, PLACEHOLDERS = 2000, 500
API = "/api/v1"
pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Found:
    """A shop in which placeholders were looked for. `only`: products with nothing else; `beside`: with another photo."""

    space: Space
    files: list[File]
    only: list[Product]
    beside: list[Product]
    others: list[Product]


def near(features: np.ndarray, count: int, space: Space) -> list[np.ndarray]:
    """What an encoder sees in copies of a picture: cosines of shapes above .99."""
    noise = any_features(space, count, np.random.default_rng(5)) * 0.02
    return [features + one for one in noise]


def stocked() -> Found:
    space = make_parted_space()
    picture = any_features(space, 1, np.random.default_rng(4))[0]
    files = [hashed(data, seen) for data, seen in zip(re_encoded(), near(picture, 6, space), strict=True)]
    own = any_files(space, PRODUCTS - PLACEHOLDERS + 100)
    only = stock(space, [[files[number % 6]] for number in range(PLACEHOLDERS - 100)])
    beside = stock(space, [[files[number % 6], own[number]] for number in range(100)])
    others = stock(space, [[file] for file in own[100:]])
    vector_index().build(space=space)
    return Found(space, files, only, beside, others)


@pytest.fixture(scope="module")
def kept(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Found]:
    yield from shared_rows(django_db_blocker, stocked)


@pytest.fixture
def shop(db: None, kept: Found) -> Found:
    """2,000 products, written once for all tests of this file."""
    return deepcopy(kept)


@pytest.fixture
def found(shop: Found) -> Found:
    assert update(thoroughly=True) == Applied(withheld=PLACEHOLDERS, returned=0)
    return shop


def placeholder_photos(shop: Found) -> set[int]:
    digests = [file.digest for file in shop.files]
    return set(ProductImage.objects.filter(digest__in=digests).values_list("pk", flat=True))


def test_the_pictures_of_500_photos_are_one_placeholder(found: Found) -> None:
    picture = Placeholder.objects.get()
    assert (picture.groups, picture.found, picture.is_placeholder, picture.ruling) == (PLACEHOLDERS, True, True, "")
    assert set(picture.files.values_list("digest", "withheld")) == {(file.digest, True) for file in found.files}
    assert stored_vectors(space=found.space) == PRODUCTS - PLACEHOLDERS + 100
    assert not vectors_of(space=found.space, image_ids=sorted(placeholder_photos(found)))
    assert ImageFeatures.objects.count() == PRODUCTS + 100
    assert update(thoroughly=True) == Applied(0, 0)


def test_no_answer_shows_a_placeholder(found: Found, client: Client) -> None:
    asking, beside, only = found.others[0], found.beside[0], found.only[0]
    ids = [product.pk for product in (asking, beside, only)]
    json = {"content_type": "application/json"}
    bodies = [
        client.get(f"{API}/products/{asking.pk}/similar/?limit=100").json(),
        client.get(f"{API}/products/{asking.pk}/similar/?limit=100&exact=true").json(),
        client.get(f"{API}/products/{beside.pk}/similar/?limit=100").json(),
        client.get(f"{API}/products/{beside.pk}/similar/?limit=100&image=all").json(),
        client.get(f"{API}/search/color/?hex=ececee&limit=100").json(),
        client.post(f"{API}/recommendations/", {"positive": ids[:2], "limit": 100}, **json).json(),
    ]
    assert {body["status"] for body in bodies} == {"ready"}
    batch = client.post(f"{API}/similar/batch/", {"products": ids, "limit": 100}, **json).json()
    assert batch["waiting"] == {str(only.pk): "failed"}
    pages = [body["results"] for body in bodies] + [batch["results"][str(pk)] for pk in ids[:2]]
    hidden = {product.pk for product in found.only}
    photos = placeholder_photos(found)
    for page in pages:
        assert len(page) == 100 and hidden.isdisjoint(result["product"]["id"] for result in page)
    options = SearchOptions(limit=100)
    uploaded = similar_to_features(
        encoder_id=found.space.encoder_id, features=found.files[0].features, options=options, query={}
    )
    assert len(uploaded.found) == 100 and photos.isdisjoint(one.image_id for one in uploaded.found)


def test_a_product_with_nothing_else_answers_as_one_without_a_photo(found: Found, client: Client) -> None:
    body = client.get(f"{API}/products/{found.only[0].pk}/similar/").json()
    assert (body["status"], body["reason"], body["results"]) == ("failed", "no_photo", [])
    assert body["detail"] == "the product has no photo but placeholders, which stand for many products"
    assert body["query"] == {"product": found.only[0].pk, "image": None}


def test_a_product_is_searched_by_the_photo_after_a_placeholder(found: Found, client: Client) -> None:
    product = found.beside[0]
    placeholder, photo = product.images.order_by("position")
    body = client.get(f"{API}/products/{product.pk}/similar/").json()
    assert (body["status"], body["query"]["image"]) == ("ready", photo.pk)
    named = client.get(f"{API}/products/{product.pk}/similar/?image={placeholder.pk}").json()
    assert (named["status"], named["reason"], named["query"]["image"]) == ("failed", "no_photo", placeholder.pk)
    assert named["detail"].startswith(f"photo {placeholder.pk} is a placeholder")
    assert (
        client.get(f"{API}/products/{product.pk}/similar/{found.others[0].pk}/why/?image={placeholder.pk}").status_code
        == 409
    )


def test_a_picture_that_falls_under_the_number_comes_back(found: Found) -> None:
    before = {image: vector for image, vector in zip(*_vectors(found), strict=True)}
    Product.objects.filter(pk__in=[product.pk for product in [*found.only, *found.beside][20:]]).delete()
    assert update() == Applied(withheld=0, returned=20)
    assert not Placeholder.objects.exists() and not PlaceholderFile.objects.exists()
    now = {image: vector for image, vector in zip(*_vectors(found), strict=True)}
    assert placeholder_photos(found) <= now.keys() and len(placeholder_photos(found)) == 20
    assert all(np.array_equal(now[image], before[image]) for image in now.keys() & before.keys())
    assert update(thoroughly=True) == Applied(0, 0)


def _vectors(shop: Found) -> tuple[list[int], list[np.ndarray]]:
    images = list(ProductImage.objects.values_list("pk", flat=True))
    found = vectors_of(space=shop.space, image_ids=images)
    return list(found), list(found.values())


def test_the_number_is_a_setting(shop: Found, settings: Settings) -> None:
    settings.PLACEHOLDER_ABOVE_GROUPS = PLACEHOLDERS
    assert update(thoroughly=True) == Applied(0, 0)
    settings.PLACEHOLDER_ABOVE_GROUPS = PLACEHOLDERS - 1
    assert update(thoroughly=True) == Applied(PLACEHOLDERS, 0)


def test_placeholders_stay_out_of_fits_judgements_and_recall(found: Found) -> None:
    photos = placeholder_photos(found)
    everyone = read_photos(encoders=[found.space.encoder_id], labels="category")
    assert len(everyone) == PRODUCTS - PLACEHOLDERS + 100 and photos.isdisjoint(everyone.image_ids.tolist())
    assert missing_vectors(found.space).tolist() == []
    assert reconcile(found.space) == Reconciled(removed=0, added=0)
    recall, asked = recall_of(found.space, queries=50)
    assert recall is not None and recall > 0.9 and asked == 50


def test_they_are_counted_in_status_and_metrics(found: Found, client: Client) -> None:
    status = client.get(f"{API}/status/").json()
    assert status["placeholders"] == {"pictures": 1, "products_with_nothing_else": PLACEHOLDERS - 100}
    metrics = client.get("/metrics").content.decode()
    assert "lookalike_placeholders 1.0" in metrics
    assert f"lookalike_products_with_placeholders_only {PLACEHOLDERS - 100:.1f}" in metrics


@pytest.mark.parametrize(("groups", "wrong"), [(0, True), (-1, True), (1, False), (20, False)])
def test_a_number_that_makes_every_picture_a_placeholder_is_refused(
    settings: Settings, groups: int, wrong: bool
) -> None:
    settings.PLACEHOLDER_ABOVE_GROUPS = groups
    found = placeholders_are_on_several_groups()
    assert [str(one.id) for one in found] == (["recommender.E006"] if wrong else [])
    assert all(f"PLACEHOLDER_ABOVE_GROUPS is {groups}" in one.msg for one in found)
