"""Recipes: an encoder is its file and what is done around it; old and new are proven and served side by side."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import numpy as np
import pytest
from django.core.management import call_command
from PIL import Image
from pytest_django import Settings

from recommender.encoder import serving
from recommender.encoder.basis import leading_axes
from recommender.encoder.calibration import drawn_pictures
from recommender.encoder.check_photos import check_photos
from recommender.encoder.colour import colour_histogram
from recommender.encoder.colour_tables import COLOUR_BINS
from recommender.encoder.compile import compile_encoder, source_key
from recommender.encoder.keras_models import classifier_weights
from recommender.encoder.preprocess import photo_to_pixels
from recommender.encoder.recipes import CURRENT, RECIPES
from recommender.encoder.registry import encoder_spec
from recommender.encoder.serving import EncoderMismatch, encoder_for
from recommender.encoder.store import CompiledEncoder, EncoderNotCompiled, current_encoder, find_encoder, save_encoder
from recommender.models import Encoder, Space
from recommender.spaces.first import ensure_first_space
from tests.recommender.compiled import save_recipe_1


@pytest.fixture(autouse=True)
def nothing_loaded_yet() -> Iterator[None]:
    serving.forget_encoders()
    yield
    serving.forget_encoders()


@pytest.fixture
def recipe_1(db: None, lite0_file: CompiledEncoder, settings: Settings) -> Encoder:
    settings.ENCODER = "efficientnet-lite0"
    return save_recipe_1(lite0_file)


def tamper(row: Encoder, **changes: object) -> Encoder:
    Encoder.objects.filter(pk=row.pk).update(**changes)
    return Encoder.objects.get(pk=row.pk)


def test_a_new_recipe_is_a_new_version_of_the_same_file(recipe_1: Encoder, lite0_file: CompiledEncoder) -> None:
    with pytest.raises(EncoderNotCompiled, match=r"run `manage\.py compile_encoder efficientnet-lite0`"):
        current_encoder()
    row = save_encoder(lite0_file)
    assert (row.name, row.recipe, row.colour_bins, row.row_width) == ("efficientnet-lite0@2", CURRENT, 196, 1280 + 196)
    assert row.sha256 == recipe_1.sha256 and bytes(row.compiled) == bytes(recipe_1.compiled)
    assert save_encoder(lite0_file) == row == current_encoder()
    assert find_encoder("efficientnet-lite0@1") == recipe_1
    assert Encoder.objects.count() == 2


def test_the_recipe_is_a_part_of_the_source_and_keys_of_recipe_1_stay() -> None:
    spec = encoder_spec("efficientnet-lite0")
    keys = {source_key(spec, weights="imagenet", pooling="gaussian", recipe=recipe) for recipe in RECIPES}
    assert len(keys) == len(RECIPES)
    assert source_key(spec, weights="imagenet", pooling="gaussian") in keys - {
        source_key(spec, weights="imagenet", pooling="gaussian", recipe=1)
    }


def test_old_and_new_are_served_side_by_side(recipe_1: Encoder, lite0_file: CompiledEncoder) -> None:
    old, new = encoder_for(recipe_1), encoder_for(save_encoder(lite0_file))
    assert (old.recipe, new.recipe) == (1, 2) and old is not new
    picture = drawn_pictures(1, side=224, seed=5)[0]
    shape, row = old.features(picture), new.features(picture)
    assert (shape.shape, row.shape) == ((1280,), (1280 + 196,))
    assert np.array_equal(row[:1280], shape)
    assert np.array_equal(row[1280:], colour_histogram(picture))
    assert np.array_equal(new.maps(picture), old.maps(picture))
    assert encoder_for(recipe_1) is old


def test_an_upgrade_keeps_the_compiled_file_and_what_answers(recipe_1: Encoder) -> None:
    space = ensure_first_space(encoder=recipe_1)
    lines: list[str] = []
    made: list[CompiledEncoder] = []
    row = compile_encoder(report=lines.append, on_result=made.append)
    assert lines == [
        f"the compiled file is that of {recipe_1}",
        f"{row} is stored: {len(recipe_1.compiled) / 1e6:.1f} MB",
    ]
    assert (row.name, made[0].least_cosine, made[0].median_cosine) == ("efficientnet-lite0@2", None, None)
    assert bytes(Encoder.objects.get(pk=row.pk).compiled) == bytes(recipe_1.compiled)
    assert encoder_for(row).features(np.zeros((224, 224, 3), np.uint8)).shape == (1280 + 196,)
    assert compile_encoder() == row and Encoder.objects.count() == 2

    out = io.StringIO()
    call_command("compile_encoder", json=True, stdout=out)
    answer = json.loads(out.getvalue())
    assert (answer["encoder"], answer["recipe"], answer["reused"]) == ("efficientnet-lite0@2", 2, True)
    assert Space.objects.get(state=Space.State.ACTIVE) == space and space.encoder == recipe_1
    assert encoder_for(recipe_1).features(np.zeros((224, 224, 3), np.uint8)).shape == (1280,)


@pytest.mark.parametrize("name", ["compiled_lite0", "compiled_lite2_int8"])
def test_colours_must_be_reproduced_to_the_last_bit(name: str, request: pytest.FixtureRequest) -> None:
    row: Encoder = request.getfixturevalue(name)
    features = np.frombuffer(row.check_features, np.float32).reshape(-1, row.row_width).copy()
    assert encoder_for(row).recipe == 2
    serving.forget_encoders()
    at = 1280 + int(np.argmax(features[2, 1280:]))
    features[2, at] = np.nextafter(features[2, at], np.float32(0))
    with pytest.raises(EncoderMismatch, match=r"does not count the colours of efficientnet-lite\S+@1 .*of Pillow"):
        encoder_for(tamper(row, check_features=features.tobytes()))


def test_check_photos_that_were_changed_are_found(compiled_lite0: Encoder) -> None:
    photos = [bytes(photo) for photo in compiled_lite0.check_photos]
    with pytest.raises(EncoderMismatch, match="does not"):
        encoder_for(tamper(compiled_lite0, check_photos=[photos[1], photos[0], *photos[2:]]))
    with pytest.raises(EncoderMismatch, match=r"cannot read the check pictures of efficientnet-lite0@1"):
        encoder_for(tamper(compiled_lite0, check_photos=[photos[0][:200], *photos[1:]]))
    assert encoder_for(tamper(compiled_lite0, check_photos=photos)).recipe == 2


def test_a_row_of_recipe_1_is_still_proven_by_its_pixels(recipe_1: Encoder) -> None:
    pixels = bytes(recipe_1.check_pixels)
    with pytest.raises(EncoderMismatch, match=r"does not reproduce efficientnet-lite0@1"):
        encoder_for(tamper(recipe_1, check_pixels=pixels[::-1]))
    assert encoder_for(tamper(recipe_1, check_pixels=pixels)).recipe == 1


def test_a_recipe_of_a_newer_version_is_refused(compiled_lite0: Encoder) -> None:
    with pytest.raises(EncoderMismatch, match=r"is of recipe 9, which this version of the project does not know"):
        encoder_for(tamper(compiled_lite0, recipe=9))


def test_an_encoder_that_gives_other_rows_than_its_row_says_is_refused(compiled_lite0: Encoder) -> None:
    encoder = encoder_for(compiled_lite0)
    encoder.recipe = 1
    with pytest.raises(EncoderMismatch, match=r"rows of 1280 numbers .* not of 1476"):
        serving.prove(encoder, compiled_lite0)


def test_check_photos_are_whole_pictures_of_every_kind(compiled_lite0: Encoder) -> None:
    photos = [Image.open(io.BytesIO(bytes(photo))) for photo in compiled_lite0.check_photos]
    assert [photo.format for photo in photos] == ["PNG"] * len(check_photos())
    assert {photo.mode for photo in photos} == {"RGB", "RGBA", "L"}
    assert max(max(photo.size) / min(photo.size) for photo in photos) == 4
    assert sum(len(bytes(photo)) for photo in compiled_lite0.check_photos) < 300_000
    centred, framed = (
        [photo_to_pixels(io.BytesIO(photo), side=64, recipe=recipe) for photo in check_photos()] for recipe in (1, 2)
    )
    same = [np.array_equal(one, other) for one, other in zip(centred, framed, strict=True)]
    assert same == [False, False, True, False, False, False, False, False], "all are framed but the scene"
    assert framed[3].min() < 100 < framed[3].max(), "white on nothing is laid on ground it stands out from"
    rows = np.frombuffer(compiled_lite0.check_features, np.float32).reshape(len(photos), -1)
    assert len(np.unique(rows, axis=0)) == len(photos)


def test_the_basis_is_that_of_the_classifier(compiled_lite0: Encoder) -> None:
    classifier = classifier_weights(encoder_spec("efficientnet-lite0"), "imagenet")
    assert classifier is not None and classifier.shape == (1000, 1280)
    assert compiled_lite0.basis is not None
    basis = np.frombuffer(bytes(compiled_lite0.basis), np.float32).reshape(1280, -1)
    assert basis.shape == (1280, 256)
    assert np.abs(basis.T @ basis - np.eye(256)).max() < 1e-5
    centred = classifier - classifier.mean(axis=0)
    strengths = np.linalg.norm(centred @ basis, axis=0)
    assert (np.diff(strengths) < 1e-3).all()
    assert np.allclose(centred.T @ (centred @ basis), basis * strengths**2, atol=1e-3)
    assert (basis[np.abs(basis).argmax(axis=0), np.arange(256)] > 0).all()


def test_a_classifier_of_few_classes_has_few_axes() -> None:
    random = np.random.default_rng(2)
    assert leading_axes(random.normal(size=(11, 40))).shape == (40, 10)
    assert COLOUR_BINS == RECIPES[CURRENT].colour_bins
