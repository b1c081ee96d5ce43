"""Keras model → LiteRT file, checked against the Keras model before anyone serves it."""

from __future__ import annotations

import hashlib
import importlib.metadata
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, cast

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from catalog.models import ProductImage
from catalog.photos.reading import PhotoError
from recommender.encoder import keras_models
from recommender.encoder.basis import leading_axes
from recommender.encoder.calibration import calibration_pictures, judging_pictures
from recommender.encoder.check_photos import check_photos
from recommender.encoder.native_output import hide_native_output
from recommender.encoder.pooling import pool
from recommender.encoder.pooling import weights as pooling_weights
from recommender.encoder.preprocess import photo_to_pixels
from recommender.encoder.recipes import CURRENT, RECIPES
from recommender.encoder.registry import EncoderSpec, encoder_spec
from recommender.encoder.runtimes import LiteRTEncoder
from recommender.encoder.serving import cosines
from recommender.encoder.store import CompiledEncoder, compiled_from, save_encoder
from recommender.encoder.weights_pickle import WeightsFileError
from recommender.models import Encoder

# A part of every compile's key: raise it whenever the code (the drawn pictures included) makes another file of the same
# weights. What is done around the network has a number of its own, the recipe (recommender.encoder.recipes).
FILE_VERSION = 2
LEAST_COSINE_FP32 = 0.9999
LEAST_MEDIAN_COSINE_INT8 = 0.95  # .99 is usual: below this the quantisation went wrong
CHECKED_PHOTOS = 16

Report = Callable[[str], None]


class CompileFailed(RuntimeError):
    """The compiled file does not do what the Keras model does, or TensorFlow is not there; the text says which."""


def compile_encoder(
    name: str | None = None,
    *,
    report: Report = lambda line: None,
    on_result: Callable[[CompiledEncoder], None] | None = None,
) -> Encoder:
    """Compile the encoder `name` (the setting's by default), check it and store it; the same again is only looked up.

    Weights and pooling are the settings'. `on_result` is given what was compiled, when anything was. Raises
    UnknownEncoder, ValueError for an unknown pooling, WeightsFileError and CompileFailed.
    """
    spec = encoder_spec(name or settings.ENCODER)
    weights, pooling = settings.ENCODER_WEIGHTS, settings.ENCODER_POOLING
    pooling_weights(1, 1, pooling)
    source = source_key(spec, weights=weights, pooling=pooling)
    if (row := compiled_from(source)) is not None:
        report(f"{row} is compiled already")
        return row
    if (compiled := _file_of_another_recipe(spec, weights=weights, pooling=pooling, report=report)) is not None:
        checked = _Checked(compiled, None, None)
        made = _finished(checked, spec, weights=weights, pooling=pooling, source=source, report=report)
    else:
        photos = list(catalogue_pixels(spec.side))
        made = compile_file(spec, weights=weights, pooling=pooling, source=source, photos=photos, report=report)
    if on_result is not None:
        on_result(made)
    row = save_encoder(made)
    report(f"{row} is stored: {len(made.compiled) / 1e6:.1f} MB")
    return row


def source_key(spec: EncoderSpec, *, weights: str, pooling: str, recipe: int = CURRENT) -> str:
    """SHA-256 over everything that decides an encoder. Raises WeightsFileError if the weights are not there."""
    path = keras_models.weights_path(spec, weights)
    if path is None:
        digest = weights
    else:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    try:
        converter = [importlib.metadata.version(package) for package in ("tensorflow", "keras")]
    except importlib.metadata.PackageNotFoundError as error:
        raise _no_tensorflow() from error
    parts = [FILE_VERSION, spec.name, digest, pooling, *converter]
    if recipe > 1:  # the keys of recipe 1 were made when there was no other
        parts.append(recipe)
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@dataclass(frozen=True)
class _Checked:
    """A LiteRT file that agrees with its Keras model, and how well; None where that was seen by an earlier compile."""

    compiled: bytes
    least_cosine: float | None
    median_cosine: float | None


def compile_file(
    spec: EncoderSpec,
    *,
    weights: str,
    pooling: str,
    source: str,
    photos: Sequence[NDArray[np.uint8]] = (),
    report: Report = lambda line: None,
) -> CompiledEncoder:
    """Build the Keras model, convert it, and hold the file against the model on drawn pictures and on `photos`.

    `photos`: uint8 (side, side, 3) each. Needs no database. Raises WeightsFileError and CompileFailed.
    """
    checked = _converted(spec, weights=weights, pooling=pooling, photos=photos, report=report)
    return _finished(checked, spec, weights=weights, pooling=pooling, source=source, report=report)


