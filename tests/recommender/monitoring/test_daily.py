"""The day's sample: what it counts, how searches by the shop's own products are judged, and that it is taken once a day."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone

from catalog.models import Product
from recommender.models import DailySample, Space
from recommender.monitoring import daily
from recommender.monitoring.home import figures
from recommender.schedule import BEAT_SCHEDULE
from recommender.spaces import active
from recommender.tasks import take_daily_sample
from tests.catalog.factories import make_image, make_product, photo_bytes
from tests.recommender.search.calibrations import linear_calibration
from tests.recommender.search.gallery import Shop, unit

pytestmark = pytest.mark.django_db


def calibrated(shop: Shop) -> None:
    Space.objects.filter(pk=shop.space.pk).update(calibration=linear_calibration(low=0.0).as_json())
    active.forget_active_space()


def crowd(shop: Shop, axis: int, count: int, **fields: object) -> list[Product]:
    """Products that look almost alike, around one axis."""
    vectors = np.zeros((count, 8), np.float32)
    vectors[:, axis] = 1
    vectors[:, (axis + 1) % 8] = np.linspace(0, 0.02, count)
    return shop.add_many([(row[None], dict(fields)) for row in unit(vectors)])


def test_products_with_nothing_like_them_are_questions_without_a_good_answer(shop: Shop) -> None:
    calibrated(shop)
    crowd(shop, 0, 5)
    alone = shop.add(unit([0, 0, 0, 1, 0, 0, 0, 0]))
    sample = daily.take()
    assert sample is not None
    assert (sample.asked, sample.unanswered, sample.unanswered_products) == (6, 1, [alone.pk])


def test_without_a_calibration_no_question_is_judged(shop: Shop) -> None:
    crowd(shop, 0, 3)
    sample = daily.take()
    assert sample is not None
    assert (sample.asked, sample.unanswered, sample.looked_for) == (0, 0, 3)


def test_a_product_behind_a_full_page_of_better_ones_is_shown_by_no_answer(shop: Shop) -> None:
    crowd(shop, 0, daily.PAGE + 1)
    behind = shop.add(unit([1, 0, 0.6, 0, 0, 0, 0, 0]))
    sample = daily.take()
    assert sample is not None
    assert (sample.looked_for, sample.unshown, sample.unshown_products) == (daily.PAGE + 2, 1, [behind.pk])


def test_a_variant_is_shown_by_another_of_its_group(shop: Shop) -> None:
    crowd(shop, 0, daily.PAGE)
    shop.add(unit([1, 0.01, 0, 0, 0, 0, 0, 0]), group="g")
    shop.add(unit([1, 0, 0.6, 0, 0, 0, 0, 0]), group="g")
    sample = daily.take()
    assert sample is not None and sample.unshown_products == []


def test_the_shop_is_counted() -> None:
    make_product()
    make_product(published=False)
    data = photo_bytes(1)
    for product in (make_product(), make_product(), make_product(published=False)):
        make_image(product, data=data)
    variants = [make_product(group="g") for _ in range(2)]
    for product in variants:
        make_image(product, data=photo_bytes(2))
    sample = daily.take()
    assert sample is not None
    assert (sample.without_photo, sample.shared_photos, sample.placeholders) == (1, 1, 0)
    assert (sample.asked, sample.looked_for) == (0, 0)  # there is no space to search in


def test_it_is_taken_once_a_day_and_kept_for_a_while() -> None:
    old = timezone.localdate() - timedelta(days=daily.KEPT_DAYS + 1)
    kept = {"pending": 0, "failed": 0, "without_photo": 0, "placeholders": 0, "shared_photos": 0, "feeds_overdue": 0}
    kept |= {"asked": 0, "unanswered": 0, "looked_for": 0, "unshown": 0}
    DailySample.objects.create(day=old, **kept)
    DailySample.objects.create(day=timezone.localdate() - timedelta(days=1), **kept)
    for _ in range(2):
        take_daily_sample()
    assert [(timezone.localdate() - one.day).days for one in DailySample.objects.all()] == [0, 1]
    assert [one.day for one in figures(fresh=True).samples] == [one.day for one in DailySample.objects.order_by("day")]
    assert take_daily_sample.name in {entry["task"] for entry in BEAT_SCHEDULE.values()}
