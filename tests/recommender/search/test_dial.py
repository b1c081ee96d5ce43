"""Searches in a space of shape and colour, at several weights, against brute force over the stored vectors, on every engine."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from catalog.parameters import InvalidParameter
from recommender.encoder.colour import colour_row
from recommender.index.base import VectorIndex
from recommender.index.parts import Weighing, weighing
from recommender.models import Space
from recommender.search.answers import Answer, QueryCancelsOut
from recommender.search.colours import hex_of, parse_colours
from recommender.search.filters import SearchOptions, parse
from recommender.search.similarity import (
    recommend,
    similar_to_colours,
    similar_to_each,
    similar_to_features,
    similar_to_product,
)
from tests.catalog.filters.chosen import filtering
from tests.recommender.index.engines import PASSING, chosen
from tests.recommender.search.gallery import Shop, make_tree
from tests.recommender.search.parted import (
    ALPHA,
    COLOUR,
    SHAPE,
    WEIGHTS,
    Expected,
    colour_matrix,
    expected_answer,
    parted,
    parted_shop,
    random_parted,
)

OPTIONS = SearchOptions()
PHOTOS = random_parted(60, seed=4)


@pytest.fixture(params=PASSING)
def engine(request: pytest.FixtureRequest, db: None) -> Iterator[VectorIndex]:
    with chosen(request.param) as one:
        yield one


@pytest.fixture
def coloured(engine: VectorIndex) -> Shop:
    """Thirty products of two photos each; some in groups, of several prices and two categories."""
    tree = make_tree()
    return parted_shop(
        *[
            (
                PHOTOS[i : i + 2],
                {
                    "group": f"g{i % 7}" if i < 20 else "",
                    "price": Decimal(i),
                    "category": tree["dress"] if i % 3 else tree["shoe"],
                },
            )
            for i in range(0, 60, 2)
        ]
    )


def same(answer: Answer, expected: Sequence[Expected]) -> None:
    assert answer.status == "ready"
    assert [one.image_id for one in answer.found] == [one.image_id for one in expected]
    for found, wanted in zip(answer.found, expected, strict=True):
        assert found.score == pytest.approx(wanted.score, abs=2e-6)
        assert found.distance == pytest.approx(1 - found.score, abs=1e-9)
        assert (found.shape, found.colour) == pytest.approx((wanted.shape, wanted.colour), abs=2e-6)


def others(shop: Shop, product_id: int) -> SearchOptions:
    product = shop.products[product_id]
    return replace(OPTIONS, filters=filtering(exclude_products=(product_id,), exclude_groups=(product.group,)))


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("weight", WEIGHTS)
def test_every_weight_ranks_by_its_own_scores(coloured: Shop, weight: float, exact: bool) -> None:
    asking = list(coloured.products.values())[3]
    vector = coloured.vectors[coloured.photos(asking)[0]]
    options = replace(OPTIONS, exact=exact, color_weight=weight)
    answer = similar_to_product(product_id=asking.pk, options=options)
    same(answer, expected_answer(coloured, [vector], others(coloured, asking.pk).filters, weight)[:12])
    assert answer.query["color_weight"] == weight
    for one in answer.found:
        assert one.shape is not None and one.colour is not None
        assert one.score == pytest.approx((1 - weight) * one.shape + weight * one.colour, abs=5.1e-7)
    scores = [one.score for one in answer.found]
    assert scores == sorted(scores, reverse=True)


def test_unset_is_the_weight_of_the_space(coloured: Shop) -> None:
    asking = min(coloured.products)
    unset = similar_to_product(product_id=asking, options=OPTIONS)
    own = similar_to_product(product_id=asking, options=replace(OPTIONS, color_weight=ALPHA))
    assert unset.found == own.found and unset.query == own.query and unset.query["color_weight"] == ALPHA


@pytest.mark.parametrize("weight", WEIGHTS)
def test_filters_and_all_photos_and_a_least_score(coloured: Shop, weight: float) -> None:
    asking = list(coloured.products.values())[12]
    vectors = [coloured.vectors[image] for image in coloured.photos(asking)]
    options = replace(OPTIONS, color_weight=weight, filters=filtering(min_price=Decimal(20)))
    filters = others(coloured, asking.pk).filters.having(*options.filters.chosen)
    expected = expected_answer(coloured, vectors, filters, weight)
    same(similar_to_product(product_id=asking.pk, options=options, image="all"), expected[:12])
    least = expected[4].score
    cut = replace(options, min_score=least)
    same(
        similar_to_product(product_id=asking.pk, options=cut, image="all"),
        [one for one in expected if one.score >= least],
    )


@pytest.mark.parametrize("weight", [0.0, 0.6, 1.0])
def test_a_short_page_is_filled_from_the_category_by_the_same_weight(coloured: Shop, weight: float) -> None:
    asking = list(coloured.products.values())[16]
    vector = coloured.vectors[coloured.photos(asking)[0]]
    filters = others(coloured, asking.pk).filters
    everyone = expected_answer(coloured, [vector], filters, weight)
    near = everyone[:2]
    options = replace(OPTIONS, color_weight=weight, min_score=near[-1].score, min_results=5)
    taken = {coloured.products[one.product_id].group for one in near} - {""}
    category = filtering(
        categories=(asking.category_id,),
        exclude_products=(asking.pk, *[one.product_id for one in near]),
        exclude_groups=(asking.group, *taken),
    )
    fill = expected_answer(coloured, [vector], category, weight)[:3]
    answer = similar_to_product(product_id=asking.pk, options=options)
    same(answer, [*near, *fill])
    assert answer.fallback == "category"


@pytest.mark.parametrize("weight", [0.0, 0.6, 1.0])
def test_diversity_measures_likeness_by_the_same_weight(coloured: Shop, weight: float) -> None:
    asking = list(coloured.products.values())[20]
    vector = coloured.vectors[coloured.photos(asking)[0]]
    left = expected_answer(coloured, [vector], others(coloured, asking.pk).filters, weight)
    assert len(left) <= 32  # all of them are candidates for the page
    chosen_ones: list[Expected] = []
    while len(chosen_ones) < 4:

        def worth(one: Expected) -> float:
            if not chosen_ones:
                return one.score
            rows = weighing(coloured.space, weight).comparable(
                np.stack([coloured.vectors[each.image_id] for each in (one, *chosen_ones)])
            )
            return 0.3 * one.score - 0.7 * float((rows[1:] @ rows[0]).max())

        chosen_ones.append(max(left, key=worth))
        left.remove(chosen_ones[-1])
    options = replace(OPTIONS, color_weight=weight, diversity=0.7, limit=4)
    same(similar_to_product(product_id=asking.pk, options=options), chosen_ones)


def test_each_of_a_batch_is_answered_as_if_alone(coloured: Shop) -> None:
    ids = list(coloured.products)[:20:3]
    options = replace(OPTIONS, color_weight=0.7)
    answers = similar_to_each(product_ids=ids, options=options)
    for product_id in ids:
        assert answers[product_id].found == similar_to_product(product_id=product_id, options=options).found


def test_a_photo_asks_by_both_of_its_parts(coloured: Shop) -> None:
    rng = np.random.default_rng(8)
    row = np.concatenate([rng.normal(size=SHAPE), colour_row([((200, 30, 30), 1.0)])]).astype(np.float32)
    vector = parted(row[:SHAPE], row[SHAPE:] @ colour_matrix())
    for weight in (0.0, 0.4, 1.0):
        answer = similar_to_features(
            encoder_id=coloured.space.encoder_id,
            features=row,
            options=replace(OPTIONS, color_weight=weight),
            query={},
        )
        expected = expected_answer(coloured, [vector], OPTIONS.filters, weight)[:12]
        # The query was not stored, so it is rounded a little later here than there.
        assert [one.product_id for one in answer.found] == [one.product_id for one in expected]
        assert [one.score for one in answer.found] == pytest.approx([one.score for one in expected], abs=1e-3)


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_likes_less_dislikes_part_by_part(coloured: Shop, weight: float) -> None:
    liked, disliked = [list(coloured.products.values())[at] for at in (11, 13)], [list(coloured.products.values())[17]]
    vectors = [[coloured.vectors[coloured.photos(one)[0]] for one in some] for some in (liked, disliked)]

    def mean(some: list[np.ndarray], part: slice) -> np.ndarray:
        rows = np.stack([one[part] for one in some])
        return np.asarray((rows / np.linalg.norm(rows, axis=1, keepdims=True)).mean(axis=0))

    direction = [mean(vectors[0], part) - mean(vectors[1], part) for part in (np.s_[:SHAPE], np.s_[SHAPE:])]
    named = [*liked, *disliked]
    filters = filtering(
        exclude_products=tuple(one.pk for one in named), exclude_groups=tuple({one.group for one in named})
    )
    expected = expected_answer(coloured, [parted(*direction)], filters, weight)[:12]
    answer = recommend(
        positive=[one.pk for one in liked],
        negative=[one.pk for one in disliked],
        options=replace(OPTIONS, color_weight=weight),
    )
    assert [one.product_id for one in answer.found] == [one.product_id for one in expected]
    assert [one.score for one in answer.found] == pytest.approx([one.score for one in expected], abs=1e-3)


def test_a_part_that_cancels_out_leaves_all_weight_to_the_other(engine: VectorIndex) -> None:
    shape, red, blue = [1, 0, 0, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0]
    shop = parted_shop(
        (parted(shape, red), {}),
        (parted(shape, blue), {}),
        (parted([0, 1, 0, 0, 0, 0], red), {}),
        (parted(shape, [0.1, 0.9, 0, 0]), {}),
    )
    liked, disliked, red_thing, blue_thing = shop.products
    answer = recommend(positive=[liked], negative=[disliked], options=OPTIONS)
    assert [one.product_id for one in answer.found] == [red_thing, blue_thing]
    assert answer.query["color_weight"] == 1.0
    first = answer.found[0]
    assert first.shape is None and first.score == first.colour == pytest.approx(2**-0.5, abs=1e-3)
    with pytest.raises(QueryCancelsOut, match="in shape, which alone counts at color_weight=0"):
        recommend(positive=[liked], negative=[disliked], options=replace(OPTIONS, color_weight=0.0))
    answer = recommend(positive=[red_thing], negative=[liked], options=OPTIONS)
    assert answer.query["color_weight"] == 0.0 and all(one.colour is None for one in answer.found)
    with pytest.raises(QueryCancelsOut, match="in colour, which alone counts at color_weight=1"):
        recommend(positive=[red_thing], negative=[liked], options=replace(OPTIONS, color_weight=1.0))
    with pytest.raises(QueryCancelsOut, match="cancel each other out: leave"):
        recommend(positive=[liked, disliked], negative=[disliked, liked], options=OPTIONS)


@pytest.mark.parametrize("exact", [True, False])
def test_colours_alone_under_filters(coloured: Shop, exact: bool) -> None:
    colours = [((192, 74, 31), 3.0), ((255, 255, 255), 1.0)]
    vector = parted(np.zeros(SHAPE), colour_row(colours) @ colour_matrix())
    vector[:SHAPE] = 0
    filters = filtering(max_price=Decimal(40))
    expected = expected_answer(coloured, [vector], filters, 1.0)
    options = replace(OPTIONS, filters=filters, exact=exact)
    answer = similar_to_colours(colours=colours, options=options)
    assert answer.query == {"hex": ["c04a1f", "ffffff"], "color_weight": 1.0, "currency": answer.query["currency"]}
    assert [one.product_id for one in answer.found] == [one.product_id for one in expected[:12]]
    assert all(one.shape is None and one.score == one.colour for one in answer.found)
    cut = similar_to_colours(colours=colours, options=replace(options, min_score=answer.found[2].score))
    assert cut.found == answer.found[:3]


def test_equally_alike_products_stand_in_the_order_of_ids_at_either_end(engine: VectorIndex) -> None:
    """Forty things in one colour tie at weight 1, however half precision rounded their shapes."""
    shapes = random_parted(40, seed=9)[:, :SHAPE]
    colour = [0.3, -0.2, 0.9, 0.1]
    shop = parted_shop(*[(parted(shape, colour), {}) for shape in shapes])
    ids = sorted(shop.products)
    answer = similar_to_product(product_id=ids[0], options=replace(OPTIONS, color_weight=1.0, exact=True, limit=20))
    assert [one.product_id for one in answer.found] == ids[1:21]
    assert {one.score for one in answer.found} == {1.0}


def test_a_space_without_colour_names_the_upgrade(shop: Shop) -> None:
    product = shop.add(np.eye(8, dtype=np.float32)[0])
    asked = replace(OPTIONS, color_weight=0.2)
    for ask in (
        lambda: similar_to_product(product_id=product.pk, options=asked),
        lambda: similar_to_each(product_ids=[product.pk], options=asked),
        lambda: recommend(positive=[product.pk], negative=[], options=asked),
        lambda: similar_to_features(
            encoder_id=shop.space.encoder_id, features=np.ones(8, np.float32), options=asked, query={}
        ),
    ):
        with pytest.raises(InvalidParameter, match="spaces upgrade") as refused:
            ask()
        assert refused.value.parameter == "color_weight"
    with pytest.raises(InvalidParameter, match="spaces upgrade") as refused:
        similar_to_colours(colours=[((0, 0, 0), 1.0)], options=OPTIONS)
    assert refused.value.parameter == "hex"
    other = shop.add(np.full(8, 0.5, np.float32))
    (found,) = similar_to_product(product_id=product.pk, options=OPTIONS).found
    assert found.product_id == other.pk and found.shape == found.score and found.colour is None


RGB = st.tuples(*[st.integers(0, 255)] * 3)


@given(st.lists(st.tuples(RGB, st.none() | st.floats(0.001, 1000)), min_size=1, max_size=5, unique=True), st.booleans())
def test_colours_are_read_as_they_are_written(
    colours: list[tuple[tuple[int, int, int], float | None]], hash_: bool
) -> None:
    texts = [
        f"{'#' if hash_ else ''}{hex_of(rgb)}{'' if weight is None else f':{weight!r}'}" for rgb, weight in colours
    ]
    read = parse_colours({"hex": [",".join(texts).upper().replace("E-", "e-")]})
    assert read == [(rgb, 1.0 if weight is None else weight) for rgb, weight in colours]
    assert parse_colours({"hex": texts}) == read


@given(st.text(max_size=20))
def test_what_is_no_colour_is_refused_by_name(text: str) -> None:
    try:
        read = parse_colours({"hex": [text]})
    except InvalidParameter as error:
        assert error.parameter == "hex" and str(error)
    else:
        assert 1 <= len(read) <= 5 and all(weight > 0 for _, weight in read)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "at least one colour"),
        ("c04a1", "3 or 6 hexadecimal digits"),
        ("red", "3 or 6 hexadecimal digits"),
        ("fff:0", "above 0"),
        ("fff:nan", "above 0"),
        ("fff:", "above 0"),
        ("fff:1001", "1000 at most"),
        ("000,111,222,333,444,555", "6 values; at most 5"),
    ],
)
def test_each_error_about_colours_says_what_would_do(text: str, words: str) -> None:
    with pytest.raises(InvalidParameter, match=words) as refused:
        parse_colours({"hex": [text]})
    assert refused.value.parameter == "hex"


def test_short_colours_are_doubled() -> None:
    assert parse_colours({"hex": ["#f0a:2"]}) == [((255, 0, 170), 2.0)]


@given(st.floats(allow_nan=True, allow_infinity=True) | st.text(max_size=10))
def test_a_weight_is_a_number_from_0_to_1_or_refused_by_name(value: float | str) -> None:
    text = repr(value) if isinstance(value, float) else value
    try:
        read = parse({"color_weight": [text]}).color_weight
    except InvalidParameter as error:
        assert error.parameter == "color_weight"
        assert not (isinstance(value, float) and 0 <= value <= 1)
    else:
        assert (read is None and not text.strip()) or (read is not None and 0 <= read <= 1)


@given(st.sampled_from(WEIGHTS), st.integers(0, 1000))
def test_a_query_vector_ranks_as_the_scores_do(weight: float, seed: int) -> None:
    space = Space(dimensions=SHAPE + COLOUR, colour_dimensions=COLOUR, colour_weight=ALPHA)
    one, *rest = random_parted(9, seed=seed)
    how = weighing(space, weight)
    query = how.query(one)
    assert float(query @ query) == pytest.approx(1, abs=1e-3)  # as far as half precision keeps the length
    products = np.array([query @ other for other in rest])
    scores = np.array([how.scores(one, other).score for other in rest])
    length = np.sqrt((1 - weight) ** 2 / (1 - ALPHA) + weight**2 / ALPHA)
    assert products * length == pytest.approx(scores, abs=2e-3)


def test_a_half_is_rounded_as_postgres_rounds_it(db: None) -> None:
    shape, colour = 0.363942, 0.215175
    one = np.array([1, 0, 1, 0], np.float32)
    other = np.array([shape, math.sqrt(1 - shape**2), colour, math.sqrt(1 - colour**2)], np.float32)
    for sign in (1, -1):
        scores = Weighing(split=2, stored=ALPHA, asked=0.5).scores(one, other * np.float32(sign))
        assert (scores.shape, scores.colour) == (sign * shape, sign * colour)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT round(((%s::float8 + %s::float8) / 2)::numeric, 6)::float8", [scores.shape, scores.colour]
            )
            assert cursor.fetchone() == (scores.score,)


def test_dimensions_of_the_colour_part_come_last() -> None:
    space = Space(dimensions=SHAPE + COLOUR, colour_dimensions=COLOUR, colour_weight=ALPHA)
    assert (how := weighing(space, 1.0)).split == SHAPE
    assert not how.query(random_parted(1)[0])[:SHAPE].any() and COLOUR == 4
