"""Spaces of two parts: the cosine of two vectors is the weighted sum of the parts' cosines, and what asks for no colours."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import orjson
import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from numpy.typing import NDArray
from PIL import Image
from pytest_django import DjangoDbBlocker, Settings

from catalog.models import ProductImage
from recommender.encoder.colour import fixed_colour_basis
from recommender.encoder.stored_features import features_of
from recommender.evaluation.contestants import contestants
from recommender.index import stored
from recommender.index.registry import vector_index
from recommender.models import Encoder, Space
from recommender.projection.apply import projection_of, unit
from recommender.search.cluster_list import duplicate_clusters
from recommender.spaces import drift
from recommender.spaces.build import build_space
from recommender.spaces.listing import list_spaces
from recommender.spaces.options import InvalidSpace, SpaceOptions
from recommender.spaces.switch import activate
from tests.recommender.spaces.gallery import (
    DIMENSIONS,
    add_photos,
    class_features,
    encoder_row,
    fill_coloured_space,
    with_colours,
)
from tests.shared_rows import shared_rows

pytestmark = pytest.mark.django_db

Vectors = NDArray[np.float32]
HALF = 2**-10  # a step of half precision next to 1


@pytest.fixture(scope="module")
def kept(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Space]:
    yield from shared_rows(django_db_blocker, fill_coloured_space)


@pytest.fixture
def coloured_space(db: None, kept: Space) -> Space:
    """The same 10 categories of 24 photos, each in one of 6 colours; written once for all tests of this file."""
    return Space.objects.get(pk=kept.pk)


def built(space: Space, **options: object) -> Space:
    return build_space(SpaceOptions(encoder=space.encoder, **options))  # type: ignore[arg-type]


def stored_vectors(space: Space) -> tuple[Vectors, Vectors]:
    """Every photo's vector and its row of features, photo by photo."""
    ids = list(ProductImage.objects.order_by("pk").values_list("pk", flat=True))
    found = stored.vectors_of(space=space, image_ids=ids)
    known, rows = features_of(space.encoder_id, ids)
    assert known.tolist() == ids and found.keys() == set(ids)
    return np.stack([found[image_id] for image_id in ids]), rows


@pytest.mark.parametrize(
    ("options", "parts", "weight", "name"),
    [
        ({"projection": "pca", "dimensions": 16}, (12, 4), 0.18, "pca-16"),
        ({"projection": "pca"}, (24, 8), 0.18, "pca-32"),
        ({"projection": "learned", "dimensions": 16}, (12, 4), 0.18, "learned-16"),
        ({"projection": "basis"}, (24, 8), 0.12, "basis-32-2"),
        ({"projection": "pca", "dimensions": 16, "colour_weight": 0.5}, (12, 4), 0.5, "pca-16-color-4-50"),
        ({"projection": "pca", "dimensions": 16, "colour_dimensions": 10}, (6, 10), 0.18, "pca-16-color-10-18"),
        ({"projection": "none", "colour_weight": 0.4}, (24, 64), 0.4, "plain-color-64-40"),
        ({"projection": "pca", "dimensions": 16, "index": "ivfflat"}, (12, 4), 0.18, "pca-16-ivfflat"),
    ],
)
def test_a_cosine_is_the_weighted_sum_of_those_of_the_parts(
    coloured_space: Space, options: dict[str, object], parts: tuple[int, int], weight: float, name: str
) -> None:
    space = built(coloured_space, **options)
    space.refresh_from_db()
    assert (space.name, space.state) == (name, Space.State.READY)
    assert (space.shape_dimensions, space.colour_dimensions, space.colour_weight) == (*parts, weight)
    assert vector_index().ready(space=space)
    vectors, rows = stored_vectors(space)
    projection = projection_of(space)
    assert projection.colour is not None
    shape = projection.shape(rows[:, :DIMENSIONS])
    colour = projection.colour(rows[:, DIMENSIONS:])
    expected = (1 - weight) * shape @ shape.T + weight * colour @ colour.T
    assert np.abs(vectors @ vectors.T - expected).max() < 2 * HALF
    assert np.allclose((vectors[:, : parts[0]] ** 2).sum(axis=1), 1 - weight, atol=2 * HALF)


