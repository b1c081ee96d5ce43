"""The day's sample: how the shop stands, and how well searches by its own products are answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from catalog.feeds.schedule import overdue
from catalog.models import Product
from recommender.merchandising.placeholders import is_placeholder, products_with_nothing_else
from recommender.models import DailySample
from recommender.pipeline.queue_status import queue_status
from recommender.search.answers import Answer, NoActiveSpace
from recommender.search.filters import SearchOptions
from recommender.search.similarity import similar_to_each

GOOD = 30.0  # the least confidence of an answer that is worth its place
PAGE = 12  # what a shop shows beside a product
ASKED, LOOKED_FOR = 200, 100  # products of a sample
KEPT_DAYS = 400
_NEAR = 50  # searches that might show a product: those by the products most like it
_BATCH = 100
_NAMED = 50  # products that a sample names

_WITHOUT_PHOTO = """
SELECT count(*) FROM catalog_product p WHERE p.published
    AND NOT EXISTS (SELECT FROM catalog_productimage i WHERE i.product_id = p.id AND i.digest <> '')
"""
_SHARED = f"""
SELECT count(*) FROM (
    SELECT i.digest FROM catalog_productimage i JOIN catalog_product p ON p.id = i.product_id
    WHERE p.published AND i.digest <> '' GROUP BY i.digest
    HAVING count(DISTINCT CASE WHEN p.variant_group <> '' THEN p.variant_group ELSE p.id::text END) > 1
) shared WHERE NOT {is_placeholder("shared.digest")}
"""  # noqa: S608 (SQL of our own)


def take() -> DailySample | None:
    """Count and keep today's figures; None where they are there already. It takes seconds: 300 products are searched by, and up to
    5,000 more by which those might be found."""
    today = timezone.localdate()
    if DailySample.objects.filter(day=today).exists():
        return None
    sample = DailySample(day=today, **_counts())
    products = _drawn(ASKED)
    try:
        _ask(sample, products)
        _look_for(sample, products[:LOOKED_FOR])
    except NoActiveSpace:
        sample.asked = sample.unanswered = sample.looked_for = sample.unshown = 0
    DailySample.objects.bulk_create([sample], ignore_conflicts=True)  # another worker may have been as fast
    DailySample.objects.filter(day__lt=today - timedelta(days=KEPT_DAYS)).delete()
    return sample


def products_without_photo() -> int:
    """Published products of which no photo is stored."""
    return _count(_WITHOUT_PHOTO)


def _counts() -> dict[str, int]:
    queue = queue_status(fresh=True)
    return {
        "pending": queue["pending"] + queue["processing"],
        "failed": queue["failed"],
        "without_photo": products_without_photo(),
        "placeholders": products_with_nothing_else(),
        "shared_photos": _count(_SHARED),
        "feeds_overdue": len(overdue()),
    }


def _ask(sample: DailySample, products: Sequence[int]) -> None:
    """How many searches by these products have no good answer. A search whose scores mean nothing yet is not counted."""
    answers = _answers(products, limit=PAGE)
    judged = {product: one for product, one in answers.items() if one.confidence_basis is not None}
    poor = [
        product
        for product, one in judged.items()
        if max((hit.confidence or 0.0 for hit in one.found), default=0.0) < GOOD
    ]
    sample.asked, sample.unanswered, sample.unanswered_products = len(judged), len(poor), sorted(poor)[:_NAMED]


def _look_for(sample: DailySample, products: Sequence[int]) -> None:
    """How many of these products are in no answer to a search by one of the products that look most like them.

    An answer shows one variant of a group, which stands for the others.
    """
    near = {product: [hit.product_id for hit in one.found] for product, one in _answers(products, limit=_NEAR).items()}
    asking = list(dict.fromkeys(one for found in near.values() for one in found))
    shown = {by: {hit.product_id for hit in one.found} for by, one in _answers(asking, limit=PAGE).items()}
    groups = _groups({*near, *(one for found in shown.values() for one in found)})
    places = {by: {groups.get(one, one) for one in found} for by, found in shown.items()}
    unshown = [
        product
        for product, found in near.items()
        if not any(groups.get(product, product) in places.get(by, ()) for by in found)
    ]
    sample.looked_for, sample.unshown, sample.unshown_products = len(near), len(unshown), sorted(unshown)[:_NAMED]


def _answers(products: Sequence[int], *, limit: int) -> Mapping[int, Answer]:
    """The answers to searches by products, of those that can be searched by. Raises NoActiveSpace."""
    found: dict[int, Answer] = {}
    for start in range(0, len(products), _BATCH):
        batch = products[start : start + _BATCH]
        found |= similar_to_each(product_ids=batch, options=SearchOptions(limit=limit))
    return {product: answer for product, answer in found.items() if answer.status == "ready"}


def _groups(products: set[int]) -> Mapping[int, str]:
    """The variant groups of those that have one."""
    rows = Product.objects.filter(pk__in=products).exclude(group="")
    return dict(rows.values_list("pk", "group"))


def _drawn(count: int) -> list[int]:
    """Published products at random."""
    return list(Product.objects.filter(published=True).order_by("?").values_list("pk", flat=True)[:count])


def _count(statement: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return int(cursor.fetchone()[0])
