"""Projections as pure functions: what streaming, fitting, rotating and augmenting must give for any numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from recommender.projection.apply import Projection, unit
from recommender.projection.augment import augment
from recommender.projection.fit import fit_learned, fit_pca, random_rotation, rotated
from recommender.projection.neighbours import nearest
from recommender.projection.statistics import Statistics
from tests.recommender.spaces.gallery import class_features

SEEDS = st.integers(0, 2**32 - 1)


def gathered(
    features: NDArray[np.float32], classes: NDArray[np.int32] | None = None, batch: int = 10_000
) -> Statistics:
    statistics = Statistics(features.shape[1])
    for start in range(0, len(features), batch):
        part = slice(start, start + batch)
        statistics.add(features[part], None if classes is None else classes[part])
    return statistics


def within_by_hand(rows: NDArray[np.float64], classes: NDArray[np.int32]) -> NDArray[np.float64]:
    scatter = np.zeros((rows.shape[1],) * 2)
    count = 0
    for code in np.unique(classes):
        members = rows[classes == code]
        if len(members) > 1:
            centred = members - members.mean(axis=0)
            scatter += centred.T @ centred
            count += len(members)
    return scatter / count


@given(SEEDS, st.integers(1, 50), st.integers(2, 40))
def test_streamed_statistics_are_those_of_the_whole(seed: int, batch: int, count: int) -> None:
    generator = np.random.default_rng(seed)
    features = (generator.standard_normal((count, 7)) + 1).astype(np.float32)
    classes = np.sort(generator.integers(0, 6, count)).astype(np.int32)
    classes[:2] = classes[0]
    classes.sort()
    statistics = gathered(features, classes, batch)
    rows = unit(features).astype(np.float64)
    assert statistics.count == count
    assert np.allclose(statistics.mean, rows.mean(axis=0), atol=1e-6)
    assert np.allclose(statistics.covariance(), np.cov(rows.T, bias=True), atol=1e-6)
    assert np.allclose(statistics.within(), within_by_hand(rows, classes), atol=1e-6)


def test_classes_that_are_not_sorted_are_refused(generator: np.random.Generator) -> None:
    statistics = Statistics(4)
    statistics.add(generator.standard_normal((4, 4)).astype(np.float32), np.array([1, 1, 2, 2], np.int32))
    with pytest.raises(ValueError, match="sorted"):
        statistics.add(generator.standard_normal((2, 4)).astype(np.float32), np.array([1, 2], np.int32))


def test_photos_alone_in_their_class_teach_nothing(generator: np.random.Generator) -> None:
    features = generator.standard_normal((5, 4)).astype(np.float32)
    with pytest.raises(ValueError, match="no class has two photos"):
        gathered(features, np.arange(5, dtype=np.int32)).within()


@given(SEEDS)
def test_pca_to_all_dimensions_only_centres(seed: int) -> None:
    features = (np.random.default_rng(seed).standard_normal((30, 6)) + 0.5).astype(np.float32)
    projection = fit_pca(gathered(features), 6)
    centred = unit(features) - unit(features).mean(axis=0)
    expected = unit(centred.astype(np.float32)) @ unit(centred.astype(np.float32)).T
    assert np.allclose(projection(features) @ projection(features).T, expected, atol=1e-4)


def test_pca_keeps_the_largest_variances_unwhitened(generator: np.random.Generator) -> None:
    spread = np.array([5, 4, 3, 2, 1, 0.5])
    features = (generator.standard_normal((4000, 6)) * spread + 20).astype(np.float32)
    projection = fit_pca(gathered(features), 3)
    linear = projection.linear(unit(features))
    variances = linear.var(axis=0)
    whole = np.sort(np.linalg.eigvalsh(np.cov(unit(features).T, bias=True)))[::-1]
    assert np.allclose(variances, whole[:3], rtol=1e-3)
    assert (np.diff(variances) < 0).all()


def test_learned_whitening_finds_what_the_labels_mean() -> None:
    features, classes = class_features(12, 40, seed=3)
    held_out, truth = features[1::2], classes[1::2]
    projection = fit_learned(gathered(features[::2], classes[::2]), 12, 0.3)
    plain = precision(unit(held_out), truth)
    assert precision(projection(held_out), truth) > plain + 0.15


def precision(vectors: NDArray[np.float32], classes: NDArray[np.int32]) -> float:
    likeness = vectors @ vectors.T
    np.fill_diagonal(likeness, -2)
    order = np.argsort(-likeness, axis=1)[:, :10]
    return float((classes[order] == classes[:, None]).mean())


@pytest.mark.parametrize("shrinkage", [0.1, 0.7])
def test_the_learned_fit_is_whitening_then_pca(shrinkage: float) -> None:
    """Against the definition, step by step on the photos themselves, without the algebra of covariances."""
    features, classes = class_features(8, 30, dimensions=20)
    rows = unit(features).astype(np.float64)
    centred = rows - rows.mean(axis=0)
    within = within_by_hand(rows, classes)
    values, axes = np.linalg.eigh((1 - shrinkage) * within + shrinkage * np.trace(within) / 20 * np.eye(20))
    white = centred @ (axes / np.sqrt(values)) @ axes.T
    reduced = white @ np.linalg.svd(white, full_matrices=False)[2].T[:, :10]
    expected = reduced / np.linalg.norm(reduced, axis=1, keepdims=True)
    ours = fit_learned(gathered(features, classes), 10, shrinkage)(features)
    assert ours.shape == (240, 10)
    assert np.allclose(ours @ ours.T, expected @ expected.T, atol=1e-3)


def test_a_learned_fit_of_shrinkage_one_is_pca() -> None:
    features, classes = class_features(8, 30, dimensions=20)
    learned, pca = (
        fit_learned(gathered(features, classes), 10, 1.0)(features),
        fit_pca(gathered(features), 10)(features),
    )
    assert np.allclose(learned @ learned.T, pca @ pca.T, atol=1e-3)


def test_the_same_statistics_give_the_same_matrix() -> None:
    features, classes = class_features(5, 20)
    first, second = (fit_learned(gathered(features, classes), 8, 0.3) for _ in range(2))
    assert np.array_equal(first.matrix, second.matrix)


@given(SEEDS, st.booleans())
def test_a_rotation_keeps_every_cosine(seed: int, with_matrix: bool) -> None:
    generator = np.random.default_rng(seed)
    features = generator.standard_normal((6, 8)).astype(np.float32)
    projection = (
        fit_pca(gathered(generator.standard_normal((40, 8)).astype(np.float32)), 5) if with_matrix else Projection()
    )
    turned = rotated(projection, 5 if with_matrix else 8)
    before, after = projection(features), turned(features)
    assert np.allclose(before @ before.T, after @ after.T, atol=1e-4)
    assert not np.allclose(before, after)


def test_the_rotation_is_one_and_fixed() -> None:
    rotation = random_rotation(32).astype(np.float64)
    assert np.allclose(rotation @ rotation.T, np.eye(32), atol=1e-5)
    assert np.array_equal(random_rotation(32), random_rotation(32))


@given(SEEDS)
def test_vectors_are_unit_whatever_the_length_of_the_features(seed: int) -> None:
    generator = np.random.default_rng(seed)
    features = generator.standard_normal((9, 6)).astype(np.float32)
    projection = fit_pca(gathered(generator.standard_normal((20, 6)).astype(np.float32)), 4)
    assert np.allclose(np.linalg.norm(projection(features), axis=1), 1, atol=1e-5)
    assert np.allclose(projection(features), projection(features * 7), atol=1e-4)


def test_features_of_zeros_become_a_vector_that_an_index_takes() -> None:
    assert np.allclose(Projection()(np.zeros((1, 4), np.float32)), 0.5)


def test_augmentation_weighs_neighbours_by_their_similarity_cubed() -> None:
    vector = np.array([[1, 0]], np.float32)
    near = np.array([[[0.8, 0.6], [-0.6, 0.8]]], np.float32)
    cosines = np.array([[0.8, -0.6]], np.float32)
    mixed = np.array([1 + 0.512 * 0.8, 0.512 * 0.6])
    assert np.allclose(augment(vector, near, cosines)[0], mixed / np.linalg.norm(mixed), atol=1e-6)


def test_neighbours_are_the_nearest_others(generator: np.random.Generator) -> None:
    vectors = unit(generator.standard_normal((300, 5)).astype(np.float32))
    likeness = vectors @ vectors.T
    np.fill_diagonal(likeness, -2)
    seen = []
    for rows, found, cosines in nearest(vectors, 4):
        seen += rows.tolist()
        assert np.array_equal(found, np.argsort(-likeness[rows], axis=1)[:, :4])
        assert np.allclose(cosines, -np.sort(-likeness[rows], axis=1)[:, :4], atol=1e-6)
    assert sorted(seen) == list(range(300))


def test_neighbours_by_clusters_miss_few(generator: np.random.Generator) -> None:
    centres = generator.standard_normal((40, 16)) * 2
    vectors = unit((np.repeat(centres, 50, axis=0) + generator.standard_normal((2000, 16)) * 0.5).astype(np.float32))
    likeness = vectors @ vectors.T
    np.fill_diagonal(likeness, -2)
    expected = np.argsort(-likeness, axis=1)[:, :10]
    hits, seen = 0, []
    for rows, found, _ in nearest(vectors, 10, exact_below=100):
        seen += rows.tolist()
        hits += sum(len(set(a) & set(b)) for a, b in zip(found.tolist(), expected[rows].tolist(), strict=True))
    assert sorted(seen) == list(range(2000))
    assert hits / 20_000 > 0.95


def test_a_tiny_gallery_repeats_itself_with_no_weight() -> None:
    vectors = unit(np.eye(2, 3, dtype=np.float32) + 0.1)
    ((rows, found, cosines),) = nearest(vectors, 3)
    assert rows.tolist() == [0, 1]
    assert found.tolist() == [[1, 0, 0], [0, 1, 1]]
    assert cosines[:, 1:].tolist() == [[0, 0], [0, 0]]
