"""Photos of one picture take one place of a page: against brute force, in every search, in every tier."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recommender.index.types import Hit
from recommender.models import ImageFeatures, PhotoHash
from recommender.search.filters import SearchOptions, excluding
from recommender.search.ranking import repeats
from recommender.search.ranking.base import Query
from recommender.search.ranking.run import rank
from recommender.search.similarity import similar_to_each, similar_to_features, similar_to_product
from recommender.spaces import active
from tests.recommender.search.gallery import Shop, make_space, make_tree, random_units, unit
from tests.recommender.search.ranking.test_property import nearest, same_category
from tests.recommender.search.ranking.throwaway import counted

DIMENSIONS = 4
Shown = tuple[str, int | None]  # the digest of a photo's file, and its hash; None: of which there is none


def at(angle: float) -> np.ndarray:
    return unit([np.cos(angle), np.sin(angle), 0, 0, 0, 0, 0, 0])


def show(shop: Shop, shown: dict[int, Shown]) -> None:
    """Say what the photos show. They keep their vectors, as if they had been embedded with these files."""
    for image, (digest, _) in shown.items():
        ImageFeatures.objects.filter(image=image).update(digest=digest)
    with transaction.get_connection().cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for image, (digest, _) in shown.items():
            cursor.execute("UPDATE catalog_productimage SET digest = %s WHERE id = %s", [digest, image])
        cursor.execute("SET LOCAL session_replication_role = origin")
    hashes = {digest: hash_ for digest, hash_ in shown.values() if hash_ is not None}
    PhotoHash.objects.bulk_create(PhotoHash(digest=digest, hashes=variants(hash_)) for digest, hash_ in hashes.items())


def variants(hash_: int) -> list[int]:
    """The four hashes of a file whose whole picture has this one."""
    return [hash_, ~hash_, hash_ ^ 0x7FFF_FFFF_0000, ~hash_]


def row(shop: Shop, angles: Sequence[float], **fields: object) -> list[int]:
    """A product at each angle from the query; their photos."""
    products = shop.add_many([(at(angle)[None, :], fields) for angle in angles])
    return [shop.photos(product)[0] for product in products]


def page(shop: Shop, limit: int = 3, **options: object) -> list[int]:
    query = Query(vectors=(at(0.0),), options=SearchOptions(limit=limit, **options))  # type: ignore[arg-type]
    return [one.image_id for one in rank(space=shop.space, queries=[query])[0].found]


def test_the_same_file_takes_one_place_and_the_best_stays(shop: Shop) -> None:
    photos = row(shop, [0.4, 0.1, 0.5, 0.2, 0.3])
    show(shop, {photos[0]: ("f" * 64, None), photos[1]: ("f" * 64, None), photos[3]: ("f" * 64, None)})
    assert page(shop) == [photos[1], photos[4], photos[2]]


def test_near_hashes_count_only_with_nearly_equal_features(shop: Shop) -> None:
    """.1 radians are a cosine of .995, .2 of .980."""
    photos = row(shop, [0.1, 0.2, 0.31, 0.5])
    show(shop, {photo: (f"{number}" * 64, 0xF0F0) for number, photo in enumerate(photos)})
    assert page(shop, 4) == [photos[0], photos[2], photos[3]]


@pytest.mark.parametrize(("bits", "places"), [(0, 1), (12, 1), (13, 2)])
def test_hashes_are_near_within_their_bound(shop: Shop, bits: int, places: int) -> None:
    photos = row(shop, [0.1, 0.11])
    show(shop, {photos[0]: ("a" * 64, 0), photos[1]: ("b" * 64, (1 << bits) - 1)})
    assert page(shop) == photos[:places]


def test_what_is_dropped_is_made_up_for(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    copies = row(shop, [0.001 * i for i in range(40)])
    others = row(shop, [0.5, 0.6, 0.7])
    show(shop, {photo: ("f" * 64, None) for photo in copies})
    with counted(monkeypatch) as asked:
        assert page(shop) == [copies[0], *others[:2]]
    assert asked.depths == [3, 12, 48]


def test_the_picture_of_the_query_is_an_answer(shop: Shop) -> None:
    asking, *copies = row(shop, [0.0, 0.0, 0.0])
    (other,) = row(shop, [0.5])
    show(shop, {photo: ("f" * 64, 1) for photo in (asking, *copies)})
    answer = similar_to_product(product_id=shop.owner[asking], options=SearchOptions())
    assert [one.image_id for one in answer.found] == [copies[0], other]


def test_a_picture_on_the_page_does_not_come_again_from_the_category(shop: Shop) -> None:
    """Its copy is less alike than the threshold allows, so the first tier never saw it."""
    tree = make_tree()
    photos = row(shop, [0.0, 0.1, 0.7, 0.8, 0.9], category=tree["dress"])
    show(shop, {photo: ("f" * 64, None) for photo in (photos[1], photos[2], photos[3])})
    options = SearchOptions(limit=4, min_score=0.9, min_results=4)
    answer = similar_to_product(product_id=shop.owner[photos[0]], options=options)
    assert [one.image_id for one in answer.found] == [photos[1], photos[4]] and answer.fallback == "category"


def test_pages_of_a_batch_each_keep_their_own_best(shop: Shop) -> None:
    photos = row(shop, [0.0, 0.3, 0.6, 0.9])
    show(shop, {photo: ("f" * 64, None) for photo in photos[1:3]})
    products = [shop.owner[photos[0]], shop.owner[photos[3]]]
    answers = similar_to_each(product_ids=products, options=SearchOptions())
    assert [[one.image_id for one in answers[product].found] for product in products] == [
        [photos[1], photos[3]],
        [photos[2], photos[0]],
    ]


def pictures(seed: int, products: int) -> tuple[Shop, dict[int, Shown]]:
    """A shop of few pictures, each in several files, whose hashes and features are equal, near and far. A file has one vector.

    No two vectors are so alike that single and double precision could disagree on their order.
    """
    rng = np.random.default_rng(seed)
    tree = make_tree()
    bases = random_units(max(2, products // 4), DIMENSIONS, seed)
    files: list[tuple[np.ndarray, Shown]] = []
    for number in range(8 + 2 * products):
        base = int(rng.integers(0, len(bases)))
        spread = rng.choice([0.02, 0.05, 0.1])
        hash_ = ((base * 0x1234_5678_9ABC) ^ (0x3F << 6 * int(rng.integers(0, 4)))) & 0x7FFF_FFFF_FFFF_FFFF
        vector = unit(bases[base] + rng.normal(scale=spread, size=DIMENSIONS))
        files.append((vector, (f"file {number}", None if rng.random() < 0.2 else hash_)))
    wanted, chosen = [], []
    for number in range(products):
        # Who asks shares no file: the distance of a vector to itself is 0 but for rounding, which differs from file to file.
        pool = files[4 * number : 4 * number + 4] if number < 2 else files[8:]
        of_product = [pool[one] for one in rng.choice(len(pool), int(rng.integers(1, 3)), replace=False)]
        chosen.append([shown for _, shown in of_product])
        fields = {
            "group": f"g{rng.integers(0, products // 4 + 1)}" if rng.random() < 0.3 else "",
            "category": tree["dress"] if rng.random() < 0.6 else tree["shoe"],
            "published": number < 2 or bool(rng.random() < 0.9),
        }
        wanted.append((np.stack([vector for vector, _ in of_product]), fields))
    made = shop_of(seed, wanted)
    shown = {
        image: of_photo
        for product, of_product in zip(made.products.values(), chosen, strict=True)
        for image, of_photo in zip(made.photos(product), of_product, strict=True)
    }
    show(made, shown)
    return made, shown


def shop_of(seed: int, wanted: Sequence[tuple[np.ndarray, dict[str, object]]]) -> Shop:
    shop = Shop(make_space(name=f"p{seed}", dimensions=DIMENSIONS))
    shop.add_many(wanted)
    return shop


def same(shop: Shop, shown: dict[int, Shown], one: int, other: int) -> bool:
    """The definition, in plain Python."""
    (digest, hash_), (other_digest, other_hash) = shown[one], shown[other]
    if digest == other_digest:
        return True
    if hash_ is None or other_hash is None:
        return False
    pairs = [(hash_, it) for it in variants(other_hash)] + [(other_hash, it) for it in variants(hash_)]
    bits = min(((a ^ b) & 0xFFFF_FFFF_FFFF_FFFF).bit_count() for a, b in pairs)
    a, b = shop.vectors[one].astype(np.float64), shop.vectors[other].astype(np.float64)
    return bits <= 12 and float(a @ b / np.linalg.norm(a) / np.linalg.norm(b)) >= 0.99


def expected(
    shop: Shop, shown: dict[int, Shown], vectors: Sequence[np.ndarray], options: SearchOptions, category: int | None
) -> list[int]:
    """Best first, none that shows what a better one on the page shows; then the same from the category."""

    def add(page: list[Hit], hits: Sequence[Hit], limit: int) -> None:
        for hit in hits:
            if len(page) < limit and not any(same(shop, shown, hit.image_id, one.image_id) for one in page):
                page.append(hit)

    found: list[Hit] = []
    every = nearest(shop, vectors, options.filters)
    least = -2.0 if options.min_score is None else options.min_score
    add(found, [hit for hit in every if 1 - hit.distance >= least], options.limit)
    if options.min_score is not None and len(found) < options.min_results and category is not None:
        taken: set[int | str] = {hit.product_id for hit in found} | {
            shop.products[hit.product_id].group for hit in found
        }
        add(found, same_category(shop, vectors, options.filters, {category}, taken - {""}), options.min_results)
    return [hit.image_id for hit in found]


@pytest.mark.django_db
@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 2**32 - 1),
    products=st.integers(2, 40),
    limit=st.sampled_from((1, 3, 12, 40)),
    min_score=st.none() | st.sampled_from((0.3, 0.7, 0.95)),
)
def test_no_picture_twice_never_short_best_first(seed: int, products: int, limit: int, min_score: float | None) -> None:
    with transaction.atomic():
        active.forget_active_space()
        shop, shown = pictures(seed, products)
        first, second = list(shop.products.values())[:2]
        options = SearchOptions(limit=limit, min_score=min_score, min_results=limit if min_score else 0, exact=True)

        def vectors(product) -> list[np.ndarray]:  # type: ignore[no-untyped-def]
            return [shop.vectors[image] for image in shop.photos(product)]

        def wanted(product, by: Sequence[np.ndarray]) -> list[int]:  # type: ignore[no-untyped-def]
            own = excluding(options, products=[product.pk], groups=[product.group])
            return expected(shop, shown, by, own, product.category_id)

        def found(answer) -> list[int]:  # type: ignore[no-untyped-def]
            return [one.image_id for one in answer.found]

        assert found(similar_to_product(product_id=first.pk, options=options)) == wanted(first, vectors(first)[:1])
        by_all = similar_to_product(product_id=first.pk, options=options, image="all")
        assert found(by_all) == wanted(first, vectors(first))
        batch = similar_to_each(product_ids=[second.pk, first.pk], options=options)
        for product in (first, second):
            assert found(batch[product.pk]) == wanted(product, vectors(product)[:1])
        photo = random_units(1, DIMENSIONS, seed + 1)[0]
        plain = SearchOptions(limit=limit, exact=True)
        answer = similar_to_features(encoder_id=shop.space.encoder_id, features=photo, options=plain, query={})
        assert found(answer) == expected(shop, shown, [photo], plain, None)
        transaction.set_rollback(True)


def test_features_are_read_once_for_two_files_and_only_where_hashes_are_near(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second answer with the same photos reads those alone that came since; a file that is far from all is never read."""
    photos = row(shop, [0.1, 0.11, 0.3, 0.5])
    shown = {photo: (f"once-{number}-{photo}", 0xF0F0) for number, photo in enumerate(photos)}
    show(shop, shown | {photos[3]: (f"far-{photos[3]}", 0x5A5A_A5A5_0FF0_F00F)})
    read: list[list[int]] = []
    features_of = repeats.plain_features
    monkeypatch.setattr(
        repeats, "plain_features", lambda space, images: read.append(sorted(images)) or features_of(space, images)
    )
    expected = [photos[0], photos[2], photos[3]]
    assert page(shop) == expected and read == [photos[:3]]
    assert page(shop) == expected and len(read) == 1
    (late,) = row(shop, [0.12])
    show(shop, {late: (f"late-{late}", 0xF0F1)})
    assert page(shop) == expected and read[1:] == [[*photos[:2], late], [photos[2], late]]  # three places, then twelve
    assert page(shop) == expected and len(read) == 3


def test_verdicts_may_be_forgotten_in_the_middle_of_a_page(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "REMEMBERED", 2)
    photos = row(shop, [0.1, 0.11, 0.3, 0.31, 0.5, 0.51])
    show(shop, {photo: (f"few-{photo}", 0xF0F0) for photo in photos})
    for _ in range(2):
        assert page(shop) == photos[::2]
