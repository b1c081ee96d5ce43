"""The encoder of this process: fetched from Postgres, held to its check vectors, and kept.

Nothing is loaded before the first photo is encoded, so that each child of a worker loads its own after the fork.
"""

from __future__ import annotations

import hashlib
import io
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from numpy.typing import NDArray

from catalog.photos.reading import PhotoError
from recommender.encoder import keras_models
from recommender.encoder.preprocess import photo_to_pixels
from recommender.encoder.recipes import RECIPES
from recommender.encoder.registry import UnknownEncoder, encoder_spec
from recommender.encoder.runtimes import KerasEncoder, LiteRTEncoder
from recommender.encoder.types import ImageEncoder
from recommender.encoder.weights_pickle import WeightsFileError
from recommender.models import Encoder

COMPILED = "litert"
RUNTIMES = (COMPILED, "keras")
WHY_NOT_INT8 = (
    "Keras would run it in fp32 and vectors of two precisions do not mix. Set ENCODER_RUNTIME=litert, or ENCODER to an "
    "fp32 encoder"
)
# Kernels of different machines differ by rounding: fp32 agrees to 1.00000 across LiteRT, ONNX and Keras.
LEAST_COSINE = 0.99999


class EncoderMismatch(RuntimeError):
    """This process does not reproduce the encoder, or cannot load it, so it must not encode; the text says why."""


_encoders: dict[tuple[int, str], ImageEncoder] = {}
_injected: list[ImageEncoder] = []
_lock = threading.Lock()


def encoder_for(row: Encoder, *, runtime: str | None = None) -> ImageEncoder:
    """The encoder of a row, loaded and proven once a process. Thread-safe.

    `runtime`: ENCODER_RUNTIME by default; a web process asks for COMPILED, whatever the workers run on.
    Raises EncoderMismatch when this process does not reproduce the check vectors, or cannot build the Keras model for
    want of its weights or of TensorFlow, and ImproperlyConfigured for a runtime that does not exist or does not go with
    the encoder.
    """
    if _injected:
        return _injected[-1]
    runtime = runtime or settings.ENCODER_RUNTIME
    key = (row.pk, runtime)
    if key not in _encoders:
        with _lock:
            if key not in _encoders:
                _encoders[key] = _load(row, runtime)
    return _encoders[key]


@contextmanager
def injected(encoder: ImageEncoder) -> Iterator[None]:
    """Inside the block, `encoder` answers for every row in this process."""
    _injected.append(encoder)
    try:
        yield
    finally:
        _injected.remove(encoder)


def prove(encoder: ImageEncoder, row: Encoder) -> None:
    """Encode the check pictures: int8 must give the stored features bit for bit, fp32 to cosine .99999.

    Colours are whole numbers up to their last two operations, which IEEE rounds alike everywhere: they must be equal
    bit for bit whatever the precision of the network. Raises EncoderMismatch.
    """
    pictures = _check_pixels(row)
    expected = np.frombuffer(row.check_features, np.float32).reshape(len(pictures), row.row_width)
    rows = np.stack([encoder.features(picture) for picture in pictures])
    if rows.shape != expected.shape:
        raise EncoderMismatch(f"this process gives rows of {rows.shape[1]} numbers for {row}, not of {row.row_width}")
    if not np.array_equal(rows[:, row.dimensions :], expected[:, row.dimensions :]):
        raise EncoderMismatch(
            f"this process does not count the colours of {row} as they were counted when it was compiled: run the version "
            "of the project, of Pillow and of NumPy that compiled it, or compile the encoder again"
        )
    features, expected = rows[:, : row.dimensions], expected[:, : row.dimensions]
    if row.precision == Encoder.Precision.INT8:
        if not np.array_equal(features, expected):
            raise EncoderMismatch(
                f"this process does not reproduce {row} bit for bit: {_least(features, expected)}. An int8 encoder must; "
                "run it with the pinned ai-edge-litert and its XNNPACK delegate, or choose an fp32 ENCODER"
            )
    elif not (cosines(features, expected) >= LEAST_COSINE).all():
        raise EncoderMismatch(
            f"this process does not reproduce {row}: {_least(features, expected)}, {LEAST_COSINE} is asked for. Run it with "
            "the pinned ai-edge-litert, or compile the encoder again"
        )