def test_the_colour_part_of_a_fit_is_centred_pca_of_the_histograms(coloured_space: Space) -> None:
    space = built(coloured_space, projection="learned", dimensions=16)
    rows = unit(stored_vectors(space)[1][:, DIMENSIONS:])
    assert space.colour_mean is not None and space.colour_matrix is not None
    assert np.allclose(np.frombuffer(space.colour_mean, np.float32), rows.mean(axis=0), atol=1e-5)
    axes = np.frombuffer(space.colour_matrix, np.float32).reshape(-1, 4)
    leading = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)[2][:4]
    assert np.allclose(np.abs((leading @ axes).diagonal()), 1, atol=1e-3)
    assert space.judged_colour_matrix is not None
    assert bytes(space.judged_colour_matrix) != bytes(space.colour_matrix)  # of the training side alone


@pytest.mark.parametrize(
    "options",
    [
        {"projection": "pca", "dimensions": 16, "colour_weight": 0},
        {"projection": "pca", "dimensions": 16, "metric": "l2"},
        {"projection": "pca", "dimensions": 16, "index": "binary"},
        {"projection": "pca", "dimensions": 16, "augment": 2},
        {"projection": "pca", "dimensions": 3},
    ],
)
def test_without_colours_a_space_is_of_the_shape_alone(coloured_space: Space, options: dict[str, object]) -> None:
    space = built(coloured_space, **options)
    assert (space.colour_dimensions, space.colour_weight, space.colour_matrix) == (0, 0, None)
    assert space.dimensions == options["dimensions"]
    assert space.name.startswith(f"pca-{space.dimensions}")
    assert space.name.endswith("-shape") == ("colour_weight" in options)
    assert stored.count(space=space) == 240


def test_projection_none_is_the_network_s_part_alone(coloured_space: Space) -> None:
    space = built(coloured_space, projection="none")
    vectors, rows = stored_vectors(space)
    assert (space.name, space.dimensions) == ("plain", DIMENSIONS)
    assert np.allclose(vectors, unit(rows[:, :DIMENSIONS]), atol=HALF)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"metric": "l2"}, "--color-weight 0.2: by metric l2 a score is no weighted sum of parts: use --metric cosine"),
        ({"metric": "ip"}, "by metric ip"),
        (
            {"index": "binary"},
            "--color-weight 0.2: a binary index keeps signs, which know no weights: use --index hnsw",
        ),
        ({"augment": 3}, "an augmented vector is averaged as a whole.*use --augment 0"),
        ({"colour_weight": 1.0}, "--color-weight 1: a weight is a number from 0.01 to 0.99; 0 means no colour part"),
        ({"colour_weight": -0.1}, "--color-weight -0.1: a weight is a number"),
        ({"colour_weight": float("nan")}, "--color-weight nan: a weight is a number"),
        ({"colour_dimensions": 197, "dimensions": 200}, "--color-dims 197: the colour part of pca has 1 to 196"),
        ({"colour_dimensions": 16}, "--dims 16: pca of drawn@2 has 17 to 40, 16 of them colour"),
        ({"dimensions": 2}, "--dims 2: two parts want 4 dimensions and more"),
        ({"projection": "basis", "colour_dimensions": 65, "dimensions": 70}, "colour part of basis has 1 to 64"),
        ({"colour_weight": None, "colour_dimensions": 4, "metric": "l1"}, "--color-dims 4: by metric l1"),
    ],
)
def test_parts_without_an_exact_meaning_are_refused_by_name(
    coloured_space: Space, options: dict[str, object], words: str
) -> None:
    with pytest.raises(InvalidSpace, match=words):
        built(coloured_space, **{"projection": "pca", "dimensions": 16, "colour_weight": 0.2, **options})
    assert Space.objects.count() == 1


