"""Building a space: complete, exact, in spite of interruptions and of what is uploaded and deleted meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from catalog.locks import Lock
from catalog.models import Product, ProductImage
from recommender.index import partitions, stored
from recommender.index.registry import vector_index
from recommender.locks import take_build
from recommender.models import ImageFeatures, Space
from recommender.projection.apply import project
from recommender.spaces.build import BuildInProgress, build_space, continue_build
from recommender.spaces.fit import CannotFit
from recommender.spaces.options import InvalidSpace, SpaceOptions, resumable
from tests.recommender.spaces.gallery import (
    add_photos,
    class_features,
    embed,
    encoder_row,
    fill_plain_space,
    plain_vector,
    vectors_of,
)
from tests.shared_rows import shared_rows

pytestmark = pytest.mark.django_db


class Stopped(BaseException):
    """What Ctrl-C is to a command."""


@pytest.fixture(scope="module")
def kept(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Space]:
    yield from shared_rows(django_db_blocker, fill_plain_space)


@pytest.fixture
def plain_space(db: None, kept: Space) -> Space:
    """10 categories of 24 photos, in the active plain space; written once for all tests of this file."""
    return Space.objects.get(pk=kept.pk)


def assert_holds_every_photo(space: Space) -> None:
    """One vector for each photo with features, no other, and each the projection of what is stored."""
    features = {row.image_id: np.array(row.features) for row in ImageFeatures.objects.filter(encoder=space.encoder)}
    assert features.keys() == set(ProductImage.objects.values_list("pk", flat=True))
    vectors = vectors_of(space)
    assert vectors.keys() == features.keys()
    assert stored.count(space=space) == len(features)
    if not space.augment:
        expected = project(space, np.stack([features[image_id] for image_id in vectors]).astype(np.float32))
        assert np.allclose(np.stack(list(vectors.values())), expected, atol=2e-3)


@pytest.mark.parametrize(
    ("options", "dimensions", "name"),
    [
        ({"projection": "none"}, 24, "plain-2"),
        ({"projection": "pca", "dimensions": 8}, 8, "pca-8"),
        ({"projection": "learned", "dimensions": 6, "labels": "category"}, 6, "learned-6"),
        ({"projection": "pca", "dimensions": 8, "augment": 3}, 8, "pca-8-augmented-3"),
        ({"projection": "pca", "dimensions": 8, "metric": "l1"}, 8, "pca-8-l1"),
        ({"projection": "none", "index": "binary"}, 24, "plain-binary"),
        ({"projection": "learned", "dimensions": 8, "index": "binary"}, 8, "learned-8-binary"),
        ({"projection": "pca", "dimensions": 8, "index": "ivfflat", "metric": "ip"}, 8, "pca-8-ip-ivfflat"),
    ],
)
def test_every_kind_of_space_is_complete_judged_and_not_active(
    plain_space: Space, options: dict[str, object], dimensions: int, name: str
) -> None:
    space = build_space(SpaceOptions(encoder=plain_space.encoder, **options))  # type: ignore[arg-type]
    space.refresh_from_db()
    assert (space.name, space.state, space.dimensions) == (name, Space.State.READY, dimensions)
    assert vector_index().ready(space=space)
    assert_holds_every_photo(space)
    assert space.quality["systems"].keys() == {"space", "active", "pca", "plain", "histogram"}
    assert space.quality["ann_recall"] > 0.9
    assert Space.objects.get(state=Space.State.ACTIVE) == plain_space


def test_tables_that_the_planner_takes_for_empty_are_joined_as_what_they_are(plain_space: Space) -> None:
    """Vacuumed while an import is under way, a table counts as empty until the next ANALYZE."""
    tables = ["catalog_category", "catalog_product", "catalog_productimage", "recommender_imagefeatures"]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE pg_class SET reltuples = 0 WHERE relname = ANY (%s)", [tables])
        build_space(SpaceOptions(encoder=plain_space.encoder, projection="pca", dimensions=8))
        cursor.execute("SELECT min(reltuples) FROM pg_class WHERE relname = ANY (%s)", [tables[1:]])
        assert cursor.fetchone() == (240.0,)


def test_both_fits_are_stored_and_differ(plain_space: Space) -> None:
    space = build_space(SpaceOptions(encoder=plain_space.encoder, projection="learned", dimensions=6))
    assert space.matrix is not None and space.judged_matrix is not None
    assert bytes(space.matrix) != bytes(space.judged_matrix)
    assert space.fit_summary["judged_photos"] < space.fit_summary["photos"] == 240
    assert len(space.fit_summary["unseen_classes"]) == 2
    assert set(space.fit_summary["judged_classes"]).isdisjoint(space.fit_summary["unseen_classes"])
    assert space.quality["queries"]["seen"] > 0 < space.quality["queries"]["unseen"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"projection": "pca", "dimensions": 25}, "--dims 25: pca of drawn@1 has 1 to 24"),
        ({"projection": "none", "dimensions": 8}, "leave --dims out, or use pca"),
        ({"projection": "learned", "dimensions": 25}, "has 1 to 24"),
        ({"projection": "learned", "labels": "colour"}, "use category, brand, product or attribute:NAME"),
        ({"projection": "sharpened"}, "there is no projection"),
        (
            {"projection": "pca", "dimensions": 8, "index": "ivfflat", "metric": "l1"},
            "there are: hnsw with cosine, l2, ip, l1",
        ),
        ({"projection": "pca", "dimensions": 8, "parameters": {"lists": 3}}, "has no parameter 'lists'"),
        ({"projection": "pca", "augment": -1}, "0 \\(none\\) to 100"),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(plain_space: Space, options: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidSpace, match=words):
        build_space(SpaceOptions(encoder=plain_space.encoder, **options))  # type: ignore[arg-type]
    assert Space.objects.count() == 1


def test_a_name_taken_or_malformed_is_refused(plain_space: Space) -> None:
    with pytest.raises(InvalidSpace, match="there is a space plain already \\(active\\)"):
        build_space(SpaceOptions(encoder=plain_space.encoder), name="plain")
    with pytest.raises(InvalidSpace, match="letters, digits"):
        build_space(SpaceOptions(encoder=plain_space.encoder), name="two words")


def test_too_few_labels_propose_pca_and_leave_nothing_behind(plain_space: Space) -> None:
    Product.objects.update(brand="")
    for number, product in enumerate(Product.objects.all()[:40]):
        Product.objects.filter(pk=product.pk).update(brand=f"brand {number // 2}")
    with pytest.raises(CannotFit, match=r"20 of 20 classes have fewer than 5 labelled photos.*use --projection pca"):
        build_space(SpaceOptions(encoder=plain_space.encoder, projection="learned", dimensions=6, labels="brand"))
    assert Space.objects.count() == 1
    assert not _tables("recommender_imagevector_") - {partitions.partition_name(plain_space)}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND classid = %s",
            [Lock.SPACE_BUILD.value],
        )
        assert cursor.fetchone() == (0,)


def test_too_few_labels_are_said_before_a_new_encoder_embeds_anything(
    plain_space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recommender.spaces.build.fill_features", lambda *_, **__: pytest.fail("embedded"))
    Product.objects.update(brand="")
    with pytest.raises(CannotFit, match=r"no photo has this label.*use --projection pca"):
        build_space(
            SpaceOptions(encoder=encoder_row(name="next@1"), projection="learned", dimensions=6, labels="brand")
        )
    assert Space.objects.count() == 1


def test_a_build_goes_on_only_with_the_parameters_it_was_begun_with(plain_space: Space) -> None:
    def stop(at: str, done: int, total: int) -> None:
        raise Stopped

    options = SpaceOptions(encoder=plain_space.encoder, projection="pca", dimensions=8, parameters={"ef_search": 40})
    with pytest.raises(Stopped):
        build_space(options, name="mine", progress=stop)
    other = SpaceOptions(encoder=plain_space.encoder, projection="pca", dimensions=8, parameters={"ef_search": 400})
    with pytest.raises(InvalidSpace, match="is being built with other parameters: `spaces build --resume mine`"):
        build_space(other, name="mine")
    assert build_space(options, name="mine").parameters == {"ef_search": 40}


STAGES = ["comparing held-out photos", "gathering", "fitting", "writing vectors", "building the index", "ranking"]


@pytest.mark.parametrize("stage", STAGES)
def test_an_interrupted_build_goes_on_by_the_same_command(
    plain_space: Space, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recommender.spaces.fill.BATCH", 50)
    options = SpaceOptions(encoder=plain_space.encoder, projection="pca", dimensions=8)

    def stop(at: str, done: int, total: int) -> None:
        if at.startswith(stage):
            raise Stopped

    with pytest.raises(Stopped):
        build_space(options, progress=stop)
    begun = Space.objects.get(name="pca-8")
    fitted, written = bytes(begun.matrix or b""), stored.count(space=begun)
    assert written == {"writing vectors": 50, "building the index": 240, "ranking": 240}.get(stage, 0)
    calls: list[tuple[str, int, int]] = []
    space = build_space(options, progress=lambda *call: calls.append(call))
    assert space.pk == begun.pk
    assert space.state == Space.State.READY and space.quality
    assert_holds_every_photo(space)
    if fitted:
        assert bytes(space.matrix or b"") == fitted  # a fit is never made twice
        totals = {total for at, _, total in calls if at == "writing vectors"}
        assert totals <= {190}  # and what was written stays


def test_an_interrupted_build_goes_on_by_name(plain_space: Space) -> None:
    def stop(at: str, done: int, total: int) -> None:
        if at == "building the index":
            raise Stopped

    with pytest.raises(Stopped):
        build_space(
            SpaceOptions(encoder=plain_space.encoder, projection="pca", dimensions=8), name="mine", progress=stop
        )
    assert continue_build(resumable("mine")).state == Space.State.READY
    with pytest.raises(InvalidSpace, match="space mine is ready: there is nothing to resume"):
        resumable("mine")
    with pytest.raises(InvalidSpace, match="there is no space 'yours'"):
        resumable("yours")


Change = Callable[[Space], None]


def _upload(plain_space: Space) -> None:
    features, classes = class_features(2, 5, seed=9)
    add_photos(
        plain_space.encoder,
        features,
        [f"Things > kind {code}" for code in classes],
        prefix=f"N{ProductImage.objects.count()}",
    )


def _delete(plain_space: Space) -> None:
    for image in ProductImage.objects.order_by("-pk")[:7]:
        image.product.delete()


def _replace(plain_space: Space) -> None:
    """New pixels: the digest changes, the features are of the old ones until the worker has been."""
    for number, image in enumerate(ProductImage.objects.order_by("pk")[:5]):
        ProductImage.objects.filter(pk=image.pk).update(digest=f"{number:064x}")
        image.refresh_from_db()
        ImageFeatures.objects.filter(image=image).delete()
        image.embedding_jobs.all().delete()
        embed(plain_space.encoder, [image], class_features(1, 1, seed=50 + number)[0])


@pytest.mark.parametrize("change", [_upload, _delete, _replace])
@pytest.mark.parametrize(
    ("stage", "augment"),
    [
        ("gathering", 0),
        ("fitting", 0),
        ("ordering", 0),
        ("writing vectors", 0),
        ("building the index", 0),
        ("ordering", 3),
        ("writing vectors", 3),
    ],
)
def test_uploads_and_deletions_meanwhile_are_kept_up_with(
    plain_space: Space, change: Change, stage: str, augment: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recommender.spaces.fill.BATCH", 100)
    monkeypatch.setattr("recommender.spaces.fill.LEAST", 200)
    happened = []

    def meanwhile(at: str, done: int, total: int) -> None:
        if (at.startswith(stage) or at == stage.replace("vectors", "augmented vectors")) and not happened:
            happened.append(at)
            change(plain_space)

    space = build_space(
        SpaceOptions(encoder=plain_space.encoder, projection="pca", dimensions=8, augment=augment), progress=meanwhile
    )
    assert happened
    assert_holds_every_photo(space)
    assert_holds_every_photo(plain_space)


def test_photos_replaced_between_reading_and_writing_are_passed_over(plain_space: Space) -> None:
    from recommender.spaces.fill import missing_vectors, write_unchanged

    image = ProductImage.objects.latest("pk")
    ids = np.array([image.pk])
    vectors = np.ones((1, 24), np.float32)
    stored.delete(space=plain_space, image_ids=[image.pk])
    ImageFeatures.objects.filter(image=image).update(digest="f" * 64)
    assert write_unchanged(plain_space, ids, vectors) == 0
    assert missing_vectors(plain_space).tolist() == []


def test_one_process_builds_a_space(plain_space: Space) -> None:
    def stop(at: str, done: int, total: int) -> None:
        raise Stopped

    options = SpaceOptions(encoder=plain_space.encoder, projection="pca", dimensions=8)
    with pytest.raises(Stopped):
        build_space(options, progress=stop)
    space = Space.objects.get(name="pca-8")
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", [0x6275696C, space.pk])
        assert not take_build(space.pk)
        with pytest.raises(BuildInProgress, match="another process builds space pca-8"):
            build_space(options)
    finally:
        other.close()


def test_an_augmented_gallery_is_the_definition(plain_space: Space) -> None:
    space = build_space(SpaceOptions(encoder=plain_space.encoder, projection="pca", dimensions=8, augment=4))
    ids, held = zip(*sorted(vectors_of(space).items()), strict=True)
    plain = np.stack([plain_vector(space, image_id) for image_id in ids])
    likeness = plain @ plain.T
    np.fill_diagonal(likeness, -2)
    for row in range(0, len(ids), 17):
        near = np.argsort(-likeness[row], kind="stable")[:4]
        mixed = plain[row] + (np.maximum(likeness[row, near], 0) ** 3) @ plain[near]
        assert np.allclose(held[row], mixed / np.linalg.norm(mixed), atol=3e-3)


def test_a_photo_uploaded_later_is_augmented_against_the_gallery_of_that_moment(plain_space: Space) -> None:
    space = build_space(SpaceOptions(encoder=plain_space.encoder, projection="pca", dimensions=8, augment=4))
    others = sorted(vectors_of(space))
    (image,) = add_photos(plain_space.encoder, class_features(3, 1, seed=4)[0][:1], ["Things > kind 0"], prefix="late")
    plain = plain_vector(space, image.pk)
    assert plain is not None
    gallery = np.stack([plain_vector(space, image_id) for image_id in others])
    near = np.argsort(-(gallery @ plain), kind="stable")[:4]
    mixed = plain + (np.maximum(gallery[near] @ plain, 0) ** 3) @ gallery[near]
    held = vectors_of(space)[image.pk]
    assert np.allclose(held, mixed / np.linalg.norm(mixed), atol=3e-3)
    assert not np.allclose(held, plain, atol=3e-3)


def _tables(prefix: str) -> set[str]:
    return {name for name in connection.introspection.table_names() if name.startswith(prefix)}


def test_features_are_stored_rounded_so_that_a_rebuild_gives_the_same_vectors(plain_space: Space) -> None:
    features = class_features(1, 1, seed=77)[0] * np.float32(1.000123)
    (image,) = add_photos(plain_space.encoder, features, prefix="exact")
    before = vectors_of(plain_space)[image.pk]
    rebuilt = build_space(SpaceOptions(encoder=plain_space.encoder))
    assert np.array_equal(vectors_of(rebuilt)[image.pk], before)


def test_an_interrupted_ivfflat_build_goes_on_by_the_same_command(plain_space: Space) -> None:
    def stop(at: str, done: int, total: int) -> None:
        if at.startswith("ranking"):
            raise Stopped

    options = SpaceOptions(encoder=plain_space.encoder, projection="pca", dimensions=8, index="ivfflat")
    with pytest.raises(Stopped):
        build_space(options, progress=stop)
    begun = Space.objects.get(index="ivfflat")
    assert begun.parameters == {"lists": 1, "probes": 1}  # as the index chose
    asked = SpaceOptions(
        encoder=plain_space.encoder,
        projection="pca",
        dimensions=8,
        index="ivfflat",
        parameters={"lists": 1, "probes": 1},
    )
    other = build_space(asked)
    assert other.pk != begun.pk
    assert build_space(options).pk == begun.pk
