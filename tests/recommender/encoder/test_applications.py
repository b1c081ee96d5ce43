"""keras.applications EfficientNets: weights from a file, dimensions that follow, clear words when weights do not fit."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recommender.encoder import keras_models
from recommender.encoder.calibration import drawn_pictures
from recommender.encoder.check_photos import check_photos
from recommender.encoder.colour_tables import COLOUR_BINS
from recommender.encoder.compile import compile_file
from recommender.encoder.registry import ENCODERS, encoder_spec
from recommender.encoder.weights_pickle import WeightsFileError

pytestmark = pytest.mark.keras

BUILT = ["efficientnet-b0", "efficientnetv2-b0"]


@pytest.fixture(scope="module", autouse=True)
def shallow() -> Iterator[None]:
    """Keras' own networks with one block of each kind, for speed; widths, sides and what goes before the blocks stay."""
    import keras.src.applications as applications

    with pytest.MonkeyPatch.context() as patch:
        for module, general in (
            (applications.efficientnet, "EfficientNet"),
            (applications.efficientnet_v2, "EfficientNetV2"),
        ):
            patch.setattr(module, general, with_one_block_of_a_kind(getattr(module, general)))
        yield


def with_one_block_of_a_kind(whole: Callable[..., Any]) -> Callable[..., Any]:
    def built(*arguments: Any, **named: Any) -> Any:
        given = inspect.signature(whole).bind(*arguments, **named)
        given.arguments["depth_coefficient"] = 0.01
        return whole(*given.args, **given.kwargs)

    return built


@pytest.fixture(scope="module")
def weights_files(shallow: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Random weights, as `save_weights` of a user's own training writes them."""
    import keras

    keras.utils.set_random_seed(11)
    made = {}
    for name in BUILT:
        spec = encoder_spec(name)
        model = getattr(keras.applications, spec.architecture)(
            include_top=False, weights=None, input_shape=(spec.side, spec.side, 3)
        )
        made[name] = tmp_path_factory.mktemp("weights") / f"{name}.weights.h5"
        model.save_weights(made[name])
    return made


@pytest.mark.parametrize("name", [BUILT[0], pytest.param(BUILT[1], marks=pytest.mark.long)])
def test_a_model_with_own_weights_is_compiled_and_agrees_with_keras(name: str, weights_files: dict[str, Path]) -> None:
    spec = replace(encoder_spec(name), side=64)
    made = compile_file(spec, weights=str(weights_files[name]), pooling="mean", source="s")
    assert made.least_cosine >= 0.9999
    assert made.check_features.shape == (len(check_photos()), spec.dimensions + COLOUR_BINS)
    assert made.basis is None, "a model saved without its top holds no classifier"


APPLICATIONS = sorted(name for name, spec in ENCODERS.items() if spec.family == "applications")


@pytest.mark.parametrize("name", APPLICATIONS)
def test_dimensions_and_sides_are_those_of_the_network(name: str) -> None:
    """Both follow from Keras' own width and side of each variant."""
    import keras.src.applications as applications

    spec = encoder_spec(name)
    module = applications.efficientnet_v2 if "v2" in name else applications.efficientnet
    classifying = getattr(module, spec.architecture)(weights=None, classes=2)
    assert classifying.input_shape[1:3] == (spec.side, spec.side)
    assert classifying.get_layer("avg_pool").output.shape[-1] == spec.dimensions
    assert classifying.layers[-1].get_weights()[0].shape == (spec.dimensions, 2), "the classifier is the last layer"


def test_pixels_are_fed_as_they_are_and_rescaled_inside(weights_files: dict[str, Path]) -> None:
    spec = encoder_spec("efficientnetv2-b0")
    model = keras_models.build_model(spec, str(weights_files[spec.name]))
    assert [type(layer).__name__ for layer in model.layers[1:3]] == ["Rescaling", "Normalization"]
    assert (spec.shift, spec.scale) == (0.0, 1.0)


def test_normalisation_of_imagenet_weights_from_a_file_is_that_of_the_download(tmp_path: Path) -> None:
    """A model built with `weights="imagenet"` has a layer more; one that is given the same file must feed the same."""
    import keras

    deviations = np.array([0.229, 0.224, 0.225], np.float32)
    mean = np.array([0.485, 0.456, 0.406], np.float32)
    spec = encoder_spec("efficientnet-b0")
    saved = keras.applications.EfficientNetB0(include_top=False, weights=None, input_shape=(224, 224, 3))
    normalising = next(layer for layer in saved.layers if isinstance(layer, keras.layers.Normalization))
    normalising.set_weights([mean, deviations, np.array(0, np.int64)])
    path = tmp_path / "efficientnetb0_notop.weights.h5"
    saved.save_weights(path)
    model = keras_models.build_model(spec, str(path))
    normalised = keras.Model(
        model.input, next(x for x in model.layers if isinstance(x, keras.layers.Normalization)).output
    )
    pixels = drawn_pictures(1, side=224, seed=3)
    expected = (pixels / 255.0 - mean) / deviations
    assert np.allclose(normalised(pixels.astype(np.float32)).numpy(), expected, atol=1e-4)


def test_weights_that_do_not_fit_or_are_not_there_are_named(tmp_path: Path, weights_files: dict[str, Path]) -> None:
    b2 = encoder_spec("efficientnet-b2")  # wider than b0, also with one block of a kind
    with pytest.raises(WeightsFileError, match=r"efficientnet-b0\.weights\.h5 does not fit efficientnet-b2"):
        keras_models.build_model(b2, str(weights_files["efficientnet-b0"]))
    (tmp_path / "text.weights.h5").write_text("no weights")
    with pytest.raises(WeightsFileError, match=r"text\.weights\.h5 does not fit"):
        keras_models.build_model(b2, str(tmp_path / "text.weights.h5"))
    with pytest.raises(WeightsFileError, match="there is no such file; give a path or `imagenet`"):
        keras_models.build_model(b2, str(tmp_path / "absent.weights.h5"))


def test_own_weights_of_a_lite_network_are_read_from_what_keras_saves(tmp_path: Path) -> None:
    spec = encoder_spec("efficientnet-lite0")
    model = keras_models.build_model(spec, "imagenet")
    path = tmp_path / "own.weights.h5"
    model.save_weights(path)
    again = keras_models.build_model(spec, str(path))
    pixels = drawn_pictures(1, side=224, seed=3)
    expected = keras_models.maps_function(model, spec)(pixels)
    assert np.array_equal(keras_models.maps_function(again, spec)(pixels), expected)


def test_a_download_that_fails_says_what_else_would_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listens at the address, and nothing was downloaded before (KERAS_HOME is the tests' own): a real refusal."""
    import keras.src.applications.efficientnet as module

    monkeypatch.setattr(module, "BASE_WEIGHTS_PATH", "http://127.0.0.1:9/")
    with pytest.raises(WeightsFileError, match=r"efficientnet-b0 could not be downloaded.*ENCODER_WEIGHTS.*lite0"):
        keras_models.build_model(encoder_spec("efficientnet-b0"), "imagenet")
    with pytest.raises(WeightsFileError, match=r"efficientnet-b0 could not be downloaded.*ENCODER_WEIGHTS.*lite0"):
        keras_models.classifier_weights(encoder_spec("efficientnet-b0"), "imagenet")
