"""The questions a shop asks: what looks like this product, this photo, these likes without those dislikes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from catalog.filters.entries.category import Category
from catalog.models import Product
from recommender.index import kinds
from recommender.index.pgvector import SpaceQuery
from recommender.index.registry import vector_index
from recommender.index.types import Hit
from recommender.models import Space
from recommender.projection.apply import project_query
from recommender.search.answers import Answer, EncoderChanged, Found, QueryCancelsOut, current_space, in_active_space
from recommender.search.filters import InvalidParameter, SearchOptions, excluding
from recommender.search.query_products import QueryProduct, UnknownProduct, query_product, query_products
from recommender.search.ranking import diversity

WIDER = 8  # candidates for each place that is to be diverse
MOST_CANDIDATES = 400
_CANCELS = 1e-3  # shorter than this, a difference of unit vectors is rounding (halfvec keeps 3 digits)


@in_active_space
def similar_to_product(
    *, product_id: int, options: SearchOptions, image: int | str | None = None, unpublished: bool = False
) -> Answer:
    """What looks like a product: by its primary photo, by the photo `image`, or by "all" (the best of each counts).

    Never the product itself or another of its group. Raises UnknownProduct, InvalidParameter, NoActiveSpace.
    """
    space = current_space()
    product = query_product(
        space=space,
        product_id=product_id,
        image_id=image if isinstance(image, int) else None,
        every_photo=image == "all",
        unpublished=unpublished,
    )
    if isinstance(image, int) and product.image_id != image:
        raise InvalidParameter("image", f"product {product_id} has no photo {image}")
    query = {"product": product_id, "image": "all" if image == "all" else product.image_id}
    if not product.photos:
        return _without_vector(product, space, options, query)
    own = excluding(options, products=[product_id], groups=[product.group])
    return _answer(space, [photo.vector for photo in product.photos], own, query, [product.category_id])


@in_active_space
def similar_to_features(
    *, encoder_id: int, features: NDArray[np.float32], options: SearchOptions, query: Mapping[str, object]
) -> Answer:
    """What looks like a photo, by its features, float32 (dimensions of the encoder,).

    Raises NoActiveSpace, and EncoderChanged when the active space is another encoder's.
    """
    space = current_space()
    if space.encoder_id != encoder_id:
        raise EncoderChanged
    vector = project_query(space, features)
    return _answer(space, [vector], options, query, None)


@in_active_space
def recommend(*, positive: Sequence[int], negative: Sequence[int], options: SearchOptions) -> Answer:
    """What looks like the likes and not like the dislikes: the mean unit vector of the ones minus that of the others.

    None of them, nor of their groups, is answered. Those without a vector yet do not count; when no like has one, the
    status says so. Raises UnknownProduct, QueryCancelsOut, NoActiveSpace.
    """
    space = current_space()
    known = query_products(space=space, product_ids=[*positive, *negative])
    for product_id in (*positive, *negative):
        if product_id not in known:
            raise UnknownProduct(product_id)
    query = {"positive": list(positive), "negative": list(negative)}
    likes = [known[product_id] for product_id in positive]
    if not any(product.photos for product in likes):
        return _without_vector(next((one for one in likes if one.status == "pending"), likes[0]), space, options, query)
    vector = _mean(space, likes) - _mean(space, [known[product_id] for product_id in negative])
    length = float(np.linalg.norm(vector))
    if length < _CANCELS:
        raise QueryCancelsOut("the positive and the negative products cancel each other out: leave one of them out")
    own = excluding(
        options, products=list(known), groups=list(dict.fromkeys(product.group for product in known.values()))
    )
    return _answer(space, [vector / length], own, query, [product.category_id for product in likes])


@in_active_space
def similar_to_each(*, product_ids: Sequence[int], options: SearchOptions) -> Mapping[int, Answer]:
    """`similar_to_product` for many products in few round trips; products that do not exist are left out."""
    space = current_space()
    known = query_products(space=space, product_ids=product_ids)
    ready = [product for product in known.values() if product.photos]
    queries = [
        SpaceQuery(
            vector=product.photos[0].vector,
            filters=excluding(options, products=[product.product_id], groups=[product.group]).filters,
        )
        for product in ready
    ]
    hits = vector_index().search_many(space=space, queries=queries, k=options.limit, exact=options.exact)
    pages = {product.product_id: page for product, page in zip(ready, hits, strict=True)}
    answers = {}
    for product_id in product_ids:
        if product_id not in known:
            continue
        query = {"product": product_id, "image": known[product_id].image_id}
        answers[product_id] = _without_vector(known[product_id], space, options, query)
        if product_id in pages:
            found = [one for one in _scored(space, pages[product_id]) if _enough(one, options)]
            answers[product_id] = replace(answers[product_id], found=found)
    return answers


def _without_vector(product: QueryProduct, space: Space, options: SearchOptions, query: Mapping[str, object]) -> Answer:
    """An answer without results, and why."""
    return Answer(
        status=product.status,
        space=space,
        exact=options.exact,
        query={**query, **options.filters.named},
        reason=product.reason,
        detail=product.detail,
    )


def _enough(item: Found, options: SearchOptions) -> bool:
    return options.min_score is None or item.score >= options.min_score


def _answer(
    space: Space,
    vectors: Sequence[NDArray[np.float32]],
    options: SearchOptions,
    query: Mapping[str, object],
    categories: Sequence[int | None] | None,
) -> Answer:
    """`categories`: those a short page is filled from; None: that of the best hit."""
    if options.diversity:
        hits = _diverse(space, vectors, options)
    else:
        hits = _nearest(space, vectors, options, options.limit)
    found = [item for item in _scored(space, hits) if _enough(item, options)]
    filled: list[Found] = []
    if len(found) < options.min_results and options.min_score is not None:
        filled = _fill(space, vectors, options, found, categories)
    return Answer(
        status="ready",
        space=space,
        exact=options.exact,
        query={**query, **options.filters.named},
        found=[*found, *filled],
        fallback="category" if filled else None,
    )


def _nearest(space: Space, vectors: Sequence[NDArray[np.float32]], options: SearchOptions, count: int) -> Sequence[Hit]:
    """The `count` nearest to any of the vectors; the k nearest of each hold the k nearest of all."""
    queries = [SpaceQuery(vector=vector, filters=options.filters) for vector in vectors]
    pages = vector_index().search_many(space=space, queries=queries, k=count, exact=options.exact)
    if len(pages) == 1:
        return pages[0]
    hits = sorted((hit for page in pages for hit in page), key=lambda hit: (hit.distance, hit.image_id))
    groups = _groups({hit.product_id for hit in hits})
    places: dict[object, Hit] = {}
    for hit in hits:
        places.setdefault(groups.get(hit.product_id) or hit.product_id, hit)
    return list(places.values())[:count]


def _diverse(space: Space, vectors: Sequence[NDArray[np.float32]], options: SearchOptions) -> Sequence[Hit]:
    """MMR over a wider set of candidates, those of at least the least score."""
    wider = max(options.limit, min(MOST_CANDIDATES, options.limit * WIDER))
    hits = _nearest(space, vectors, options, wider)
    scores = np.array([kinds.score(space.metric, hit.distance) for hit in hits], np.float32)
    if options.min_score is not None:
        hits = [hit for hit, score in zip(hits, scores, strict=True) if score >= options.min_score]
        scores = scores[: len(hits)]
    stored = vector_index().vectors(space=space, image_ids=[hit.image_id for hit in hits])
    kept = [number for number, hit in enumerate(hits) if hit.image_id in stored]
    if not kept:
        return hits[: options.limit]
    chosen = diversity.choose(
        relevance=scores[kept],
        vectors=diversity.unit_rows(np.stack([stored[hits[number].image_id] for number in kept])),
        diversity=options.diversity,
        count=options.limit,
    )
    return [hits[kept[number]] for number in chosen]


def _fill(
    space: Space,
    vectors: Sequence[NDArray[np.float32]],
    options: SearchOptions,
    found: Sequence[Found],
    categories: Sequence[int | None] | None,
) -> list[Found]:
    """Up to `min_results` places from the query's category, nearest first, under the caller's own filters."""
    if categories is None:
        nearest = _nearest(space, vectors, options, 1)
        categories = list(
            Product.objects.filter(pk__in=[hit.product_id for hit in nearest]).values_list("category_id", flat=True)
        )
    same = {category for category in categories if category is not None}
    chosen = options.filters.get(Category)
    if chosen is not None:
        same &= set(chosen.ids)
    if not same:
        return []
    products = [item.product_id for item in found]
    left = excluding(options, products=products, groups=list(_groups(products).values()))
    left = replace(left, filters=left.filters.having(Category(tuple(sorted(same)))))
    return _scored(space, _nearest(space, vectors, left, options.min_results - len(found)))


def _groups(product_ids: Sequence[int] | set[int]) -> dict[int, str]:
    """Variant groups of those products that have one."""
    return dict(Product.objects.filter(pk__in=product_ids).exclude(group="").values_list("pk", "group"))


def _mean(space: Space, products: Sequence[QueryProduct]) -> NDArray[np.float32]:
    """The mean of unit vectors, summed in the order of ids, so that the same products cancel to the last bit.

    Float32 (dimensions of the space,); zeros for no products.
    """
    photos = [product.photos[0] for product in sorted(products, key=lambda one: one.product_id) if product.photos]
    if not photos:
        return np.zeros(space.dimensions, np.float32)
    mean: NDArray[np.float32] = diversity.unit_rows(np.stack([photo.vector for photo in photos])).mean(axis=0)
    return mean


def _scored(space: Space, hits: Sequence[Hit]) -> list[Found]:
    return [
        Found(
            image_id=hit.image_id,
            product_id=hit.product_id,
            score=kinds.score(space.metric, hit.distance),
            distance=hit.distance,
        )
        for hit in hits
    ]