def test_an_interrupted_build_of_parts_goes_on(coloured_space: Space) -> None:
    class Stopped(BaseException):
        pass

    def stop(stage: str, done: int, total: int) -> None:
        if stage == "writing vectors":
            raise Stopped

    options = SpaceOptions(encoder=coloured_space.encoder, projection="pca", dimensions=16)
    with pytest.raises(Stopped):
        build_space(options, progress=stop)
    begun = Space.objects.get(name="pca-16")
    assert build_space(options) == begun
    begun.refresh_from_db()
    assert (begun.state, begun.colour_dimensions, stored.count(space=begun)) == (Space.State.READY, 4, 240)


def test_a_new_shop_begins_on_the_basis_of_its_encoder(coloured_space: Space) -> None:
    assert (coloured_space.name, coloured_space.projection) == ("basis-32", Space.Kind.BASIS)
    assert (coloured_space.state, coloured_space.automatic) == (Space.State.ACTIVE, True)
    assert (coloured_space.colour_dimensions, coloured_space.colour_weight) == (8, 0.12)
    assert vector_index().ready(space=coloured_space)
    vectors, rows = stored_vectors(coloured_space)
    assert coloured_space.encoder.basis is not None
    axes = np.frombuffer(coloured_space.encoder.basis, np.float32).reshape(DIMENSIONS, DIMENSIONS)
    shape = unit(unit(rows[:, :DIMENSIONS]) @ axes)
    mean, colours = fixed_colour_basis()
    colour = unit((rows[:, DIMENSIONS:] - mean) @ colours[:, :8])
    expected = np.hstack([np.sqrt(0.88) * shape, np.sqrt(0.12) * colour])
    assert np.abs(vectors - expected).max() < HALF


def test_duplicates_of_a_shop_compare_shapes_alone(coloured_space: Space, tmp_path: Path) -> None:
    """Twins in two colours: their shapes are the same."""
    picture = tmp_path / "twin.png"
    Image.effect_noise((64, 64), 60).save(picture)
    features = np.repeat(np.random.default_rng(2).standard_normal((1, DIMENSIONS)), 2, axis=0).astype(np.float32)
    rows = with_colours(features, np.arange(2, dtype=np.int32))
    images = add_photos(coloured_space.encoder, rows, prefix="twin", paths=[picture, picture])
    (cluster,) = duplicate_clusters(threshold=0.999).clusters
    assert [cluster.image_id, *(member.image_id for member in cluster.members)] == [image.pk for image in images]
    assert cluster.members[0].likeness is not None
    assert cluster.members[0].likeness.cosine == pytest.approx(1, abs=HALF)


def test_what_a_space_of_parts_is_compared_with(coloured_space: Space) -> None:
    space = built(coloured_space, projection="learned", dimensions=16)
    ids = np.array(ProductImage.objects.order_by("pk").values_list("pk", flat=True))
    found = {
        one.name: one.vectors
        for one in contestants(
            space, rival=coloured_space, judged_ids=ids[:80], training_ids=ids[80:], progress=lambda *_: None
        )
    }
    assert list(found) == ["space", "shape", "colour", "active", "active_shape", "pca", "plain", "histogram"]
    _, rows = features_of(space.encoder_id, ids[:80])
    assert np.array_equal(found["plain"], unit(rows[:, :DIMENSIONS]))
    assert [found[name].shape[1] for name in ("space", "shape", "active", "active_shape")] == [16, 12, 32, 24]
    colour = found["space"][:, 12:]
    assert np.allclose(found["pca"][:, -4:], colour, atol=1e-6)  # it must win by its shape part
    quality = space.judged
    assert quality is not None
    assert quality.differences.keys() == {"shape", "colour", "active", "active_shape", "pca", "plain", "histogram"}


