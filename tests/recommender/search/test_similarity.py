"""What each search answers, on small shops of known vectors."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from catalog.parameters import InvalidParameter
from recommender.index import stored
from recommender.index.pgvector import engine as pgvector
from recommender.index.types import VectorRow
from recommender.models import EmbeddingJob, Space
from recommender.search.answers import NoActiveSpace, QueryCancelsOut
from recommender.search.filters import SearchOptions
from recommender.search.query_products import UnknownProduct
from recommender.search.similarity import recommend, similar_to_each, similar_to_product
from tests.catalog.factories import make_image, make_product
from tests.catalog.filters.chosen import filtering
from tests.recommender.search.gallery import Shop, make_tree, random_units, unit

VECTORS = random_units(60, seed=5)
OPTIONS = SearchOptions()


def around(angle: float) -> np.ndarray:
    """A unit vector in the plane of the first two dimensions; the cosine of two is that of their angle's difference."""
    return unit([np.cos(angle), np.sin(angle), 0, 0, 0, 0, 0, 0])


def found_products(answer) -> list[int]:  # type: ignore[no-untyped-def]
    return [item.product_id for item in answer.found]


def test_by_the_primary_photo_without_itself_or_its_group(shop: Shop) -> None:
    products = shop.add_many([(VECTORS[i : i + 2], {"group": f"g{i % 7}" if i < 30 else ""}) for i in range(0, 60, 2)])
    asking = products[3]
    first = shop.photos(asking)[0]
    filters = filtering(exclude_products=(asking.pk,), exclude_groups=(asking.group,))
    expected = shop.answer(shop.vectors[first], filters, 12)
    for exact in (True, False):
        answer = similar_to_product(product_id=asking.pk, options=replace(OPTIONS, exact=exact))
        assert (answer.status, answer.exact, answer.fallback) == ("ready", exact, None)
        assert answer.query == {"product": asking.pk, "image": first}
        assert found_products(answer) == [hit.product_id for hit in expected]
        assert [item.image_id for item in answer.found] == [hit.image_id for hit in expected]
        assert [item.score for item in answer.found] == pytest.approx([1 - hit.distance for hit in expected], abs=1e-5)
    groups = [shop.products[product].group for product in found_products(answer)]
    assert asking.group not in groups and len(groups) - groups.count("") == len(set(groups) - {""})


def test_by_a_named_photo_and_by_all(shop: Shop) -> None:
    asking = shop.add(np.stack([around(0.0), around(2.0)]))
    near_first, near_second = shop.add(around(0.1)), shop.add(around(2.05))
    far = shop.add(around(4.0))
    one, two = shop.photos(asking)
    by_first = similar_to_product(product_id=asking.pk, options=OPTIONS, image=one)
    by_second = similar_to_product(product_id=asking.pk, options=OPTIONS, image=two)
    by_all = similar_to_product(product_id=asking.pk, options=OPTIONS, image="all")
    assert found_products(by_first)[0] == near_first.pk and by_first.query == {"product": asking.pk, "image": one}
    assert found_products(by_second)[0] == near_second.pk
    assert found_products(by_all) == [near_second.pk, near_first.pk, far.pk]
    assert by_all.query == {"product": asking.pk, "image": "all"}
    with pytest.raises(InvalidParameter, match=f"product {asking.pk} has no photo {shop.photos(far)[0]}"):
        similar_to_product(product_id=asking.pk, options=OPTIONS, image=shop.photos(far)[0])


def test_by_all_photos_of_a_product_that_has_more_than_go_out_together(shop: Shop) -> None:
    """The only photo that another product is near to is the last of 230."""
    asking = shop.add(np.stack([*[around(0.0)] * 229, around(2.0)]))
    near_last, far = shop.add(around(2.05)), shop.add(around(4.0))
    for exact in (True, False):
        answer = similar_to_product(product_id=asking.pk, options=replace(OPTIONS, exact=exact), image="all")
        assert found_products(answer) == [near_last.pk, far.pk]
        assert answer.found[0].score == pytest.approx(np.cos(0.05), abs=1e-3)


def test_by_all_photos_a_group_fills_one_place(shop: Shop) -> None:
    asking = shop.add(np.stack([around(0.0), around(2.0)]))
    red = shop.add(around(0.1), group="shirt")
    blue = shop.add(around(2.02), group="shirt")
    other = shop.add(around(1.0))
    answer = similar_to_product(product_id=asking.pk, options=OPTIONS, image="all")
    assert found_products(answer) == [blue.pk, other.pk]
    assert red.pk not in found_products(answer)


