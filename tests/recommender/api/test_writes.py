"""What is written by the API reaches the recommender as what an admin or a feed writes: jobs, and no vectors of what is gone."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from recommender.models import EmbeddingJob, ImageFeatures, ImageVector
from tests.catalog.factories import make_product, photo_bytes
from tests.catalog.writes.keys import Caller, read
from tests.recommender.search.gallery import Shop, make_space, random_units

pytestmark = pytest.mark.django_db
Priority = EmbeddingJob.Priority


@pytest.fixture
def gallery(settings: Settings) -> Shop:
    settings.API_ADMISSION = "tests.catalog.writes.keys.decide"
    return Shop(make_space())


def test_photos_are_asked_for_as_their_caller_waits(gallery: Shop) -> None:
    make_product(sku="A")
    shop = Caller()
    read(shop.upload("POST", "sku:A/images/", photo_bytes(1)), 201)
    read(shop.post("sku:A/images/", {"images": ["https://a.b/c.jpg"]}), 201)
    read(
        shop.post("batch/", {"items": [{"op": "create", "sku": "B", "title": "x", "images": ["https://a.b/d.jpg"]}]}),
        207,
    )
    jobs = EmbeddingJob.objects.order_by("image_id").values_list("image__source_url", "priority", "state")
    assert list(jobs) == [
        ("", Priority.UPLOAD, "pending"),
        ("https://a.b/c.jpg", Priority.UPLOAD_BY_URL, "pending"),
        ("https://a.b/d.jpg", Priority.IMPORT_BY_URL, "pending"),
    ]


def test_vectors_of_what_is_deleted_removed_or_replaced_are_gone_at_once(gallery: Shop) -> None:
    rows = random_units(4, seed=3)
    deleted, in_batch, replaced, kept = gallery.add_many([(rows[i : i + 1], {}) for i in range(4)])
    shop = Caller()
    assert shop.delete(f"{deleted.pk}/").status_code == 204
    read(shop.post("batch/", {"items": [{"op": "delete", "id": in_batch.pk}]}), 207)
    image = replaced.images.get()
    read(shop.upload("PUT", f"{replaced.pk}/images/{image.pk}/", photo_bytes(999)), 200)
    vectors = ImageVector.objects.filter(space=gallery.space)
    assert list(vectors.values_list("product_id", flat=True)) == [kept.pk]
    assert list(ImageFeatures.objects.values_list("image__product", flat=True)) == [kept.pk]
    assert EmbeddingJob.objects.get(image=image).state == "pending"
    read(shop.put(f"{kept.pk}/images/", {"images": []}), 200)
    assert not vectors.exists() and not ImageFeatures.objects.exists()
