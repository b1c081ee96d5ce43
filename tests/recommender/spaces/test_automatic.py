"""A better space without being asked for: when it is looked for, what the guard leaves of it, and what a person keeps."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import orjson
import pytest
from django.core.management import call_command
from django.db import connection
from pytest_django import DjangoDbBlocker, Settings

from catalog.locks import Lock
from catalog.models import Product
from config.demo import steps
from recommender.index import partitions
from recommender.models import Space
from recommender.schedule import BEAT_SCHEDULE
from recommender.spaces import automatic
from recommender.spaces.automatic import improve
from recommender.spaces.build import build_space
from recommender.spaces.options import SpaceOptions
from recommender.spaces.switch import activate
from recommender.tasks import improve_space
from tests.recommender.spaces.gallery import add_photos, class_features, fill_plain_space, with_colours
from tests.shared_rows import shared_rows

pytestmark = pytest.mark.django_db

States = dict[str, str]


@pytest.fixture(scope="module")
def kept(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Space]:
    yield from shared_rows(django_db_blocker, fill_plain_space)


@pytest.fixture
def plain_space(db: None, kept: Space) -> Space:
    """10 categories of 24 photos, in the active plain space; written once for all tests of this file."""
    return Space.objects.get(pk=kept.pk)


@pytest.fixture(autouse=True)
def small_shops(settings: Settings) -> None:
    settings.SIMILAR_MIN_PHOTOS_FOR_PCA = 240


@pytest.fixture
def other_session() -> Iterator[None]:
    """Another process fits by itself at this moment."""
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [Lock.SPACES_IMPROVED.value])
        yield
    finally:
        other.close()


def states() -> States:
    return dict(Space.objects.order_by("pk").values_list("name", "state"))


def active() -> Space:
    return Space.objects.get(state=Space.State.ACTIVE)


def grow(space: Space, photos: int, *, prefix: str = "more") -> None:
    features, classes = class_features(10, -(-photos // 10), seed=3)
    rows = with_colours(features, classes % 6)[:photos]
    add_photos(space.encoder, rows, [f"Things > kind {code}" for code in classes[:photos]], prefix=prefix)


def forget_labels() -> None:
    Product.objects.update(category=None)


def test_below_the_threshold_nothing_is_built(coloured_space: Space, settings: Settings) -> None:
    settings.SIMILAR_MIN_PHOTOS_FOR_PCA = 241
    improve_space()
    assert states() == {"basis-32": "active"}
    assert improve().reasons == ["fewer than 241 photos (SIMILAR_MIN_PHOTOS_FOR_PCA) are embedded with drawn@2"]
    assert not steps.improvement_is_due()


def test_copies_of_a_file_are_one_photo(coloured_space: Space) -> None:
    coloured_space.encoder.features.filter(pk=coloured_space.encoder.features.latest("pk").pk).update(
        digest=coloured_space.encoder.features.earliest("pk").digest
    )
    assert improve().reasons == ["fewer than 240 photos (SIMILAR_MIN_PHOTOS_FOR_PCA) are embedded with drawn@2"]


def test_at_the_threshold_pca_answers_where_labels_do_not_suffice(coloured_space: Space) -> None:
    forget_labels()
    assert steps.improvement_is_due()
    improved = improve()
    space = active()
    assert (improved.space, improved.before) == (space, coloured_space)
    assert improved.reasons == ["nothing is learned from labels category: no photo has this label"]
    assert states() == {"basis-32": "ready", "pca-32": "active"}
    assert (space.automatic, space.colour_dimensions, space.colour_weight) == (True, 8, 0.18)
    assert space.fit is not None and space.fit.improved_at_photos == 240
    assert improve().reasons == ["a better space was looked for at 240 photos, and there are 240"]
    assert not steps.improvement_is_due()


def test_where_labels_suffice_and_the_guard_agrees_learned_answers(coloured_space: Space) -> None:
    improve_space()
    # The space that answered just before stays; the one before it is taken away.
    assert states() == {"basis-32": "retired", "pca-32": "ready", "learned-32": "active"}
    assert active().automatic
    improve_space()
    assert len(states()) == 3


def test_what_the_guard_refuses_is_retired_and_not_tried_at_once_again(coloured_space: Space) -> None:
    categories = list(Product.objects.order_by("pk").values_list("pk", "category_id"))
    shuffled = np.random.default_rng(1).permutation([category for _, category in categories]).tolist()
    for (pk, _), category in zip(categories, shuffled, strict=True):
        Product.objects.filter(pk=pk).update(category_id=category)
    improved = improve()
    assert any("not wholly above 0" in reason for reason in improved.reasons)
    assert states() == {"basis-32": "ready", "pca-32": "active", "learned-32": "retired"}
    assert partitions.table_bytes(Space.objects.get(name="learned-32")) == 0
    improve_space()
    assert len(states()) == 3


def test_a_shop_that_has_grown_is_fitted_anew(coloured_space: Space) -> None:
    forget_labels()
    improve_space()
    grow(coloured_space, 119)
    forget_labels()
    improve_space()
    assert len(states()) == 2
    grow(coloured_space, 1, prefix="one more")
    forget_labels()
    improve_space()
    assert states() == {"basis-32": "retired", "pca-32": "ready", "pca-32-2": "active"}
    fit = active().fit
    assert fit is not None and (fit.photos, fit.improved_at_photos) == (360, 360)
    grow(coloured_space, 180, prefix="half as many again")
    forget_labels()
    improve_space()
    assert states() == {"basis-32": "retired", "pca-32": "retired", "pca-32-2": "ready", "pca-32-3": "active"}


@pytest.mark.parametrize("chosen", ["basis-32", "pca-16"])
def test_a_space_that_a_person_activated_is_left_alone(coloured_space: Space, chosen: str) -> None:
    if chosen != coloured_space.name:
        build_space(SpaceOptions(encoder=coloured_space.encoder, projection="pca", dimensions=16))
    call_command("spaces", "activate", chosen, "--force", stdout=io.StringIO(), stderr=io.StringIO())
    before = states()
    assert not active().automatic
    improve_space()
    assert states() == before and active().name == chosen
    assert "was chosen by a person" in improve().reasons[0]


@pytest.mark.parametrize("stage", ["gathering statistics", "writing vectors", "ranking held-out photos"])
def test_an_interrupted_attempt_is_gone_on_with(coloured_space: Space, stage: str) -> None:
    class Stopped(BaseException):
        pass

    def stop(at: str, done: int, total: int) -> None:
        if at == stage:
            raise Stopped

    with pytest.raises(Stopped):
        improve(progress=stop)
    begun = Space.objects.get(name="pca-32")
    assert active() == coloured_space
    improve_space()
    begun.refresh_from_db()
    assert begun.activated_at is not None
    assert states() == {"basis-32": "retired", "pca-32": "ready", "learned-32": "active"}


def test_what_was_built_and_not_switched_to_is_not_built_again(
    coloured_space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget_labels()
    complete = build_space(SpaceOptions(encoder=coloured_space.encoder, projection="pca", automatic=True))
    monkeypatch.setattr(automatic, "build_space", lambda *_, **__: pytest.fail("built"))
    improve_space()
    assert active() == complete


def test_after_pca_answers_an_interrupted_attempt_goes_on_to_learned(coloured_space: Space) -> None:
    build_space(SpaceOptions(encoder=coloured_space.encoder, projection="pca", automatic=True))
    activate("pca-32", by_itself=True)
    improve_space()
    assert states() == {"basis-32": "retired", "pca-32": "ready", "learned-32": "active"}


@pytest.mark.usefixtures("other_session")
def test_two_do_not_fit_at_once(coloured_space: Space) -> None:
    assert improve().reasons == ["another process fits or switches spaces by itself at this moment"]
    assert states() == {"basis-32": "active"}


def test_the_command_does_at_once_what_beat_would(coloured_space: Space) -> None:
    forget_labels()
    out = io.StringIO()
    call_command("spaces", "improve", "--json", stdout=out, stderr=io.StringIO())
    told = orjson.loads(out.getvalue())
    assert (told["active"], told["before"]) == ("pca-32", "basis-32")
    out = io.StringIO()
    call_command("spaces", "improve", stdout=out, stderr=io.StringIO())
    assert out.getvalue() == (
        "Space pca-32 still answers.\na better space was looked for at 240 photos, and there are 240\n"
    )


def test_beat_looks_for_a_better_space(settings: Settings) -> None:
    entry = BEAT_SCHEDULE["improve the space"]
    assert (entry["task"], entry["schedule"]) == (improve_space.name, settings.IMPROVE_SECONDS)
