"""Like beside like: the tree that orders vectors, and the order in which a build lays them down."""

from __future__ import annotations

import numpy as np
import pytest
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from psycopg import sql

from recommender.index import partitions, stored
from recommender.index.nearness import NearnessTree, sample_size
from recommender.index.types import VectorRow
from recommender.models import Encoder, Space
from recommender.spaces.build import build_space
from recommender.spaces.fill import write_unchanged
from recommender.spaces.options import SpaceOptions
from tests.recommender.spaces.gallery import DIMENSIONS, add_photos

Vectors = NDArray[np.float32]


def clustered(
    clusters: int, each: int, *, dimensions: int = 16, noise: float = 0.05
) -> tuple[Vectors, NDArray[np.int64]]:
    """Unit rows about as many centres, shuffled, and the cluster of each."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((clusters, dimensions))
    code = rng.permutation(np.repeat(np.arange(clusters), each))
    rows = centres[code] + noise * rng.standard_normal((len(code), dimensions))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), code


def test_clusters_stand_together() -> None:
    vectors, code = clustered(16, 200)
    leaves = NearnessTree(vectors[:512]).leaves(vectors)
    ordered = code[np.argsort(leaves, kind="stable")]
    borders = int((ordered[1:] != ordered[:-1]).sum())
    assert borders < 400  # 15 in the best order; halves cut clusters
    assert int((code[1:] != code[:-1]).sum()) > 2900


def test_the_tree_is_balanced_over_its_sample_and_the_same_each_time() -> None:
    sample = np.random.default_rng(1).standard_normal((256, 8)).astype(np.float32)
    leaves = NearnessTree(sample).leaves(sample)
    assert np.bincount(leaves).tolist() == [4] * 64
    assert np.array_equal(NearnessTree(sample).leaves(sample), leaves)


@given(
    count=st.integers(1, 70),
    dimensions=st.integers(1, 5),
    kinds=st.integers(1, 4),
)
def test_every_vector_has_a_leaf_however_few_or_alike_they_are(count: int, dimensions: int, kinds: int) -> None:
    rng = np.random.default_rng(count)
    sample = rng.standard_normal((kinds, dimensions)).astype(np.float32)[rng.integers(0, kinds, count)]
    tree = NearnessTree(sample)
    leaves = tree.leaves(rng.standard_normal((20, dimensions)).astype(np.float32))
    assert leaves.shape == (20,) and leaves.dtype == np.int32
    assert leaves.min() >= 0 and leaves.max() < max(1, count // 4)
    assert tree.leaves(sample[:0]).shape == (0,)


def test_the_sample_is_of_bounded_size() -> None:
    assert (sample_size(256), sample_size(1280)) == (65_536, 13_107)


@pytest.mark.django_db
@pytest.mark.parametrize("augment", [0, 3])
def test_a_build_lays_many_vectors_down_by_nearness(
    encoder: Encoder, augment: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recommender.spaces.fill.LEAST", 100)
    monkeypatch.setattr("recommender.spaces.fill.BATCH", 64)
    monkeypatch.setattr("recommender.spaces.order.sample_size", lambda dimensions: 15 * dimensions)
    features, codes = clustered(12, 20, dimensions=DIMENSIONS, noise=0.3)
    photos = add_photos(encoder, features, [f"kind {code}" for code in codes], to_spaces=False)
    kind = {photo.pk: int(code) for photo, code in zip(photos, codes, strict=True)}
    space = build_space(SpaceOptions(encoder=encoder, projection="pca", dimensions=8, augment=augment))
    laid = _borders([kind[image] for image in _as_laid_down(space)])
    uploaded = _borders([kind[image] for image in sorted(kind)])
    assert len(_as_laid_down(space)) == len(kind) == 240
    assert laid < uploaded / 2


@pytest.mark.django_db
def test_a_bulk_load_keeps_the_order_given(plain_space: Space) -> None:
    images = _as_laid_down(plain_space)
    vectors = stored.vectors_of(space=plain_space, image_ids=images)
    products = _products(images)
    stored.delete(space=plain_space, image_ids=images)
    wanted = np.random.default_rng(0).permutation(images).tolist()
    stored.load(space=plain_space, rows=(VectorRow(image, products[image], vectors[image]) for image in wanted))
    assert _as_laid_down(plain_space) == wanted


def _as_laid_down(space: Space) -> list[int]:
    with connection.cursor() as cursor:
        partition = sql.Identifier(partitions.partition_name(space))
        cursor.execute(sql.SQL("SELECT image_id FROM {} ORDER BY ctid").format(partition))
        return [row[0] for row in cursor.fetchall()]


def _products(images: list[int]) -> dict[int, int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, product_id FROM catalog_productimage WHERE id = ANY (%s)", [images])
        return dict(cursor.fetchall())


def _borders(codes: list[int]) -> int:
    return sum(one != other for one, other in zip(codes[1:], codes[:-1], strict=True))


@pytest.mark.django_db(transaction=True)
def test_photos_whose_vectors_are_being_written_are_passed_over_by_the_end_of_a_lease(plain_space: Space) -> None:
    """Else both would insert the same photos in orders of their own, and each could wait for the other for ever."""
    images = sorted(_as_laid_down(plain_space))[:3]
    vectors = stored.vectors_of(space=plain_space, image_ids=images)
    stored.delete(space=plain_space, image_ids=images)
    other = connection.copy()
    try:
        with transaction.atomic():
            assert write_unchanged(plain_space, np.array(images), np.stack([vectors[image] for image in images])) == 3
            with other.cursor() as cursor:
                cursor.execute("SELECT id FROM catalog_productimage ORDER BY id LIMIT 5 FOR SHARE SKIP LOCKED")
                free = [row[0] for row in cursor.fetchall()]
        with other.cursor() as cursor:
            cursor.execute("SELECT id FROM catalog_productimage ORDER BY id LIMIT 3 FOR SHARE SKIP LOCKED")
            assert [row[0] for row in cursor.fetchall()] == images
    finally:
        other.close()
    assert free and not set(free) & set(images)
