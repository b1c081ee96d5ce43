"""What looks like this product, this photo, these likes without those dislikes: the searches that the API offers.

Each function describes its searches as `_Asked`; `_answers` ranks them together and makes an answer of each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from catalog.parameters import InvalidParameter
from recommender.index.parts import Weighing, has_colour
from recommender.merchandising.rules.concerning import rules_of_searches
from recommender.merchandising.rules.in_force import RuleBook, rules_in_force
from recommender.models import Space
from recommender.projection.apply import project_query
from recommender.search.answers import Answer, EncoderChanged
from recommender.search.colours import WeightedColour, colour_query, hex_of, no_colour, weighing_of
from recommender.search.confidence import basis_of, scale_for, with_confidence
from recommender.search.filters import SearchOptions, excluding
from recommender.search.likes import liked_direction
from recommender.search.query_products import QueryProduct, UnknownProduct, query_product, query_products
from recommender.search.ranking.base import Query
from recommender.search.ranking.run import rank
from recommender.search.ranking.steps import STEPS, Steps
from recommender.search.space import current_space, in_active_space


@in_active_space
def similar_to_product(
    *,
    product_id: int,
    options: SearchOptions,
    image: int | str | None = None,
    unpublished: bool = False,
    steps: Steps = STEPS,
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
    asked = _Asked(
        described={"product": product_id, "image": "all" if image == "all" else product.image_id},
        product=product,
        query=_query_of(space, product, options),
        asking=[product_id],
    )
    return _answers(space, [asked], options, steps)[0]


@in_active_space
def similar_to_features(
    *,
    encoder_id: int,
    features: NDArray[np.float32],
    options: SearchOptions,
    query: Mapping[str, object],
    steps: Steps = STEPS,
) -> Answer:
    """What looks like a photo, by its features, float32 (row width of the encoder,). `query`: how the answer names it.

    Raises NoActiveSpace, and EncoderChanged when the active space is another encoder's.
    """
    space = current_space()
    if space.encoder_id != encoder_id:
        raise EncoderChanged
    weighing = weighing_of(space, options.color_weight)
    vector = project_query(space, features)
    asked = _Asked(described=query, query=_query(space, (vector,), options, weighing))
    return _answers(space, [asked], options, steps)[0]


@in_active_space
def similar_to_colours(*, colours: Sequence[WeightedColour], options: SearchOptions, steps: Steps = STEPS) -> Answer:
    """What has these colours, whatever its shape: red, green and blue from 0 to 255 with weights above 0.

    Raises InvalidParameter where the space has no colour part, NoActiveSpace.
    """
    space = current_space()
    if not has_colour(space):
        raise no_colour("hex")
    asked = _Asked(
        described={"hex": [hex_of(rgb) for rgb, _ in colours]},
        query=_query(space, (colour_query(space, colours),), options, weighing_of(space, 1.0)),
    )
    return _answers(space, [asked], options, steps)[0]


@in_active_space
def recommend(
    *, positive: Sequence[int], negative: Sequence[int], options: SearchOptions, steps: Steps = STEPS
) -> Answer:
    """What looks like the likes and not like the dislikes: the mean unit vector of the ones minus that of the others.

    None of them, nor of their groups, is answered. Those without a vector yet do not count; when no like has one, the
    status says so. Raises UnknownProduct, QueryCancelsOut, NoActiveSpace.
    """
    space = current_space()
    known = query_products(space=space, product_ids=[*positive, *negative])
    for product_id in (*positive, *negative):
        if product_id not in known:
            raise UnknownProduct(product_id)
    likes = [known[product_id] for product_id in positive]
    asked = _Asked(
        described={"positive": list(positive), "negative": list(negative)},
        product=next((one for one in likes if one.status == "pending"), likes[0]),
        query=_query_of_likes(space, likes, [known[product_id] for product_id in negative], options),
        asking=positive,
    )
    return _answers(space, [asked], options, steps)[0]


@in_active_space
def similar_to_each(
    *,
    product_ids: Sequence[int],
    options: SearchOptions,
    steps: Steps = STEPS,
    book: RuleBook | None = None,
    space: Space | None = None,
) -> Mapping[int, Answer]:
    """`similar_to_product` for many products in few round trips; products that do not exist are left out.

    `book`: rules to obey instead of those in force. `space`: another one than the active one, which is complete.
    """
    space = space or current_space()
    known = query_products(space=space, product_ids=product_ids)
    products = [known[product_id] for product_id in product_ids if product_id in known]
    asked = [
        _Asked(
            described={"product": product.product_id, "image": product.image_id},
            product=product,
            query=_query_of(space, product, options),
            asking=[product.product_id],
        )
        for product in products
    ]
    answers = _answers(space, asked, options, steps, book)
    return {product.product_id: answer for product, answer in zip(products, answers, strict=True)}


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """What one answer is about: `described` for whoever asked, `query` for the ranking.

    Without a query, `product` says why it has no vector. `asking`: the products by which rules concern it.
    """

    described: Mapping[str, object]
    product: QueryProduct | None = None
    query: Query | None
    asking: Sequence[int] = ()


def _query_of(space: Space, product: QueryProduct, options: SearchOptions) -> Query | None:
    """By all photos that the product was read with; None where none has a vector. Raises InvalidParameter."""
    weighing = weighing_of(space, options.color_weight)
    return _query(
        space,
        tuple(photo.vector for photo in product.photos),
        excluding(options, products=[product.product_id], groups=[product.group]),
        weighing,
        _categories([product]),
        own=tuple(photo.own for photo in product.photos),
    )


def _query_of_likes(
    space: Space, likes: Sequence[QueryProduct], dislikes: Sequence[QueryProduct], options: SearchOptions
) -> Query | None:
    """None where no like has a vector. Raises QueryCancelsOut, InvalidParameter."""
    weighing = weighing_of(space, options.color_weight)
    if not any(product.photos for product in likes):
        return _query(space, (), options, weighing)
    named = {product.product_id: product.group for product in (*likes, *dislikes)}
    direction = liked_direction(space=space, likes=likes, dislikes=dislikes, weighing=weighing)
    return _query(
        space,
        (direction.vector,),
        excluding(options, products=list(named), groups=list(dict.fromkeys(named.values()))),
        direction.weighing,
        _categories(likes),
    )


def _query(
    space: Space,
    vectors: tuple[NDArray[np.float32], ...],
    options: SearchOptions,
    weighing: Weighing | None,
    categories: tuple[int, ...] | None = None,
    own: tuple[int | None, ...] = (),
) -> Query | None:
    """None without vectors; refused alike with and without them. Raises InvalidParameter."""
    scale = scale_for(space, weighing, min_confidence=options.min_confidence)
    if not vectors:
        return None
    return Query(vectors=vectors, options=options, own=own, weighing=weighing, scale=scale, categories=categories)


def _weight(query: Query) -> dict[str, object]:
    """How much colour counted, for whoever asked; nothing in a space without colour."""
    return {} if query.weighing is None else {"color_weight": query.weighing.asked}


def _queries(asked: Sequence[_Asked], options: SearchOptions, book: RuleBook | None) -> list[Query]:
    """The queries of what has one, with the rules that concern each; without any where the caller wants none."""
    having = [(one.query, one.asking) for one in asked if one.query is not None]
    obeyed = RuleBook() if not options.rules else rules_in_force() if book is None else book
    if not obeyed.rules:
        return [query for query, _ in having]
    rules = rules_of_searches(obeyed, [asking for _, asking in having])
    return [replace(query, rules=one) for (query, _), one in zip(having, rules, strict=True)]


def _categories(products: Sequence[QueryProduct]) -> tuple[int, ...]:
    return tuple(product.category_id for product in products if product.category_id is not None)


def _answers(
    space: Space, asked: Sequence[_Asked], options: SearchOptions, steps: Steps, book: RuleBook | None = None
) -> list[Answer]:
    """An answer for each: the page of its query, or, where it has no query, the reason. `book`: None: the rules in force."""
    pages = iter(rank(space=space, queries=_queries(asked, options, book), steps=steps))
    answers = []
    for one in asked:
        answer = Answer(
            status="ready",
            space=space,
            exact=options.exact,
            query={**one.described, **options.filters.named},
            confidence_basis=basis_of(space),
        )
        if one.query is not None:
            page = next(pages)
            answer = replace(
                answer,
                found=with_confidence(page.found, one.query.scale),
                fallback=page.fallback,
                query=answer.query | _weight(one.query),
            )
        elif one.product is not None:
            product = one.product
            answer = replace(answer, status=product.status, reason=product.reason, detail=product.detail)
        answers.append(answer)
    return answers
