"""Near-duplicates of one product: candidates from the index, judged on plain features, confirmed by a perceptual hash."""

from __future__ import annotations

from collections.abc import Sequence

from recommender.index.search import vector_search
from recommender.index.types import SpaceQuery
from recommender.models import Space
from recommender.search.answers import Answer
from recommender.search.clusters import CANDIDATES, GROWTH, MOST_CANDIDATES
from recommender.search.filters import SearchOptions, excluding
from recommender.search.likeness import KnownPhotos
from recommender.search.query_products import QueryPhoto, QueryProduct, query_product
from recommender.search.ranking.base import Candidate
from recommender.search.ranking.group import variant_groups
from recommender.search.space import current_space, in_active_space


@in_active_space
def duplicates_of(*, product_id: int, threshold: float, options: SearchOptions) -> Answer:
    """Products with a photo that shows what one of this product's shows; best first, score the cosine of plain features.

    One of each variant group, never the product itself or another of its group. Raises UnknownProduct, NoActiveSpace.
    """
    space = current_space()
    product = query_product(space=space, product_id=product_id, every_photo=True)
    found = _same(space, product, threshold, options)
    groups = variant_groups({one.product_id for one in found})
    best: dict[int | str, Candidate] = {}
    for one in sorted(found, key=lambda one: (-one.score, one.image_id)):
        best.setdefault(groups.get(one.product_id, one.product_id), one)
    return Answer(
        status=product.status,
        space=space,
        exact=options.exact,
        query={"product": product_id, "image": "all"},
        found=tuple(best.values())[: options.limit],
        reason=product.reason,
        detail=product.detail,
    )


def _same(space: Space, product: QueryProduct, threshold: float, options: SearchOptions) -> list[Candidate]:
    """Photos that show what one of the product's photos shows; more are asked for as long as all that is found is alike."""
    known = KnownPhotos(space, threshold=threshold)
    filters = excluding(options, products=[product.product_id], groups=[product.group]).filters
    pairs: dict[tuple[int, int], int] = {}  # the photo and one that is alike → the product of that one
    photos: Sequence[QueryPhoto] = product.photos
    count = CANDIDATES
    while photos:
        queries = [SpaceQuery(vector=photo.vector, filters=filters, own=photo.own) for photo in photos]
        pages = vector_search().search_many(space=space, queries=queries, k=count, exact=options.exact)
        known.read_features({hit.image_id for page in pages for hit in page}.union(one.image_id for one in photos))
        crowded = []
        for photo, page in zip(photos, pages, strict=True):
            alike = [hit for hit in page if known.alike(photo.image_id, hit.image_id) is not None]
            pairs |= {(photo.image_id, hit.image_id): hit.product_id for hit in alike}
            if len(alike) == count < MOST_CANDIDATES:
                crowded.append(photo)
        photos, count = crowded, count * GROWTH
    known.read_hashes({image_id for pair in pairs for image_id in pair})
    found = []
    for (image_id, other), product_id in pairs.items():
        if (likeness := known.same(image_id, other)) is not None:
            cosine = likeness.cosine
            found.append(Candidate(other, product_id, cosine, 1 - cosine, shape=cosine))
    return found
