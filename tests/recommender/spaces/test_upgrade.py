"""`spaces upgrade`: from an encoder of recipe 1 to one that frames and counts colours, and back, while the old one answers."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import orjson
import pytest
from django.core.management import CommandError, call_command
from numpy.typing import NDArray
from pytest_django import Settings

from catalog.models import ProductImage
from config.demo import steps
from recommender.index import stored
from recommender.models import EmbeddingJob, Encoder, Space
from recommender.pipeline import jobs
from recommender.pipeline.gallery import encoders_in_use
from recommender.spaces.build import build_space
from recommender.spaces.first import ensure_first_space
from recommender.spaces.guard import Verdict
from recommender.spaces.options import SpaceOptions
from recommender.spaces.switch import SwitchRefused, activate
from recommender.spaces.upgrade import successor, upgrade
from tests.recommender.spaces.gallery import (
    add_photos,
    class_features,
    coloured_encoder,
    embed,
    encoder_row,
    with_colours,
)

pytestmark = pytest.mark.django_db

Rows = NDArray[np.float32]


@pytest.fixture(autouse=True)
def drawn_encoders(settings: Settings) -> None:
    """Commands find the encoders of these tests by the name in the settings."""
    settings.ENCODER, settings.ENCODER_POOLING = "efficientnet-lite0", "mean"
    settings.DUPLICATE_THRESHOLD = 0.9999  # photos of one kind are much alike here


@pytest.fixture
def shapes() -> Rows:
    """Of little noise, so that a few dimensions more or less tell classes apart as well."""
    return class_features(10, 24, noise=0.4)[0]


@pytest.fixture
def old(db: None, shapes: Rows) -> Space:
    """240 photos in a fitted space of an encoder of recipe 1, active as an earlier version left it."""
    encoder = encoder_row("efficientnet-lite0@1")
    ensure_first_space(encoder=encoder)
    add_photos(encoder, shapes, [f"Things > kind {number // 24}" for number in range(240)])
    space = build_space(SpaceOptions(encoder=encoder, projection="pca", dimensions=16))
    return activate(space.name).space


@pytest.fixture
def new(old: Space) -> Encoder:
    return coloured_encoder("efficientnet-lite0@2")


@pytest.fixture
def worker(new: Encoder, shapes: Rows, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Embeds with the new encoder whenever the doorbell rings: the priorities of the jobs it was given."""
    priorities: list[int] = []

    def work() -> None:
        waiting = EmbeddingJob.objects.filter(encoder=new, state="pending").order_by("image_id")
        priorities.extend(waiting.values_list("priority", flat=True))
        images = list(
            ProductImage.objects.filter(pk__in=waiting.values("image")).select_related("product").order_by("pk")
        )
        EmbeddingJob.objects.filter(encoder=new, state="pending").delete()
        numbers = np.array([int(image.product.sku.split("-")[-1]) for image in images], np.int64)
        if len(images):
            embed(new, images, with_colours(shapes[numbers], (numbers % 6).astype(np.int32)))

    monkeypatch.setattr("recommender.spaces.features.doorbell.ring", work)
    monkeypatch.setattr("recommender.spaces.features.POLL_SECONDS", 0.0)
    yield priorities


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def states() -> dict[str, str]:
    return dict(Space.objects.order_by("pk").values_list("name", "state"))


@pytest.mark.usefixtures("worker")
def test_the_same_kind_of_space_answers_with_colours_and_the_old_stays(
    old: Space, new: Encoder, worker: list[int]
) -> None:
    assert steps.upgrade_is_due()
    told = run("spaces", "upgrade")
    assert "Space pca-16-2 answers now. pca-16 stays ready: `spaces activate pca-16` goes back to it." in told
    space = Space.objects.get(state=Space.State.ACTIVE)
    assert (space.encoder, space.projection, space.dimensions, space.colour_dimensions) == (new, "pca", 16, 4)
    assert not space.automatic  # as the one before it
    assert stored.count(space=space) == 240
    assert worker == [EmbeddingJob.Priority.REBUILD] * 240
    assert states()["pca-16"] == "ready"
    assert not steps.upgrade_is_due()
    assert (
        run("spaces", "upgrade")
        == "space pca-16-2 is of efficientnet-lite0@2, the newest there is: nothing to upgrade\n"
    )