def _converted(
    spec: EncoderSpec, *, weights: str, pooling: str, photos: Sequence[NDArray[np.uint8]], report: Report
) -> _Checked:
    with hide_native_output((WeightsFileError, CompileFailed)):
        report(f"building {spec.name} in Keras ({weights} weights)")
        try:
            model = keras_models.build_model(spec, weights)
        except ImportError as error:
            raise _no_tensorflow() from error
        report(f"converting to LiteRT, {spec.precision}")
        compiled = keras_models.convert(model, spec, calibration_pictures)
        served = LiteRTEncoder(compiled, spec.side, spec.dimensions, pooling, recipe=1)  # the network's part alone
        drawn = judging_pictures(spec.side)
        pictures = np.concatenate([drawn, np.stack(photos)]) if len(photos) else drawn
        report(f"checking against Keras on {len(drawn)} drawn pictures and {len(photos)} photos of the catalogue")
        maps = keras_models.maps_function(model, spec)
        expected = np.stack([pool(maps(picture[None])[0], pooling) for picture in pictures])
        agreement = cosines(served.features_many(pictures), expected)
    least, median = float(agreement.min()), float(np.median(agreement))
    report(f"cosine to Keras: least {least:.6f}, median {median:.6f}")
    if spec.precision == "fp32" and not least >= LEAST_COSINE_FP32:
        raise CompileFailed(_disagrees(spec, f"least cosine {least:.6f}, {LEAST_COSINE_FP32} is asked for"))
    if spec.precision == "int8" and not median >= LEAST_MEDIAN_COSINE_INT8:
        raise CompileFailed(_disagrees(spec, f"median cosine {median:.4f}, {LEAST_MEDIAN_COSINE_INT8} is asked for"))
    return _Checked(compiled, least, median)


def _finished(
    checked: _Checked, spec: EncoderSpec, *, weights: str, pooling: str, source: str, report: Report
) -> CompiledEncoder:
    """What the current recipe adds to a compiled file: its check vectors and the axes of its classifier."""
    served = LiteRTEncoder(checked.compiled, spec.side, spec.dimensions, pooling, CURRENT)
    checks = check_photos()
    width = spec.dimensions + RECIPES[CURRENT].colour_bins
    pixels = [photo_to_pixels(io.BytesIO(photo), side=spec.side, recipe=CURRENT) for photo in checks]
    with hide_native_output((WeightsFileError, CompileFailed)):
        features = served.features_many(np.stack(pixels))
        classifier = keras_models.classifier_weights(spec, weights)
    if features.shape != (len(checks), width):
        raise CompileFailed(f"{spec.name} gave features {features.shape} instead of ({len(checks)}, {width})")
    if classifier is None:
        report(
            f"{weights} holds no classifier, so nothing but a fit on photos makes vectors of {spec.name} shorter: a first "
            f"space of it has {spec.dimensions} numbers for the shape"
        )
    return CompiledEncoder(
        spec=spec,
        weights=weights,
        pooling=pooling,
        source=source,
        compiled=checked.compiled,
        check_photos=checks,
        check_features=features,
        basis=None if classifier is None else leading_axes(classifier),
        least_cosine=checked.least_cosine,
        median_cosine=checked.median_cosine,
    )


def _file_of_another_recipe(spec: EncoderSpec, *, weights: str, pooling: str, report: Report) -> bytes | None:
    """The compiled file of the same weights that is stored already, whole, for another recipe: the network is the same."""
    for recipe in RECIPES:
        row = compiled_from(source_key(spec, weights=weights, pooling=pooling, recipe=recipe))
        if row is not None and hashlib.sha256(compiled := bytes(row.compiled)).hexdigest() == row.sha256:
            report(f"the compiled file is that of {row}")
            return compiled
    return None


def catalogue_pixels(side: int) -> Iterator[NDArray[np.uint8]]:
    """Pixels uint8 (side, side, 3) of up to CHECKED_PHOTOS photos of the catalogue, the first by digest: a fixed sample."""
    for image in ProductImage.objects.exclude(digest="").order_by("digest", "id")[:CHECKED_PHOTOS]:
        try:
            with image.file.open("rb") as file:
                yield photo_to_pixels(cast(BinaryIO, file), side=side, recipe=CURRENT)
        except (OSError, PhotoError, ValueError):
            continue  # a bad photo is the pipeline's to report; it does not stop a compile


def _no_tensorflow() -> CompileFailed:
    return CompileFailed(
        "TensorFlow is not installed here: compile on a machine with `pip install -r requirements.txt`; "
        "every other machine fetches the result from Postgres"
    )


def _disagrees(spec: EncoderSpec, found: str) -> str:
    return (
        f"the compiled {spec.name} does not agree with its Keras model: {found}; it was not stored. Are ENCODER_WEIGHTS "
        "the trained weights of this network, and TensorFlow and ai-edge-litert the pinned versions?"
    )
