"""Why two photos match, part by part: the grids of shape, of colour and of both each sum to what an answer shows."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from catalog.models import ProductImage
from recommender.encoder.colour import colour_histogram, colour_masses
from recommender.encoder.preprocess import photo_to_pixels
from recommender.encoder.serving import encoder_for
from recommender.halfvec import half_precision
from recommender.index import lifecycle, stored
from recommender.index.parts import weighing
from recommender.index.registry import vector_index
from recommender.models import Encoder, Space
from recommender.projection.apply import Projection
from recommender.search.colour_regions import ColouredPhoto, explain_colours
from recommender.search.grids import weighed_grids
from tests.catalog.factories import make_image, make_product, photo_bytes
from tests.recommender.spaces.gallery import embed

GENERATOR = np.random.default_rng(0)
MEAN = (GENERATOR.random(196) * 0.05).astype(np.float32)
MATRIX = GENERATOR.normal(size=(196, 12)).astype(np.float32)
ALPHA = 0.2


@given(st.integers(0, 2**32 - 1), st.booleans(), st.booleans())
def test_grids_of_colour_sum_to_the_cosine_of_the_colour_parts(seed: int, rounded: bool, centred: bool) -> None:
    generator = np.random.default_rng(seed)
    projection = Projection(mean=MEAN if centred else None, matrix=MATRIX)
    photos, rows = [], []
    for _ in range(2):
        masses = generator.random((5, 5, 196)) * (generator.random((5, 5, 196)) < 0.05)
        masses[0, 0, 0] += 1
        row = np.sqrt(masses.sum(axis=(0, 1)) / masses.sum()).astype(np.float32)
        rows.append(half_precision(row) if rounded else row)
        photos.append(ColouredPhoto(masses, rows[-1]))
    cosine, query, result = explain_colours(projection, *photos)
    a, b = projection(np.stack(rows))
    assert cosine == pytest.approx(float(a @ b), abs=1e-5)
    assert query.sum() == pytest.approx(cosine, abs=1e-9) and result.sum() == pytest.approx(cosine, abs=1e-9)


def test_the_colour_they_share_is_where_the_heat_is() -> None:
    """A red patch on a grey ground up left in one photo and down right in the other; the rest of the photos differs."""
    pixels = []
    for ground, corner in (((40, 120, 60), np.s_[:48, :48]), ((60, 60, 160), np.s_[-48:, -48:])):
        photo = np.full((144, 144, 3), ground, np.uint8)
        photo[corner] = (210, 30, 30)
        pixels.append(photo)
    photos = [ColouredPhoto(colour_masses(one, cells=(3, 3)), colour_histogram(one)) for one in pixels]
    _, query, result = explain_colours(Projection(matrix=np.eye(196, dtype=np.float32)), *photos)
    assert np.unravel_index(query.argmax(), (3, 3)) == (0, 0)
    assert np.unravel_index(result.argmax(), (3, 3)) == (2, 2)
    assert query[0, 0] > 0.9 * query.sum() > 0


@pytest.mark.parametrize("weight", [0.0, 0.35, 1.0])
def test_both_sum_to_the_score_and_the_plain_grid_to_the_plain_cosine(weight: float) -> None:
    space = Space(dimensions=10, colour_dimensions=4, colour_weight=ALPHA)
    one, other = GENERATOR.normal(size=(2, 10)).astype(np.float32)
    how = weighing(space, weight)
    scores = how.scores(one, other)
    shape, colour = GENERATOR.normal(size=(2, 7, 7))
    grids = weighed_grids(how, scores, shape=shape, colour=colour)
    assert grids.colour is not None
    assert grids.shape.sum() == pytest.approx(scores.shape, abs=1e-9)
    assert grids.colour.sum() == pytest.approx(scores.colour, abs=1e-9)
    assert grids.both.sum() == pytest.approx(scores.score, abs=5.1e-7)
    assert grids.plain.sum() == pytest.approx((1 - ALPHA) * shape.sum() + ALPHA * colour.sum(), abs=1e-9)


@pytest.fixture
def photos(compiled_lite0: Encoder) -> list[ProductImage]:
    """Six photos of drawn pictures, embedded by the real encoder into an active space of shape and colour."""
    serving = encoder_for(compiled_lite0)
    space = Space.objects.create(
        name="parted",
        encoder=compiled_lite0,
        projection="none",
        dimensions=compiled_lite0.dimensions + MATRIX.shape[1],
        colour_dimensions=MATRIX.shape[1],
        colour_weight=ALPHA,
        colour_mean=MEAN.tobytes(),
        colour_matrix=MATRIX.tobytes(),
        state=Space.State.ACTIVE,
        fit_summary={"photos": 0},
    )
    lifecycle.create(space)
    images = []
    for number in range(6):
        data = photo_bytes(number, size=(300, 240))
        image = make_image(make_product(), data=data)
        image.embedding_jobs.all().delete()
        pixels = photo_to_pixels(io.BytesIO(data), side=serving.side, recipe=serving.recipe)
        embed(compiled_lite0, [image], serving.features(pixels)[None])
        images.append(image)
    vector_index().build(space=space)
    return images


def asked(client: Client, path: str) -> dict[str, Any]:
    response = client.get(f"/api/v1/products/{path}")
    assert response.status_code == 200, response.content
    body: dict[str, Any] = response.json()
    return body


@pytest.mark.parametrize("weight", ["", "?color_weight=0", "?color_weight=0.7", "?color_weight=1"])
def test_the_api_explains_the_scores_that_it_answers(photos: list[ProductImage], client: Client, weight: str) -> None:
    first, second = photos[0], photos[3]
    answer = asked(client, f"{first.product_id}/similar/{second.product_id}/why/{weight}")
    (found,) = [
        one
        for one in asked(client, f"{first.product_id}/similar/{weight}")["results"]
        if one["product"]["id"] == second.product_id
    ]
    assert answer["score"] == pytest.approx(found["score"], abs=2e-6)
    for name in ("shape", "color"):
        assert answer["scores"][name] == pytest.approx(found["scores"][name], abs=2e-6)
    vectors = stored.vectors_of(space=Space.objects.get(), image_ids=[first.pk, second.pk])
    assert answer["pair_score"] == pytest.approx(float(vectors[first.pk] @ vectors[second.pk]), abs=1e-3)
    for side in ("query", "result"):
        grids = {name: np.array(grid) for name, grid in answer[side]["grids"].items()}
        assert list(grids) == ["shape", "color", "both"]
        assert all(grid.shape == (7, 7) for grid in grids.values())
        assert np.array(answer[side]["grid"]).sum() == pytest.approx(answer["pair_score"], abs=1e-6)
        assert grids["shape"].sum() == pytest.approx(answer["scores"]["shape"], abs=1e-6)
        assert grids["color"].sum() == pytest.approx(answer["scores"]["color"], abs=1e-6)
        assert grids["both"].sum() == pytest.approx(answer["score"], abs=2e-6)


def test_each_weight_is_kept_by_itself(photos: list[ProductImage], client: Client) -> None:
    path = f"{photos[0].product_id}/similar/{photos[1].product_id}/why/"
    first = {weight: asked(client, f"{path}?color_weight={weight}") for weight in ("0", "1")}
    assert first["0"]["query"]["overlay"] != first["1"]["query"]["overlay"]
    photos[0].file.storage.delete(photos[0].file.name)
    assert {weight: asked(client, f"{path}?color_weight={weight}") for weight in ("0", "1")} == first
