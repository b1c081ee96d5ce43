"""`compile_encoder`: compiled once, checked, stored; the same again is only looked up; errors say what to do."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image
from pytest_django import Settings

from catalog.models import Product, ProductImage
from config.local.folder import PROJECT
from recommender.encoder import compile as compiling
from recommender.encoder.calibration import drawn_pictures
from recommender.encoder.compile import CompileFailed, catalogue_pixels, compile_encoder, compile_file, source_key
from recommender.encoder.pooling import pool
from recommender.encoder.preprocess import photo_to_pixels
from recommender.encoder.registry import EncoderSpec, encoder_spec
from recommender.encoder.runtimes import LiteRTEncoder
from recommender.encoder.serving import cosines, encoder_for
from recommender.encoder.store import CompiledEncoder
from recommender.models import Encoder, Space

PHOTOS = PROJECT.parent / "shared" / "data" / "clothing" / "images"


@pytest.mark.keras
def test_the_command_compiles_stores_and_then_reuses(db: None, settings: Settings) -> None:
    settings.ENCODER = "efficientnet-lite0"
    out = io.StringIO()
    call_command("compile_encoder", json=True, stdout=out)
    answer = json.loads(out.getvalue())
    row = Encoder.objects.get()
    assert (answer["encoder"], answer["reused"], answer["id"]) == ("efficientnet-lite0@1", False, row.pk)
    assert answer["least_cosine"] >= 0.9999
    assert row.sha256 == hashlib.sha256(bytes(row.compiled)).hexdigest()
    assert encoder_for(row).features(drawn_pictures(1, side=224, seed=1)[0]).shape == (1280 + 196,)
    assert [space.encoder for space in Space.objects.all()] == [row]

    again, lines = io.StringIO(), io.StringIO()
    call_command("compile_encoder", json=True, stdout=again)
    took, answer = answer["seconds"], json.loads(again.getvalue())
    assert (answer["reused"], answer["id"]) == (True, row.pk) and answer["seconds"] < took / 3
    call_command("compile_encoder", "efficientnet-lite0", stdout=lines)
    assert lines.getvalue() == f"{row} is compiled already\nspace basis-256 answers with it\n"
    assert Encoder.objects.count() == Space.objects.count() == 1


@pytest.mark.keras
@pytest.mark.photos
@pytest.mark.skipif(not PHOTOS.is_dir(), reason="the real photos of ../shared/data are not on this machine")
def test_the_compiled_file_agrees_with_keras_on_real_photos(lite0_file: CompiledEncoder) -> None:
    from recommender.encoder import keras_models

    paths = sorted(PHOTOS.glob("*.jpg"))[::60]
    pixels = np.stack([photo_to_pixels(path.open("rb"), side=224, recipe=2) for path in paths])
    maps = keras_models.serving_function(lite0_file.spec, "imagenet")(pixels)
    compiled = LiteRTEncoder(lite0_file.compiled, 224, 1280, "gaussian", recipe=1).features_many(pixels)
    assert len(pixels) == 20
    assert cosines(compiled, np.stack([pool(of_one, "gaussian") for of_one in maps])).min() >= 0.9999


def test_int8_stays_near_its_own_fp32(lite0_file: CompiledEncoder, lite2_int8_file: CompiledEncoder) -> None:
    assert lite2_int8_file.median_cosine >= 0.99
    assert lite0_file.least_cosine >= 0.9999
    assert len(lite2_int8_file.compiled) < 0.5 * len(lite0_file.compiled)


def test_pictures_are_the_same_from_the_same_seed_and_span_the_whole_range() -> None:
    pictures = drawn_pictures(3, side=48, seed=9)
    assert np.array_equal(pictures, drawn_pictures(3, side=48, seed=9))
    assert not np.array_equal(pictures, drawn_pictures(3, side=48, seed=10))
    assert (pictures[0].min(), pictures[0].max()) == (0, 255)


def test_the_source_names_everything_that_decides_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lite0, int8, b0 = (encoder_spec(f"efficientnet-{name}") for name in ("lite0", "lite0-int8", "b0"))
    own, other = tmp_path / "own.weights.h5", tmp_path / "other.weights.h5"
    own.write_bytes(b"1")
    other.write_bytes(b"2")
    keys = [
        source_key(lite0, weights="imagenet", pooling="gaussian"),
        source_key(lite0, weights="imagenet", pooling="mean"),
        source_key(int8, weights="imagenet", pooling="gaussian"),
        source_key(b0, weights="imagenet", pooling="gaussian"),
        source_key(b0, weights=str(own), pooling="gaussian"),
        source_key(b0, weights=str(other), pooling="gaussian"),
    ]
    monkeypatch.setattr(compiling.importlib.metadata, "version", lambda package: "9.9")
    keys.append(source_key(lite0, weights="imagenet", pooling="gaussian"))
    assert len(set(keys)) == 7
    assert keys[-1] == source_key(lite0, weights="imagenet", pooling="gaussian")


@pytest.mark.keras
def test_a_converted_file_that_disagrees_with_keras_is_not_used(
    lite0_file: CompiledEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from recommender.encoder import keras_models

    def wrong(model: Any, spec: EncoderSpec, calibration: Any) -> bytes:
        """The file of a model whose last kernel is the other way around."""
        kernel, bias = model.get_layer("head").get_weights()
        model.get_layer("head").set_weights([kernel[..., ::-1], bias])
        return lite0_file.compiled

    monkeypatch.setattr(keras_models, "convert", wrong)
    with pytest.raises(
        CompileFailed, match=r"efficientnet-lite0 does not agree with its Keras model: least cosine 0\.[0-8]"
    ):
        compile_file(encoder_spec("efficientnet-lite0"), weights="imagenet", pooling="gaussian", source="s")


@pytest.mark.parametrize(
    ("changes", "arguments", "message"),
    [
        ({}, ["resnet50"], r"no encoder 'resnet50'.*efficientnetv2-s"),
        ({"ENCODER": "lite"}, [], r"no encoder 'lite'"),
        ({"ENCODER_POOLING": "max"}, [], r"no pooling 'max'.*gaussian, mean"),
        ({"ENCODER_WEIGHTS": "/nowhere/w.h5"}, ["efficientnet-b0"], r"'/nowhere/w\.h5': there is no such file"),
    ],
)
def test_bad_settings_are_named(
    db: None, settings: Settings, changes: dict[str, str], arguments: list[str], message: str
) -> None:
    for name, value in changes.items():
        setattr(settings, name, value)
    with pytest.raises(CommandError, match=message):
        call_command("compile_encoder", *arguments, stdout=io.StringIO())
    assert not Encoder.objects.exists()


def test_without_tensorflow_the_remedy_is_said(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(package: str) -> str:
        raise compiling.importlib.metadata.PackageNotFoundError(package)

    monkeypatch.setattr(compiling.importlib.metadata, "version", missing)
    with pytest.raises(CompileFailed, match="TensorFlow is not installed here"):
        compile_encoder("efficientnet-lite0")


def test_photos_of_the_catalogue_are_checked_too_and_bad_ones_passed_over(db: None) -> None:
    from django.core.files.base import ContentFile

    product = Product.objects.create(sku="A", title="A")
    file = io.BytesIO()
    Image.fromarray(drawn_pictures(1, side=96, seed=4)[0]).save(file, "PNG")
    contents = [b"no photo", file.getvalue(), None]
    for content in contents:
        digest = hashlib.sha256(content or b"gone").hexdigest()
        image = ProductImage(product=product, digest=digest)
        if content:
            image.file.save("a.png", ContentFile(content), save=False)
        image.save()
    pixels = list(catalogue_pixels(32))
    assert len(pixels) == 1
    assert np.array_equal(pixels[0], photo_to_pixels(io.BytesIO(file.getvalue()), side=32, recipe=2))
