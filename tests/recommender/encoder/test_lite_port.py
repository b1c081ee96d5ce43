"""EfficientNet-Lite in Keras against golden outputs of the original networks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recommender.encoder import keras_models
from recommender.encoder.lite_architecture import (
    BATCH_NORM_EPSILON,
    blocks,
    folded_weights,
    wheel_weights_path,
)
from recommender.encoder.pooling import pool
from recommender.encoder.registry import encoder_spec
from recommender.encoder.weights_pickle import WeightsFileError, read_weights

GOLDEN = Path(__file__).parent / "golden"
LITE0, LITE1, LITE2 = (encoder_spec(f"efficientnet-lite{variant}") for variant in range(3))


@pytest.mark.keras
@pytest.mark.parametrize("variant", ["lite0", "lite1", "lite2"])
def test_features_and_logits_are_those_of_the_original(variant: str) -> None:
    golden = np.load(GOLDEN / f"{variant}.npz")
    spec = encoder_spec(f"efficientnet-{variant}")
    model = keras_models.build_model(spec, "imagenet")
    maps = keras_models.maps_function(model, spec)(golden["pixels"])
    features = np.stack([pool(of_one, "mean") for of_one in maps])
    checkpoint = read_weights(wheel_weights_path(spec))
    matrix, bias = checkpoint["_fc.weight"].T, checkpoint["_fc.bias"]  # the classifier that the encoder leaves out
    assert maps.shape[0] == 4 and maps.shape[-1] == spec.dimensions
    assert np.abs(features - golden["features"]).max() <= 1e-4
    assert np.abs(features @ matrix + bias - golden["logits"]).max() <= 1e-4
    assert not [layer.name for layer in model.layers if layer.name.startswith("_")]
    assert not [layer.name for layer in model.layers if "BatchNormalization" in type(layer).__name__]


def test_blocks_are_counted_and_widened_as_published() -> None:
    assert [len(blocks(spec)) for spec in (LITE0, LITE1, LITE2)] == [16, 21, 21]
    assert [blocks(spec)[-1].filters_out for spec in (LITE0, LITE1, LITE2)] == [320, 320, 352]


def test_a_folded_batch_norm_is_the_same_function() -> None:
    state = read_weights(wheel_weights_path(LITE0))
    kernel, bias = folded_weights(LITE0, state)["head"]
    x = np.random.default_rng(0).normal(size=320).astype(np.float32)
    convolved = state["_conv_head.weight"][:, :, 0, 0] @ x
    normed = (convolved - state["_bn1.running_mean"]) / np.sqrt(state["_bn1.running_var"] + BATCH_NORM_EPSILON)
    assert np.allclose(x @ kernel[0, 0] + bias, normed * state["_bn1.weight"] + state["_bn1.bias"], atol=1e-4)


def test_weights_of_another_network_are_refused() -> None:
    state = read_weights(wheel_weights_path(LITE0))
    with pytest.raises(WeightsFileError, match="EfficientNet-lite1"):
        folded_weights(LITE1, state)