def test_unpublished_products_neither_ask_nor_answer(shop: Shop) -> None:
    asking, other = shop.add(VECTORS[0]), shop.add(VECTORS[1])
    secret = shop.add(VECTORS[2], published=False)
    assert found_products(similar_to_product(product_id=asking.pk, options=OPTIONS)) == [other.pk]
    with pytest.raises(UnknownProduct):
        similar_to_product(product_id=secret.pk, options=OPTIONS)
    assert len(similar_to_product(product_id=secret.pk, options=OPTIONS, unpublished=True).found) == 2
    with pytest.raises(UnknownProduct, match="there is no product 999999"):
        similar_to_product(product_id=999999, options=OPTIONS)


def test_a_photo_without_a_vector_is_pending_or_failed_with_its_reason(shop: Shop) -> None:
    shop.add(VECTORS[0])
    waiting, empty = make_image().product, make_product()
    assert similar_to_product(product_id=waiting.pk, options=OPTIONS).status == "pending"
    EmbeddingJob.objects.filter(image__product=waiting).update(state="failed", reason="truncated", error="ends early")
    answer = similar_to_product(product_id=waiting.pk, options=OPTIONS)
    assert (answer.status, answer.reason, answer.detail, list(answer.found)) == (
        "failed",
        "truncated",
        "ends early",
        [],
    )
    answer = similar_to_product(product_id=empty.pk, options=OPTIONS)
    assert (answer.status, answer.reason) == ("failed", "no_photo")


def test_a_failed_first_photo_leaves_the_next_to_ask(shop: Shop) -> None:
    asking, other = shop.add(VECTORS[:2]), shop.add(VECTORS[2])
    first, second = shop.photos(asking)
    EmbeddingJob.objects.filter(image=first).update(state="failed", reason="bomb")
    answer = similar_to_product(product_id=asking.pk, options=OPTIONS)
    assert (answer.status, answer.query["image"], found_products(answer)) == ("ready", second, [other.pk])


def test_a_least_score_cuts_and_min_results_fills_from_the_same_category(shop: Shop) -> None:
    tree = make_tree()
    asking = shop.add(around(0.0), category=tree["dress"], group="own")
    near = shop.add(around(0.2), category=tree["shoe"])
    mates = [shop.add(around(0.5 + 0.2 * i), category=tree["dress"], price=Decimal(i)) for i in range(4)]
    shop.add(around(0.45), category=tree["shoe"])
    shop.add(around(0.46), category=tree["dress"], group="own")
    cut = similar_to_product(product_id=asking.pk, options=replace(OPTIONS, min_score=0.95))
    assert (found_products(cut), cut.fallback) == ([near.pk], None)
    filled = similar_to_product(product_id=asking.pk, options=replace(OPTIONS, min_score=0.95, min_results=3))
    assert (found_products(filled), filled.fallback) == ([near.pk, mates[0].pk, mates[1].pk], "category")
    assert filled.found[0].score >= 0.95 > filled.found[1].score
    cheap = replace(OPTIONS, min_score=0.95, min_results=3, filters=filtering(min_price=Decimal(2)))
    filled = similar_to_product(product_id=asking.pk, options=cheap)
    assert (found_products(filled), filled.fallback) == ([mates[2].pk, mates[3].pk], "category")
    enough = similar_to_product(product_id=asking.pk, options=replace(OPTIONS, min_score=0.95, min_results=1))
    assert (found_products(enough), enough.fallback) == ([near.pk], None)
    elsewhere = replace(OPTIONS, min_score=0.999, min_results=2, filters=filtering(categories=(tree["shoe"].pk,)))
    assert found_products(similar_to_product(product_id=asking.pk, options=elsewhere)) == []


def test_the_fill_does_not_double_a_group_that_answers_already(shop: Shop) -> None:
    tree = make_tree()
    asking = shop.add(around(0.0), category=tree["dress"])
    near = shop.add(around(0.1), category=tree["shoe"], group="pair")
    shop.add(around(0.6), category=tree["dress"], group="pair")
    mate = shop.add(around(0.9), category=tree["dress"])
    answer = similar_to_product(product_id=asking.pk, options=replace(OPTIONS, min_score=0.95, min_results=5))
    assert (found_products(answer), answer.fallback) == ([near.pk, mate.pk], "category")


def test_diversity_takes_from_a_wider_set_than_the_page(shop: Shop) -> None:
    """Twelve near-copies and three that differ: diverse answers reach beyond the first page, the first stays first."""
    asking = shop.add(around(0.0))
    copies = [shop.add(around(0.10 + 0.001 * i)) for i in range(12)]
    others = [shop.add(around(-0.35)), shop.add(around(0.7))]
    plain = similar_to_product(product_id=asking.pk, options=replace(OPTIONS, limit=3))
    assert found_products(plain) == [one.pk for one in copies[:3]]
    diverse = similar_to_product(product_id=asking.pk, options=replace(OPTIONS, limit=3, diversity=0.6))
    assert found_products(diverse)[0] == copies[0].pk
    assert set(found_products(diverse)) == {copies[0].pk, others[0].pk, others[1].pk}
    scores = {item.product_id: item.score for item in diverse.found}
    assert scores[others[0].pk] == pytest.approx(np.cos(0.35), abs=1e-3)
    strict = replace(OPTIONS, limit=3, diversity=0.6, min_score=0.99)
    assert set(found_products(similar_to_product(product_id=asking.pk, options=strict))) <= {one.pk for one in copies}


