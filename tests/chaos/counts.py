"""What a chaos run asks of its database: how far it is, and at the end whether every photo came to its own end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from django.db import Error, connection

from catalog.models import ProductImage
from recommender.models import EmbeddingJob, ImageFeatures, ImageVector, Space
from tests.chaos.pictures import MOVED_TO, Fate, digest, fate, is_broken, replaced_by

T = TypeVar("T")
_ENDED = [EmbeddingJob.State.DONE, EmbeddingJob.State.FAILED]


def asked(query: Callable[[], T]) -> T:
    """The answer, from a Postgres that may be on its way back."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return query()
        except Error:
            if time.monotonic() > deadline:
                raise
            connection.close()
            time.sleep(0.1)


def ended() -> int:
    return asked(lambda: EmbeddingJob.objects.filter(state__in=_ENDED).count())


def settled(photos: int) -> bool:
    """Every photo is in the shop and has ended."""
    return asked(lambda: ProductImage.objects.count() == photos and ended() == photos == EmbeddingJob.objects.count())


def failed_by_reason() -> dict[str, int]:
    return dict(Counter(EmbeddingJob.objects.filter(state="failed").values_list("reason", flat=True)))


def done() -> int:
    return EmbeddingJob.objects.filter(state="done").count()


def crashes() -> int:
    return sum(EmbeddingJob.objects.values_list("crashes", flat=True))


def what_is_wrong(photos: int) -> list[str]:
    """Every promise that does not hold, in words; empty when each photo ended as it should, once."""
    wrong: list[str] = []
    numbers = {row.product.sku: row for row in ProductImage.objects.select_related("product")}
    kept = [number for number in range(photos) if fate(number) is not Fate.DELETED]
    if sorted(numbers) != sorted(f"chaos-{number}" for number in kept) or ProductImage.objects.count() != len(kept):
        wrong.append(f"{len(numbers)} products have a photo, not {len(kept)}")
    states = dict(EmbeddingJob.objects.values_list("image__product__sku", "state"))
    reasons = dict(EmbeddingJob.objects.values_list("image__product__sku", "reason"))
    features = Counter(ImageFeatures.objects.values_list("image__product__sku", flat=True))
    digests = dict(ImageFeatures.objects.values_list("image__product__sku", "digest"))
    vectors = {
        space.pk: Counter(ImageVector.objects.filter(space=space).values_list("image_id", flat=True))
        for space in Space.objects.exclude(state=Space.State.RETIRED)
    }
    for number in kept:
        sku = f"chaos-{number}"
        image = numbers.get(sku)
        counts = {name: held[image.pk if image else 0] for name, held in vectors.items()}
        if is_broken(number):
            if (states.get(sku), reasons.get(sku)) != ("failed", "truncated") or features[sku] or any(counts.values()):
                wrong.append(
                    f"{sku} (broken): {states.get(sku)} {reasons.get(sku)}, {features[sku]} features, {counts} vectors"
                )
        elif states.get(sku) != "done" or features[sku] != 1 or set(counts.values()) != {1}:
            wrong.append(f"{sku}: {states.get(sku)} {reasons.get(sku)}, {features[sku]} features, {counts} vectors")
        elif image is not None and digests[sku] != image.digest:
            wrong.append(f"{sku}: its features are of other pixels")
        elif image is not None and fate(number) is Fate.REPLACED and image.digest != digest(replaced_by(number)):
            wrong.append(f"{sku}: its photo was not replaced")
        elif image is not None and fate(number) is Fate.MOVED and image.position != MOVED_TO:
            wrong.append(f"{sku}: its photo was not moved")
    images = set(ProductImage.objects.values_list("id", flat=True))
    orphans = sum(1 for held in vectors.values() for image_id in held if image_id not in images)
    if orphans:
        wrong.append(f"{orphans} vectors of photos that do not exist")
    return wrong