@pytest.mark.usefixtures("worker")
def test_the_way_back_takes_one_command_and_no_embedding(
    old: Space, new: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade(encoder=new)
    vectors = stored.count(space=old)
    # However much better the new one is by its figures, and whatever it alone can read.
    monkeypatch.setattr(
        "recommender.spaces.switch.verdict",
        lambda _: Verdict(objections=["its mAP@50 differs by -0.3, wholly below 0"]),
    )
    ProductImage.objects.order_by("pk")[0].features.filter(encoder=old.encoder).delete()
    assert "pca-16 answers now" in run("spaces", "activate", "pca-16")
    assert (states()["pca-16"], states()["pca-16-2"]) == ("active", "ready")
    assert stored.count(space=old) == vectors - 1
    assert not EmbeddingJob.objects.exclude(state="done").exists()
    # Forth again: nothing is embedded or built, but the guard is asked.
    with pytest.raises(SwitchRefused, match="wholly below 0"):
        upgrade(encoder=new)
    assert len(states()) == 3


@pytest.mark.usefixtures("worker")
def test_forth_and_back_and_forth_builds_once(old: Space, new: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    first = upgrade(encoder=new).switched
    assert first is not None
    activate(old.name)
    monkeypatch.setattr("recommender.spaces.automatic.build_space", lambda *_, **__: pytest.fail("built"))
    again = upgrade(encoder=new).switched
    assert again is not None and again.space == first.space


def test_interrupted_it_goes_on(old: Space, new: Encoder, worker: list[int]) -> None:
    class Stopped(BaseException):
        pass

    def stop(stage: str, done: int, total: int) -> None:
        if stage == "writing vectors":
            raise Stopped

    with pytest.raises(Stopped):
        upgrade(encoder=new, progress=stop)
    assert Space.objects.get(state=Space.State.ACTIVE) == old
    assert upgrade(encoder=new).switched is not None
    assert len(worker) == 240
    assert states() == {"plain": "ready", "pca-16": "ready", "pca-16-2": "active"}


def test_photos_uploaded_meanwhile_are_embedded_by_both_encoders(old: Space, new: Encoder, worker: list[int]) -> None:
    uploaded: list[ProductImage] = []

    def upload(stage: str, done: int, total: int) -> None:
        if stage == "writing vectors" and not uploaded:
            assert {encoder.pk for encoder in encoders_in_use()} == {old.encoder_id, new.pk}
            uploaded.extend(add_photos(old.encoder, class_features(1, 1, seed=9)[0], prefix="meanwhile"))
            jobs.enqueue([uploaded[0].pk], priority=EmbeddingJob.Priority.UPLOAD, encoder=new)
            embed_uploads(new, uploaded)

    switched = upgrade(encoder=new, progress=upload).switched
    assert switched is not None
    assert stored.vectors_of(space=switched.space, image_ids=[uploaded[0].pk])
    assert stored.vectors_of(space=old, image_ids=[uploaded[0].pk])


def embed_uploads(encoder: Encoder, images: list[ProductImage]) -> None:
    EmbeddingJob.objects.filter(encoder=encoder, image__in=images).delete()
    features = class_features(1, len(images), seed=9)[0]
    embed(encoder, images, with_colours(features, np.zeros(len(images), np.int32)))


@pytest.mark.usefixtures("worker")
def test_the_guard_keeps_the_old_space_and_the_new_one_stays_ready(old: Space, new: Encoder, shapes: Rows) -> None:
    shapes[:] = np.random.default_rng(8).standard_normal(shapes.shape)  # what the new encoder sees
    with pytest.raises(CommandError, match=r"mAP@50 differs from that of the active space pca-16 by -.*wholly below 0"):
        run("spaces", "upgrade")
    assert states() == {"plain": "ready", "pca-16": "active", "pca-16-2": "ready"}


def test_what_follows_each_kind_of_space(old: Space, new: Encoder, settings: Settings) -> None:
    settings.SIMILAR_MIN_PHOTOS_FOR_PCA = 240

    def follows(**fields: object) -> tuple[object, ...]:
        for name, value in fields.items():
            setattr(old, name, value)
        found = successor(old, new)
        assert found.encoder == new
        return found.projection, found.dimensions, found.colour_weight, found.augment, found.metric

    assert follows() == ("pca", 16, 0.2, 0, "cosine")
    assert follows(dimensions=256) == ("pca", None, 0.2, 0, "cosine")
    assert follows(projection="learned", dimensions=128, labels="category") == ("learned", None, 0.2, 0, "cosine")
    assert follows(augment=5) == ("learned", None, None, 5, "cosine")
    assert follows(augment=0, metric="l2", projection="pca", dimensions=20) == ("pca", 20, None, 0, "l2")
    assert follows(metric="cosine", projection="none") == ("none", None, 0.3, 0, "cosine")
    assert follows(projection="pca", colour_dimensions=5, colour_weight=0.4) == ("pca", 20, 0.4, 0, "cosine")


def test_the_first_space_of_an_earlier_version_is_followed_by_what_a_new_shop_has(
    old: Space, new: Encoder, settings: Settings
) -> None:
    first = Space.objects.get(name="plain")
    first.automatic = False  # as an earlier version wrote it
    settings.SIMILAR_MIN_PHOTOS_FOR_PCA = 241
    assert (successor(first, new).projection, successor(first, new).automatic) == ("basis", True)
    settings.SIMILAR_MIN_PHOTOS_FOR_PCA = 240
    assert (successor(first, new).projection, successor(first, new).automatic) == ("pca", True)
    first.activated_at = first.created_at.replace(year=2100)  # a person went back to it
    assert (successor(first, new).projection, successor(first, new).automatic) == ("none", False)


def test_what_must_come_first_is_said(old: Space) -> None:
    with pytest.raises(CommandError, match="efficientnet-lite0"):
        run("spaces", "upgrade")
    assert orjson.loads(run("spaces", "list", "--json"))["spaces"][0]["name"] == "pca-16"


def test_without_any_space_the_first_step_is_named(db: None) -> None:
    coloured_encoder("efficientnet-lite0@2")
    with pytest.raises(CommandError, match="no space is active yet: `compile_encoder` makes the first"):
        run("spaces", "upgrade")