def test_likes_without_dislikes(shop: Shop) -> None:
    likes = [shop.add(around(0.0), group="a"), shop.add(around(0.6))]
    dislike = shop.add(around(1.4))
    shop.add(around(0.31), group="a")
    candidates = {angle: shop.add(around(angle)) for angle in (-0.5, 0.3, 1.3)}
    liked = recommend(positive=[one.pk for one in likes], negative=[], options=OPTIONS)
    assert found_products(liked)[0] == candidates[0.3].pk
    answer = recommend(positive=[one.pk for one in likes], negative=[dislike.pk], options=OPTIONS)
    assert found_products(answer)[0] == candidates[-0.5].pk
    assert set(found_products(answer)) == {one.pk for one in candidates.values()}
    assert answer.query == {"positive": [one.pk for one in likes], "negative": [dislike.pk]}


def test_likes_and_dislikes_that_cancel_out(shop: Shop) -> None:
    one, two = shop.add(VECTORS[0]), shop.add(VECTORS[1])
    twin = shop.add(VECTORS[0])
    shop.add(VECTORS[2])
    for positive, negative in ([[one.pk, two.pk], [two.pk, one.pk]], [[one.pk], [twin.pk]]):
        with pytest.raises(QueryCancelsOut):
            recommend(positive=positive, negative=negative, options=OPTIONS)
    with pytest.raises(UnknownProduct):
        recommend(positive=[one.pk], negative=[10**9], options=OPTIONS)


def test_likes_without_a_vector_do_not_count_unless_none_has_one(shop: Shop) -> None:
    liked, near = shop.add(around(0.0)), shop.add(around(0.1))
    waiting = make_image().product
    answer = recommend(positive=[waiting.pk, liked.pk], negative=[], options=OPTIONS)
    assert (answer.status, found_products(answer)) == ("ready", [near.pk])
    assert recommend(positive=[waiting.pk], negative=[liked.pk], options=OPTIONS).status == "pending"


def test_each_of_a_batch_is_answered_as_if_alone(shop: Shop) -> None:
    products = shop.add_many([(VECTORS[i : i + 1], {"group": f"g{i % 9}" if i % 2 else ""}) for i in range(50)])
    waiting = make_image().product
    ids = [products[7].pk, waiting.pk, products[2].pk, 10**9, products[30].pk]
    answers = similar_to_each(product_ids=ids, options=replace(OPTIONS, limit=6))
    assert list(answers) == [products[7].pk, waiting.pk, products[2].pk, products[30].pk]
    assert answers[waiting.pk].status == "pending" and not answers[waiting.pk].found
    for product_id in (products[7].pk, products[2].pk, products[30].pk):
        alone = similar_to_product(product_id=product_id, options=replace(OPTIONS, limit=6))
        assert answers[product_id].found == alone.found and len(alone.found) == 6


def test_a_hundred_products_are_asked_for_in_one_round_trip(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    products = shop.add_many([(random_units(1, seed=100 + i), {}) for i in range(100)])
    trips = []
    asked = pgvector.ask
    monkeypatch.setattr(pgvector, "ask", lambda *arguments: trips.append(1) or asked(*arguments))
    answers = similar_to_each(product_ids=[one.pk for one in products], options=OPTIONS)
    assert len(answers) == 100 and all(len(answer.found) == 12 for answer in answers.values())
    assert len(trips) == 1


def test_without_an_active_space_there_is_no_answer(shop: Shop) -> None:
    product = shop.add(VECTORS[0])
    Space.objects.update(state=Space.State.READY)
    with pytest.raises(NoActiveSpace, match="compile_encoder"):
        similar_to_product(product_id=product.pk, options=OPTIONS)


def test_augmented_spaces_are_asked_by_plain_vectors(shop: Shop) -> None:
    """The gallery's vectors were moved; a query comes from the photo's own features."""
    asking = shop.add(around(0.0))
    moved, stays = shop.add(around(0.3)), shop.add(around(-0.2))
    Space.objects.update(augment=5)
    stored.delete(space=shop.space, image_ids=shop.photos(asking))
    stored.insert(space=shop.space, rows=[VectorRow(shop.photos(asking)[0], asking.pk, around(1.5))])
    answer = similar_to_product(product_id=asking.pk, options=OPTIONS)
    assert found_products(answer) == [stays.pk, moved.pk]
    assert answer.found[0].score == pytest.approx(np.cos(0.2), abs=1e-3)
