"""What a space answers, asked without a server: the same question, exactly."""

from __future__ import annotations

from collections.abc import Sequence

from recommender.index.pgvector import PgvectorIndex
from recommender.index.types import Filters
from recommender.models import Space
from recommender.services.query_products import query_products


def answers_of(space: Space, products: Sequence[int], *, limit: int) -> dict[int, tuple[int, ...]]:
    """By product, the photos of its similar items, nearest first."""
    index = PgvectorIndex()
    answers = {}
    for product_id, product in query_products(space=space, product_ids=products).items():
        hits = index.search(
            space=space,
            vector=product.photos[0].vector,
            filters=Filters(exclude_products=(product_id,), exclude_groups=(product.group,) if product.group else ()),
            k=limit,
            exact=True,
        )
        answers[product_id] = tuple(hit.image_id for hit in hits)
    return answers