def _check_pixels(row: Encoder) -> list[NDArray[np.uint8]]:
    """What the network is fed of the check pictures: stored so in recipe 1, made of whole files as of any photo since."""
    if row.recipe == 1:
        return list(np.frombuffer(row.check_pixels, np.uint8).reshape(-1, row.side, row.side, 3))
    try:
        return [
            photo_to_pixels(io.BytesIO(bytes(photo)), side=row.side, recipe=row.recipe) for photo in row.check_photos
        ]
    except PhotoError as error:
        raise EncoderMismatch(f"this process cannot read the check pictures of {row} now: {error}") from error


def cosines(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float64]:
    """Row by row cosine of a (n, d) and b (n, d); 0 where a row is all zero."""
    x, y = a.astype(np.float64), b.astype(np.float64)
    lengths = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)
    products: NDArray[np.float64] = np.einsum("nd,nd->n", x, y)
    made: NDArray[np.float64] = np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0)
    return made


def _least(features: NDArray[np.float32], expected: NDArray[np.float32]) -> str:
    return f"least cosine {cosines(features, expected).min():.6f} on its check pictures"


def _load(row: Encoder, runtime: str) -> ImageEncoder:
    if row.recipe not in RECIPES:
        raise EncoderMismatch(
            f"{row} is of recipe {row.recipe}, which this version of the project does not know; run the newer one"
        )
    if runtime not in RUNTIMES:
        raise ImproperlyConfigured(f"ENCODER_RUNTIME is {runtime!r}; set it to one of: {', '.join(RUNTIMES)}")
    row = Encoder.objects.get(pk=row.pk)  # afresh: the caller's row may be kept, and its megabytes with it
    encoder: ImageEncoder
    if runtime == "keras":
        if row.precision == Encoder.Precision.INT8:
            raise ImproperlyConfigured(f"ENCODER_RUNTIME=keras cannot serve {row}: {WHY_NOT_INT8}")
        encoder = KerasEncoder(_keras_function(row), row.side, row.dimensions, row.pooling, row.recipe)
    else:
        compiled = bytes(row.compiled)
        if hashlib.sha256(compiled).hexdigest() != row.sha256:
            raise EncoderMismatch(
                f"the stored file of {row} is not the one that was compiled; compile the encoder again"
            )
        encoder = LiteRTEncoder(compiled, row.side, row.dimensions, row.pooling, row.recipe)
    prove(encoder, row)
    return encoder


def _keras_function(row: Encoder) -> keras_models.Maps:
    try:
        return keras_models.serving_function(encoder_spec(row.name), row.weights)
    except ImportError as error:
        raise EncoderMismatch(
            f"ENCODER_RUNTIME=keras cannot serve {row}: TensorFlow is not installed here ({error}). Run `pip install -r "
            "requirements.txt`, or set ENCODER_RUNTIME=litert"
        ) from error
    except (WeightsFileError, UnknownEncoder, OSError) as error:
        raise EncoderMismatch(
            f"ENCODER_RUNTIME=keras cannot serve {row} from the weights {row.weights!r} on this machine: {error}. Put the "
            "file there, or set ENCODER_RUNTIME=litert, which needs none"
        ) from error


def forget_encoders() -> None:
    """Load anew whatever is asked for next, as after a fork: interpreters, TensorFlow and a lock held by another thread do not survive one."""
    global _lock
    _lock = threading.Lock()
    _encoders.clear()


os.register_at_fork(after_in_child=forget_encoders)
