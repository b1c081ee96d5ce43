"""The index as an engine: writes that skip what is gone, partitions made and dropped beside readers."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import psycopg
import pytest
from django.db import connection, transaction

from catalog.filters.chosen import Filters
from catalog.models import Product, ProductImage
from recommender.index import partitions, stored
from recommender.index.pgvector import ann_index
from recommender.index.registry import vector_index
from recommender.index.search import VectorSearch, vector_search
from recommender.index.types import SpaceGone, SpaceQuery, VectorRow
from recommender.models import ImageVector, Space
from tests.catalog.filters.chosen import filtering
from tests.recommender.search.gallery import Shop, assert_same_answer, make_encoder, make_space, random_units
from tests.waiting import wait_until

VECTORS = random_units(40)


def rows_in(space: Space) -> list[tuple[int, int]]:
    return list(ImageVector.objects.filter(space=space).order_by("image_id").values_list("image_id", "product_id"))


def test_vectors_are_stored_once_and_those_of_photos_that_are_gone_not_at_all(shop: Shop) -> None:
    product = shop.add(VECTORS[:2])
    first, second = shop.photos(product)
    again = [VectorRow(first, product.pk, VECTORS[5]), VectorRow(10**9, product.pk, VECTORS[6])]
    assert stored.insert(space=shop.space, rows=again) == 0
    assert stored.insert(space=shop.space, rows=[]) == 0
    assert rows_in(shop.space) == [(first, product.pk), (second, product.pk)]
    kept = stored.vectors_of(space=shop.space, image_ids=[first, second, 10**9])
    assert sorted(kept) == [first, second] and np.array_equal(kept[first], VECTORS[0])
    assert stored.delete(space=shop.space, image_ids=[first]) == 1
    assert stored.count(space=shop.space) == 1


def test_a_vector_is_stored_under_the_product_that_owns_the_photo_now(shop: Shop) -> None:
    old, new = shop.add(VECTORS[:1]), shop.add(VECTORS[1:2])
    (image,) = shop.photos(old)
    stored.delete(space=shop.space, image_ids=[image])
    ProductImage.objects.filter(pk=image).update(product=new)
    stored.insert(space=shop.space, rows=[VectorRow(image, old.pk, VECTORS[0])])
    assert (image, new.pk) in rows_in(shop.space)


def test_bulk_writes_can_be_repeated(shop: Shop) -> None:
    products = Product.objects.bulk_create(Product(sku=f"B{i}", title="B") for i in range(20))
    images = ProductImage.objects.bulk_create(ProductImage(product=one, digest=f"b{one.pk}") for one in products)
    rows = [VectorRow(image.pk, image.product_id, VECTORS[i]) for i, image in enumerate(images)]
    assert stored.load(space=shop.space, rows=iter(rows[:12])) == 12
    assert stored.load(space=shop.space, rows=[*rows, VectorRow(10**9, 1, VECTORS[0])]) == 8
    assert rows_in(shop.space) == [(image.pk, image.product_id) for image in images]
    hits = vector_search().search(space=shop.space, vector=VECTORS[3], filters=Filters(), k=1)
    assert hits[0].product_id == products[3].pk and hits[0].distance == pytest.approx(0, abs=1e-6)


def test_many_questions_in_one_call_are_answered_like_one_by_one(shop: Shop) -> None:
    shop.add_many([(VECTORS[i : i + 1], {"price": i}) for i in range(40)])
    queries = [
        SpaceQuery(vector=VECTORS[i], filters=filtering(min_price=i) if i % 2 else Filters()) for i in range(0, 40, 3)
    ]
    together = vector_search().search_many(space=shop.space, queries=queries, k=5)
    alone = [vector_search().search(space=shop.space, vector=one.vector, filters=one.filters, k=5) for one in queries]
    assert together == alone
    assert [len(page) for page in together] == [5 if not i % 2 else min(5, 40 - i) for i in range(0, 40, 3)]


def test_a_vector_of_another_space_is_refused(shop: Shop) -> None:
    with pytest.raises(ValueError, match=r"shape \(5,\) asked of 8-d space"):
        vector_search().search(space=shop.space, vector=np.ones(5, np.float32), filters=Filters(), k=3)


def test_settings_of_a_search_end_with_it(shop: Shop) -> None:
    shop.add_many([(VECTORS[i : i + 1], {}) for i in range(20)])
    vector_search().search(space=shop.space, vector=VECTORS[0], filters=Filters(), k=3)
    with connection.cursor() as cursor:
        cursor.execute("SHOW enable_seqscan")
        assert cursor.fetchone() == ("on",)
        cursor.execute("SHOW plan_cache_mode")
        assert cursor.fetchone() == ("auto",)


def test_a_crowd_of_variants_before_the_rest_does_not_shorten_the_page(shop: Shop) -> None:
    """300 photos of one group stand nearer than the 12 products that are asked for."""
    shop.add_many([(VECTORS[:1], {"group": "crowd"}) for _ in range(300)])
    others = shop.add_many([(VECTORS[i : i + 1], {}) for i in range(1, 25)])
    for exact_below in (0, 3000):
        engine = VectorSearch(vector_index(), exact_below=exact_below)
        found = engine.search(space=shop.space, vector=VECTORS[0], filters=Filters(), k=12)
        assert found == engine.search(space=shop.space, vector=VECTORS[0], filters=Filters(), k=12, exact=True)
        assert len(found) == 12
        assert found[0].image_id == min(shop.owner)
        assert {hit.product_id for hit in found[1:]} <= {one.pk for one in others}
        without = filtering(exclude_groups=("crowd",))
        assert len(engine.search(space=shop.space, vector=VECTORS[0], filters=without, k=20)) == 20


@pytest.mark.parametrize(("exact_below", "exact"), [(0, False), (0, True), (3000, False)])
@pytest.mark.parametrize("index", ["hnsw", "ivfflat", "binary"])
def test_one_crowded_question_does_not_shorten_the_next(db: None, index: str, exact_below: int, exact: bool) -> None:
    """Each question meets its own crowd, so that what the first had to be widened by is not what the next was asked."""
    shop = Shop(make_space(index=index))
    for place in range(3):
        shop.add_many([(VECTORS[place : place + 1], {"group": f"crowd {place}"}) for _ in range(60 + 60 * place)])
    shop.add_many([(VECTORS[i : i + 1], {}) for i in range(3, 30)])
    engine = VectorSearch(vector_index(), exact_below=exact_below)
    queries = [SpaceQuery(vector=VECTORS[place], filters=filtering(in_stock=True)) for place in (0, 1, 2, 1, 0)]
    pages = engine.search_many(space=shop.space, queries=queries, k=12, exact=exact)
    assert [len(page) for page in pages] == [12] * 5
    if exact or exact_below:
        for query, page in zip(queries, pages, strict=True):
            assert_same_answer(page, shop.answer(query.vector, query.filters, 12), shop)


@pytest.mark.django_db(transaction=True)
class TestPartitions:
    def test_made_indexed_and_dropped_outside_a_transaction(self) -> None:
        space = make_space(index_now=False)
        partitions.create_partition(space)  # twice does no harm
        assert not vector_index().ready(space=space) and vector_index().sizes(space=space).index_bytes == 0
        vector_index().build(space=space)
        assert vector_index().ready(space=space) and vector_index().sizes(space=space).index_bytes > 0
        assert partitions.table_bytes(space) > vector_index().sizes(space=space).index_bytes
        shop = Shop(space)
        shop.add(VECTORS[:1])
        assert len(vector_search().search(space=space, vector=VECTORS[0], filters=Filters(), k=3)) == 1
        partitions.drop_partition(space)
        partitions.drop_partition(space)
        assert partitions.table_bytes(space) == 0
        with pytest.raises(SpaceGone):
            vector_search().search(space=space, vector=VECTORS[0], filters=Filters(), k=3)
        with pytest.raises(SpaceGone):
            stored.count(space=space)
        assert Product.objects.count() == 1  # the connection is usable after it

    def test_a_broken_index_is_replaced(self) -> None:
        space = make_space(index_now=False)
        shop = Shop(space)
        shop.add_many([(VECTORS[i : i + 1], {}) for i in range(30)])
        vector_index().build(space=space)
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s::regclass", [ann_index.index_name(space)]
            )
        assert not vector_index().ready(space=space)
        assert len(vector_search().search(space=space, vector=VECTORS[0], filters=Filters(), k=5)) == 5  # by a scan
        vector_index().build(space=space)
        assert vector_index().ready(space=space)

    def test_no_reader_or_writer_of_another_space_waits(self) -> None:
        """A transaction that has read and written one space is open while another is made, indexed and dropped."""
        encoder = make_encoder()
        here, there = make_space(encoder, name="here"), Shop(make_space(encoder, name="there", state=Space.State.READY))
        products = there.add_many([(VECTORS[i : i + 1], {}) for i in range(20)])
        images = [there.photos(one)[0] for one in products]
        stored.load(space=here, rows=[VectorRow(image, 0, VECTORS[i]) for i, image in enumerate(images)])
        held = hold_open(
            lambda: vector_search().search(space=here, vector=VECTORS[0], filters=filtering(min_price=0), k=5),
            lambda: stored.delete(space=here, image_ids=images[:1]),
        )
        try:
            third = make_space(encoder, name="third", state=Space.State.BUILDING, index_now=False)
            assert stored.load(space=third, rows=[VectorRow(image, 0, VECTORS[0]) for image in images[1:]]) == 19
        finally:
            held()
        vector_index().build(space=third)
        partitions.drop_partition(there.space)
        assert stored.count(space=here) == 19 and stored.count(space=third) == 19

    def test_a_photo_deleted_while_its_vector_is_written_leaves_none(self) -> None:
        shop = Shop(make_space())
        product = shop.add(VECTORS[:1])
        (image,) = shop.photos(product)
        stored.delete(space=shop.space, image_ids=[image])
        with transaction.atomic():
            assert stored.insert(space=shop.space, rows=[VectorRow(image, product.pk, VECTORS[0])]) == 1
            deleting = threading.Thread(target=_delete_elsewhere, args=(image,))
            deleting.start()
            _wait_until_blocked()
        deleting.join(timeout=20)
        assert not ProductImage.objects.filter(pk=image).exists()
        assert rows_in(shop.space) == []


def hold_open(*actions: Callable[[], object]) -> Callable[[], None]:
    """Run actions in a transaction of another thread that stays open until the returned function is called."""
    begun, over = threading.Event(), threading.Event()

    def run() -> None:
        try:
            with transaction.atomic():
                for action in actions:
                    action()
                begun.set()
                over.wait(30)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    assert begun.wait(20)

    def end() -> None:
        over.set()
        thread.join(timeout=20)
        assert not thread.is_alive()

    return end


def _delete_elsewhere(image: int) -> None:
    try:
        ProductImage.objects.filter(pk=image).delete()
    finally:
        connection.close()


def _wait_until_blocked() -> None:
    """Until some backend of this database waits for a lock."""
    blocked = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with psycopg.connect(_url(), autocommit=True) as other:
        wait_until(lambda: other.execute(blocked).fetchone() is not None, what="waiting for the photo's row")


def _url() -> str:
    raw = connection.connection
    return str(psycopg.conninfo.make_conninfo(**raw.info.get_parameters(), password=raw.info.password))
