"""Switching under a guard, and taking away what does not answer any more."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from catalog.models import Product, ProductImage
from recommender.index import partitions, stored
from recommender.index.pgvector import ann_index
from recommender.models import EmbeddingJob, ImageFeatures, Space
from recommender.spaces.active import active_space
from recommender.spaces.build import build_space
from recommender.spaces.fill import reconcile
from recommender.spaces.guard import verdict
from recommender.spaces.listing import list_spaces
from recommender.spaces.options import SpaceOptions
from recommender.spaces.switch import SwitchRefused, activate, retire
from tests.catalog.factories import make_category
from tests.recommender.spaces.gallery import add_photos, class_features, encoder_row, fill_plain_space
from tests.shared_rows import shared_rows

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def kept(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Space]:
    yield from shared_rows(django_db_blocker, fill_plain_space)


@pytest.fixture
def plain_space(db: None, kept: Space) -> Space:
    """10 categories of 24 photos, in the active plain space; written once for all tests of this file."""
    return Space.objects.get(pk=kept.pk)


def learned(plain_space: Space, **options: object) -> Space:
    return build_space(SpaceOptions(encoder=plain_space.encoder, projection="learned", dimensions=6, **options))  # type: ignore[arg-type]


def pca(plain_space: Space, dimensions: int = 16) -> Space:
    return build_space(SpaceOptions(encoder=plain_space.encoder, projection="pca", dimensions=dimensions))


def shuffle_categories() -> dict[int, int | None]:
    """Give every product the category of another; returns the true ones."""
    true = dict(Product.objects.order_by("pk").values_list("pk", "category_id"))
    shuffled = np.random.default_rng(1).permutation(list(true.values())).tolist()
    for pk, category_id in zip(true, shuffled, strict=True):
        Product.objects.filter(pk=pk).update(category_id=category_id)
    return true


def test_a_learned_space_that_is_better_is_activated_and_the_old_stays_readable(plain_space: Space) -> None:
    space = learned(plain_space)
    switched = activate(space.name)
    assert (switched.space.state, switched.before) == (Space.State.ACTIVE, plain_space)
    assert active_space() == space
    plain_space.refresh_from_db()
    assert plain_space.state == Space.State.READY
    assert stored.count(space=plain_space) == 240
    gain = space.quality["differences"]["pca"]["seen"]
    assert gain[0] > 0
    assert activate(space.name).before == space  # again is no error


def test_labels_shuffled_at_random_are_refused(plain_space: Space) -> None:
    shuffle_categories()
    space = learned(plain_space)
    with pytest.raises(SwitchRefused, match=r"differs from pca by .*not wholly above 0"):
        activate(space.name)
    assert active_space() == plain_space


def test_a_space_fitted_on_shuffled_labels_is_judged_by_the_true_ones(plain_space: Space) -> None:
    true = shuffle_categories()
    space = learned(plain_space)
    for pk, category_id in true.items():
        Product.objects.filter(pk=pk).update(category_id=category_id)
    with pytest.raises(SwitchRefused, match="not wholly above 0"):
        activate(space.name)
    space.refresh_from_db()
    assert space.quality["differences"]["pca"]["seen"][1] < 0.02
    assert space.quality["differences"]["plain"]["seen"] != [0, 0, 0]


def test_force_passes_over_the_guard_and_says_what_it_passed_over(plain_space: Space) -> None:
    shuffle_categories()
    space = learned(plain_space)
    switched = activate(space.name, force=True)
    assert active_space() == space
    assert any("not wholly above 0" in warning for warning in switched.warnings)


def test_another_catalogue_refuses_what_was_fitted_elsewhere(plain_space: Space) -> None:
    """The photos it was fitted on are gone; others, of other classes, are there."""
    space = learned(plain_space)
    Product.objects.all().delete()
    features, classes = class_features(8, 24, seed=5)
    add_photos(plain_space.encoder, features, [f"Other > sort {code}" for code in classes], prefix="other")
    with pytest.raises(SwitchRefused) as refused:
        activate(space.name)
    assert [reason.split(":")[0].split(",")[0] for reason in refused.value.reasons] == [
        "only 0% of the labelled photos are of classes it was fitted on",
        "no held-out photo is of a class it was fitted on",
    ]


def test_another_catalogue_of_the_same_class_names_is_judged_by_its_photos(plain_space: Space) -> None:
    space = learned(plain_space)
    Product.objects.all().delete()
    features, classes = class_features(10, 24, seed=5)
    features = features[:, ::-1].copy()  # what varied for nothing there means something here
    add_photos(plain_space.encoder, features, [f"Things > kind {code}" for code in classes], prefix="other")
    with pytest.raises(SwitchRefused, match=r"differs from pca by -.*not wholly above 0"):
        activate(space.name)


def unseen_judged(space: Space, unseen: list[float], drawn: list[float] | None) -> Space:
    """The space with other figures on classes not seen: of the judged fit, and of the draws by which it was chosen."""
    differences = {**space.quality["differences"], "pca": {"seen": [0.1, 0.2, 0.3], "unseen": unseen}}
    chosen = drawn and {**space.fit_summary["shrinkage"], "unseen": drawn}
    Space.objects.filter(pk=space.pk).update(
        quality={**space.quality, "differences": differences},
        fit_summary={**space.fit_summary, "shrinkage": chosen},
    )
    return Space.objects.get(pk=space.pk)


def test_a_space_that_forgets_what_it_was_not_taught_is_refused(plain_space: Space) -> None:
    """By the mean over the draws; by classes of the judged fit where they are surely beyond .01, or where nothing was drawn."""
    space = learned(plain_space)
    near, far = (
        "differs from pca by -0.030 (95 %: -0.070 to +0.010)",
        "differs from pca by -0.123 (95 %: -0.200 to -0.050)",
    )
    on_unseen = "on classes that it has not seen its mAP@50"
    remedy = "and at most 0.01 may be lost; build a new one on this catalogue, or use --projection pca"
    drawn = (
        "on classes left out while its shrinkage was chosen mAP@50 differed from pca by -0.020 (95 %: -0.040 to +0.020), by "
        "every other shrinkage by more, and at most 0.01 may be lost: it forgets what it is not taught; use --projection pca"
    )
    little, much = [-0.04, -0.009, 0.02], [-0.04, -0.02, 0.02]
    cases: list[tuple[list[float], list[float] | None, list[str], list[str]]] = [
        ([-0.01, 0.001, 0.02], little, [], []),
        ([-0.07, -0.03, 0.01], little, [], [f"{on_unseen} {near}"]),
        ([-0.2, -0.123, -0.05], little, [f"{on_unseen} {far}, {remedy}"], []),
        ([-0.01, 0.001, 0.02], much, [drawn], []),
        ([-0.07, -0.03, 0.01], None, [f"{on_unseen} {near}, {remedy}"], []),
        ([-0.03, -0.01, 0.01], None, [], [f"{on_unseen} differs from pca by -0.010 (95 %: -0.030 to +0.010)"]),
    ]
    for unseen, draws, objections, warnings in cases:
        judged = verdict(unseen_judged(space, unseen, draws))
        assert (judged.objections, judged.warnings) == (objections, warnings), (unseen, draws)
    unseen_judged(space, [-0.2, -0.123, -0.05], little)
    with pytest.raises(SwitchRefused, match=r"differs from pca by -0\.123 .* at most 0\.01 may be lost"):
        activate(space.name)
    assert active_space() == plain_space


def test_an_unlearned_space_worse_than_the_active_one_is_refused(plain_space: Space) -> None:
    activate(learned(plain_space).name)
    with pytest.raises(SwitchRefused, match=r"differs from that of the active space learned-6 by -.*wholly below 0"):
        activate(pca(plain_space, dimensions=2).name)


def test_an_unlearned_space_as_good_as_the_active_one_is_activated(plain_space: Space) -> None:
    space = pca(plain_space)
    assert activate(space.name).space == space


def test_a_space_being_built_is_refused_even_by_force_before_its_fit(plain_space: Space) -> None:
    Space.objects.create(name="new", encoder=plain_space.encoder, projection="pca", dimensions=8)
    for force in (False, True):
        with pytest.raises(SwitchRefused, match="it has no projection yet"):
            activate("new", force=force)


def test_an_incomplete_space_is_refused(plain_space: Space) -> None:
    space = pca(plain_space)
    Space.objects.filter(pk=space.pk).update(state=Space.State.BUILDING)
    with pytest.raises(SwitchRefused, match="still being built: `spaces build --resume pca-16`"):
        activate(space.name)


def test_an_invalid_index_is_refused(plain_space: Space) -> None:
    space = pca(plain_space)
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX {ann_index.index_name(space)}")
    with pytest.raises(SwitchRefused, match="its index is not valid"):
        activate(space.name)
    assert activate(space.name, force=True).space == space


def test_photos_that_the_new_encoder_has_not_seen_are_refused(plain_space: Space) -> None:
    other = encoder_row("other@1")
    images = list(ProductImage.objects.order_by("pk"))
    for image in images[:200]:
        ImageFeatures.objects.create(
            image=image, encoder=other, digest=image.digest, features=image.features.get().features
        )
    EmbeddingJob.objects.bulk_create(EmbeddingJob(image=image, encoder=other, state="done") for image in images)
    space = build_space(SpaceOptions(encoder=other, projection="pca", dimensions=16))
    with pytest.raises(SwitchRefused, match="40 photos that are searched now were not embedded with other@1"):
        activate(space.name)
    # Fresh uploads are on their way and do not hold up a switch.
    EmbeddingJob.objects.filter(encoder=other, image__in=images[200:]).update(state="pending", priority=0)
    assert activate(space.name).space == space


def test_what_was_uploaded_or_lost_meanwhile_is_put_right(plain_space: Space) -> None:
    space = pca(plain_space)
    ids = list(ProductImage.objects.order_by("pk").values_list("pk", flat=True))
    stored.delete(space=space, image_ids=ids[:3])
    with connection.cursor() as cursor:  # a vector of a photo that never was
        cursor.execute(
            "INSERT INTO recommender_imagevector (image_id, space_id, product_id, vector)"
            " SELECT 999999999, space_id, product_id, vector FROM recommender_imagevector"
            " WHERE space_id = %s LIMIT 1",
            [space.pk],
        )
    activate(space.name)
    assert sorted(stored.vectors_of(space=space, image_ids=[*ids, 999999999])) == ids


def test_a_judgement_of_other_photos_or_labels_is_made_anew(plain_space: Space) -> None:
    space = pca(plain_space)
    before = space.quality["signature"]
    product = Product.objects.latest("pk")
    Product.objects.filter(pk=product.pk).update(category=make_category("Things > kind 0"))
    activate(space.name)
    space.refresh_from_db()
    assert space.quality["signature"] != before


def test_the_active_space_cannot_be_retired_nor_one_being_built(plain_space: Space) -> None:
    with pytest.raises(SwitchRefused, match="it is active: activate another first"):
        retire(plain_space.name)
    with pytest.raises(SwitchRefused, match="there is no such space"):
        retire("nothing")
    space = pca(plain_space)
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", [0x6275696C, space.pk])
        with pytest.raises(SwitchRefused, match="it is being built"):
            retire(space.name)
    finally:
        other.close()


def test_a_retired_space_leaves_its_row_and_the_features(plain_space: Space) -> None:
    space = pca(plain_space)
    activate(space.name)
    retire(plain_space.name)
    plain_space.refresh_from_db()
    assert plain_space.state == Space.State.RETIRED and plain_space.retired_at is not None
    assert partitions.table_bytes(plain_space) == 0
    assert ImageFeatures.objects.count() == 240
    with pytest.raises(SwitchRefused, match="it was retired"):
        activate(plain_space.name)
    retire(plain_space.name)  # again is no error
    (image,) = add_photos(plain_space.encoder, class_features(1, 1)[0], prefix="after")
    assert list(stored.vectors_of(space=space, image_ids=[image.pk])) == [image.pk]


def test_spaces_are_listed_with_what_they_are_and_cost(plain_space: Space) -> None:
    space = learned(plain_space)
    newest, oldest = list_spaces()
    assert (newest["name"], newest["state"], newest["encoder"], newest["projection"]) == (
        "learned-6", "ready", "drawn@1", "learned")  # fmt: skip
    assert (newest["dims"], newest["photos"], oldest["photos"]) == (6, 240, 240)
    assert newest["recall"] == space.quality["ann_recall"]
    assert newest["quality"]["p@10"] == space.quality["systems"]["space"]["seen"]["p@10"][1]
    assert newest["bytes"] > newest["index_bytes"] > 0
    assert newest["age_seconds"] >= 0
    retire(space.name)
    assert list_spaces()[0]["photos"] == list_spaces()[0]["bytes"] == 0


def test_a_space_activated_while_it_is_built_stays_active(plain_space: Space) -> None:
    def force(at: str, done: int, total: int) -> None:
        if at == "building the index" and done:
            Space.objects.filter(pk=plain_space.pk).update(state=Space.State.READY)
            Space.objects.filter(name="pca-8").update(state=Space.State.ACTIVE)

    space = build_space(SpaceOptions(encoder=plain_space.encoder, projection="pca", dimensions=8), progress=force)
    assert space.state == Space.State.ACTIVE
    assert Space.objects.get(state=Space.State.ACTIVE) == space


@pytest.mark.parametrize("force", [False, True])
def test_a_space_that_another_process_builds_is_not_activated_even_by_force(plain_space: Space, force: bool) -> None:
    space = pca(plain_space)
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", [0x6275696C, space.pk])
            with pytest.raises(SwitchRefused, match="another process builds it"):
                activate(space.name, force=force)
            # Not left to the session's end: Postgres notices that only a moment after the connection is closed.
            cursor.execute("SELECT pg_advisory_unlock_all()")
    finally:
        other.close()
    assert active_space() == plain_space
    assert activate(space.name).space == space


def test_a_space_judged_against_one_that_was_replaced_meanwhile_is_refused(
    plain_space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another `activate` comes between the judgement and the switch."""
    first, second = learned(plain_space), learned(plain_space)
    happened: list[object] = []

    def meanwhile(space: Space) -> object:
        if space.pk == second.pk and not happened:
            happened.append(activate(first.name))
        return reconcile(space)

    monkeypatch.setattr("recommender.spaces.switch.reconcile", meanwhile)
    with pytest.raises(SwitchRefused, match="learned-6 became active while it was judged: try again"):
        activate(second.name)
    assert active_space() == first
    assert activate(second.name).before == first
