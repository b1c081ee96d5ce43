"""Why two photos match: grids that sum to the cosine, for every projection, on numbers and on photos."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable

import numpy as np
import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from catalog.models import ProductImage
from recommender.encoder.pooling import pool
from recommender.encoder.preprocess import photo_to_pixels
from recommender.encoder.serving import encoder_for
from recommender.halfvec import half_precision
from recommender.models import Encoder, Space
from recommender.projection.apply import Projection
from recommender.projection.fit import fit_learned, fit_pca, rotated
from recommender.projection.statistics import Statistics
from recommender.search.shape_regions import explain
from recommender.search.why import overlay_png
from recommender.spaces.build import build_space
from recommender.spaces.first import ensure_first_space
from recommender.spaces.options import SpaceOptions
from recommender.spaces.switch import activate
from tests.catalog.factories import make_image, make_product, photo_bytes
from tests.recommender.spaces.gallery import class_features, embed, plain_vector


def projections() -> dict[str, Projection]:
    features, classes = class_features(6, 20)
    statistics = Statistics(24)
    statistics.add(features, classes)
    pca, learned = fit_pca(statistics, 8), fit_learned(statistics, 10, 0.3)
    return {
        "none": Projection(),
        "pca": pca,
        "learned": learned,
        "binary": rotated(pca, 8),
        "turned": rotated(Projection(), 24),
    }


PROJECTIONS = projections()


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(sorted(PROJECTIONS)),
    st.sampled_from(["gaussian", "mean"]),
    st.booleans(),
)
def test_both_grids_sum_to_the_cosine_of_the_plain_vectors(seed: int, name: str, pooling: str, rounded: bool) -> None:
    projection = PROJECTIONS[name]
    generator = np.random.default_rng(seed)
    first, second = (np.maximum(generator.standard_normal((7, 7, 24)), 0).astype(np.float32) for _ in range(2))
    pooled = [pool(maps, pooling) for maps in (first, second)]
    stored = half_precision(pooled[0]), half_precision(pooled[1])
    explained = explain(projection, (first, second), pooling, stored if rounded else None)
    a, b = (projection(features[None])[0] for features in (stored if rounded else pooled))
    assert explained.pair_score == pytest.approx(float(a @ b), abs=1e-5)
    assert explained.query.sum() == pytest.approx(explained.pair_score, abs=1e-9)
    assert explained.result.sum() == pytest.approx(explained.pair_score, abs=1e-9)


def test_the_heat_sits_where_both_photos_are_alike() -> None:
    generator = np.random.default_rng(0)
    thing = generator.random(24).astype(np.float32) * 4
    first, second = (generator.random((7, 7, 24)).astype(np.float32) * 0.5 for _ in range(2))
    first[1, 1], second[5, 4] = thing, thing
    explained = explain(Projection(mean=first.mean(axis=(0, 1)) / 9), (first, second), "mean")
    assert np.unravel_index(explained.query.argmax(), (7, 7)) == (1, 1)
    assert np.unravel_index(explained.result.argmax(), (7, 7)) == (5, 4)


def test_an_overlay_tints_the_middle_where_the_grid_is_positive() -> None:
    grid = np.full((4, 4), -1.0)
    grid[0, 0] = 1.0
    picture = Image.new("RGB", (400, 200), (0, 0, 255))
    overlay = Image.open(io.BytesIO(overlay_png(grid, picture, (0.28125, 0.0625, 0.71875, 0.9375))))
    assert overlay.size == (320, 160)
    pixels = np.asarray(overlay.convert("RGB")).astype(int)
    assert pixels[80, 20].tolist() == [0, 0, 255]  # outside of what was encoded
    assert pixels[140, 220].tolist() == [0, 0, 255]  # a cell that speaks against
    assert pixels[20, 100, 0] > 150 > pixels[20, 100, 2]  # the one that speaks for it


def test_an_overlay_of_a_padded_photo_shows_the_cells_that_lie_on_it() -> None:
    """A photo twice as wide as high, padded above and below to a square: its four rows of cells are the photo's halves."""
    grid = np.full((4, 4), -1.0)
    grid[0, 0] = grid[2, 3] = 1.0
    picture = Image.new("RGB", (400, 200), (0, 0, 255))
    overlay = Image.open(io.BytesIO(overlay_png(grid, picture, (0.0, -0.5, 1.0, 1.5))))
    pixels = np.asarray(overlay.convert("RGB")).astype(int)
    assert pixels.shape == (160, 320, 3)
    assert pixels[60, 20].tolist() == [0, 0, 255]  # the second row of cells: the first lies above the photo
    assert pixels[120, 300, 0] > 150 > pixels[120, 300, 2]