def test_the_guard_compares_shapes_where_colours_weigh_unlike(coloured_space: Space) -> None:
    """Labels that know no colours are no reason to refuse a space for its colours."""
    bare = built(coloured_space, projection="pca", dimensions=DIMENSIONS, colour_weight=0)
    activate(bare.name)
    space = built(coloured_space, projection="pca", dimensions=32, colour_weight=0.9)
    quality = space.judged
    assert quality is not None
    assert quality.differences["active"]["overall"].high < 0 <= quality.differences["active_shape"]["overall"].high
    assert activate(space.name).space == space


def test_lists_and_proposals_name_the_parts(coloured_space: Space, admin_client: Client) -> None:
    out = io.StringIO()
    call_command("spaces", "list", stdout=out)
    assert "32 (color 8 × 0.12)" in out.getvalue()
    out = io.StringIO()
    call_command("spaces", "list", "--json", stdout=out)
    (listed,) = orjson.loads(out.getvalue())["spaces"]
    assert (listed["dims"], listed["color_dims"], listed["color_weight"], listed["automatic"]) == (32, 8, 0.12, True)
    space = activate(built(coloured_space, projection="pca", dimensions=32).name).space
    features, classes = class_features(10, 24, seed=3)
    add_photos(space.encoder, with_colours(features, classes % 6), [f"kind {code}" for code in classes], prefix="new")
    found = drift.check()
    assert found is not None and found.proposal is not None
    assert found.proposal.endswith("--projection pca --dims 32 --color-weight 0.18 --color-dims 8`")
    page = admin_client.get(f"/admin/recommender/space/{space.pk}/change/").content.decode()
    assert "32 dimensions, 8 of colour that weigh 0.18" in page and "by the shop itself" not in page
    first = admin_client.get(f"/admin/recommender/space/{coloured_space.pk}/change/").content.decode()
    assert "8 of colour that weigh 0.12" in first and "by the shop itself" in first
    out = io.StringIO()
    call_command("evaluate", stdout=out, stderr=io.StringIO())
    assert "drawn@2, pca, 32 dimensions (color 8 × 0.18)" in out.getvalue()
    assert "its shape part alone" in out.getvalue()


def test_a_refit_keeps_the_parts(coloured_space: Space, settings: Settings) -> None:
    settings.REFIT_AUTOMATICALLY = True
    space = built(coloured_space, projection="pca", dimensions=30, colour_weight=0.35, colour_dimensions=6)
    activate(space.name)
    features, classes = class_features(10, 24, seed=3)
    add_photos(space.encoder, with_colours(features, classes % 6), [f"kind {code}" for code in classes], prefix="new")
    drift.check()
    refitted = Space.objects.get(state=Space.State.ACTIVE)
    assert (refitted.name, refitted.automatic) == ("pca-30-color-6-35-2", False)
    assert (refitted.shape_dimensions, refitted.colour_dimensions, refitted.colour_weight) == (24, 6, 0.35)


def test_options_of_the_command(coloured_space: Space, settings: Settings) -> None:
    settings.ENCODER = "efficientnet-lite0"
    settings.ENCODER_POOLING = "mean"
    Encoder.objects.update(name="efficientnet-lite0@2")
    options = ["spaces", "build", "--projection", "pca", "--dims", "20", "--color-weight", ".25", "--color-dims", "6"]
    call_command(*options, stdout=io.StringIO(), stderr=io.StringIO())
    newest = list_spaces()[0]
    assert (newest["name"], newest["color_dims"], newest["color_weight"]) == ("pca-20-color-6-25", 6, 0.25)
    assert not newest["automatic"]
    with pytest.raises(CommandError, match=r"--color-weight 0\.3: by metric l2"):
        call_command("spaces", "build", "--metric", "l2", "--color-weight", "0.3", stderr=io.StringIO())
    assert encoder_row("other@1").row_width == DIMENSIONS
