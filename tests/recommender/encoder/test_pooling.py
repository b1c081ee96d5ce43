from __future__ import annotations

import numpy as np
import pytest

from recommender.encoder.pooling import pool, weights


def test_gaussian_weights_are_a_bell_of_two_cells_on_a_side_of_seven() -> None:
    at = np.arange(7) - 3.0
    bell = np.exp(-(at[:, None] ** 2 + at[None] ** 2) / (2 * 2.0**2))
    assert np.allclose(weights(7, 7, "gaussian"), bell / bell.sum(), atol=1e-8)


@pytest.mark.parametrize("size", [(7, 7), (9, 9), (12, 10), (1, 1)])
@pytest.mark.parametrize("pooling", ["gaussian", "mean"])
def test_weights_sum_to_one_and_are_symmetrical(size: tuple[int, int], pooling: str) -> None:
    made = weights(*size, pooling)
    assert made.shape == size and made.dtype == np.float32
    assert abs(float(made.sum(dtype=np.float64)) - 1) < 1e-6
    assert np.array_equal(made, made[::-1]) and np.array_equal(made, made[:, ::-1])


def test_pooling_is_the_weighted_mean_of_the_cells() -> None:
    maps = np.random.default_rng(3).random((9, 9, 1280), dtype=np.float32)
    assert np.allclose(pool(maps, "mean"), maps.mean((0, 1)), atol=1e-6)
    expected = np.einsum("hw,hwc->c", weights(9, 9, "gaussian").astype(np.float64), maps)
    features = pool(maps, "gaussian")
    assert features.dtype == np.float32 and features.shape == (1280,)
    assert np.allclose(features, expected, atol=1e-6)


def test_pooling_adds_in_one_fixed_order() -> None:
    """Bit for bit what a plain loop gives: no BLAS, no fused multiply-add, no pairwise sum."""
    maps = np.random.default_rng(4).random((9, 9, 64), dtype=np.float32)
    total = np.zeros(64, np.float32)
    for weight, cell in zip(weights(9, 9, "gaussian").ravel(), maps.reshape(81, 64), strict=True):
        total = total + weight * cell
    assert np.array_equal(pool(maps, "gaussian"), total)


def test_an_unknown_pooling_is_named() -> None:
    with pytest.raises(ValueError, match=r"'gem'.*gaussian, mean"):
        weights(7, 7, "gem")