@pytest.fixture
def photos(compiled_lite0: Encoder) -> list[ProductImage]:
    """Six photos of drawn pictures, embedded by the real encoder; the plain space is active."""
    ensure_first_space(encoder=compiled_lite0)
    serving = encoder_for(compiled_lite0)
    images = []
    for number in range(6):
        product = make_product(category=f"Things > kind {number % 2}")
        image = make_image(product, data=photo_bytes(number, size=(300, 240)))
        pixels = photo_to_pixels(
            io.BytesIO(photo_bytes(number, size=(300, 240))), side=serving.side, recipe=serving.recipe
        )
        image.embedding_jobs.all().delete()
        embed(compiled_lite0, [image], serving.features(pixels)[None])
        images.append(image)
    return images


def _plain(encoder: Encoder) -> None:
    pass


def _pca(encoder: Encoder) -> None:
    activate(build_space(SpaceOptions(encoder=encoder, projection="pca", dimensions=4)).name, force=True)


def _augmented(encoder: Encoder) -> None:
    activate(build_space(SpaceOptions(encoder=encoder, projection="pca", dimensions=4, augment=2)).name, force=True)


def _l2(encoder: Encoder) -> None:
    activate(build_space(SpaceOptions(encoder=encoder, projection="none", metric="l2")).name, force=True)


@pytest.mark.parametrize("switch", [_plain, _pca, _augmented, _l2])
def test_the_api_explains_what_it_answers(
    photos: list[ProductImage], client: Client, switch: Callable[[Encoder], None]
) -> None:
    switch(photos[0].features.get().encoder)
    first, second = photos[0], photos[3]
    answer = client.get(f"/api/v1/products/{first.product_id}/similar/{second.product_id}/why/").json()
    space = Space.objects.get(state="active")
    a, b = plain_vector(space, first.pk), plain_vector(space, second.pk)
    assert a is not None and b is not None
    assert answer["pair_score"] == pytest.approx(float(a @ b), abs=1e-6)
    similar = client.get(f"/api/v1/products/{first.product_id}/similar/?exact=true").json()["results"]
    (score,) = [result["score"] for result in similar if result["product"]["id"] == second.product_id]
    assert answer["score"] == pytest.approx(score, abs=1e-4)
    for side, image in (("query", first), ("result", second)):
        grid = np.array(answer[side]["grid"])
        assert grid.shape == (7, 7)
        assert grid.sum() == pytest.approx(answer["pair_score"], abs=1e-4)
        assert answer[side]["image"]["id"] == image.pk
        kind, _, data = answer[side]["overlay"].partition(",")
        assert kind == "data:image/png;base64"
        assert Image.open(io.BytesIO(base64.b64decode(data))).format == "PNG"


def test_a_second_question_is_answered_from_the_cache(photos: list[ProductImage], client: Client) -> None:
    url = f"/api/v1/products/{photos[0].product_id}/similar/{photos[1].product_id}/why/"
    first = client.get(url).json()
    photos[0].file.storage.delete(photos[0].file.name)
    assert client.get(url).json() == first
    other = f"/api/v1/products/{photos[0].product_id}/similar/{photos[2].product_id}/why/"
    answer = client.get(other)
    assert (answer.status_code, answer.json()["detail"]) == (
        409, f"the file of photo {photos[0].pk} is gone: upload it again")  # fmt: skip


def test_errors_are_problems(photos: list[ProductImage], client: Client) -> None:
    mine, other = photos[0].product_id, photos[1].product_id

    def ask(path: str) -> tuple[int, str, object]:
        answer = client.get(f"/api/v1/products/{path}")
        assert answer.headers["Content-Type"] == "application/problem+json"
        return answer.status_code, answer.json()["detail"], answer.json().get("parameter")

    assert ask("999999/similar/1/why/") == (404, "there is no product 999999", None)
    assert ask(f"{mine}/similar/999999/why/") == (404, "there is no product 999999", None)
    assert ask(f"{mine}/similar/{other}/why/?image={photos[1].pk}") == (
        400, f"image: product {mine} has no photo {photos[1].pk}", "image")  # fmt: skip
    assert ask(f"{mine}/similar/{other}/why/?other_image=x")[::2] == (400, "other_image")
    assert ask(f"{mine}/similar/{other}/why/?size=3")[::2] == (400, "size")
    waiting = make_image().product_id
    assert ask(f"{mine}/similar/{waiting}/why/")[0] == 409
    no_photo = make_product().pk
    assert ask(f"{mine}/similar/{no_photo}/why/")[0] == 409
