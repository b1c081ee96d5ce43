"""Drift is noticed, a refit proposed, and done only where a setting says so, under the same guard."""

from __future__ import annotations

import numpy as np
import pytest
from pytest_django import Settings

from catalog.models import Product, ProductImage
from recommender.index import partitions
from recommender.models import Encoder, ImageFeatures, Space
from recommender.records.fit import Drift
from recommender.spaces import drift
from recommender.spaces.build import build_space
from recommender.spaces.listing import list_spaces
from recommender.spaces.options import SpaceOptions
from recommender.spaces.switch import activate
from tests.recommender.spaces.gallery import add_photos, class_features

pytestmark = pytest.mark.django_db


@pytest.fixture
def fitted(plain_space: Space) -> Space:
    space = build_space(
        SpaceOptions(encoder=plain_space.encoder, projection="learned", dimensions=6, labels="category")
    )
    return activate(space.name).space


def upload(encoder: Encoder, photos: int, *, kinds: int = 10) -> None:
    features, classes = class_features(kinds, -(-photos // kinds))
    add_photos(encoder, features[:photos], [f"Things > kind {code}" for code in classes[:photos]], prefix="new")


def measured(space: Space) -> Drift:
    found = drift.measure(space)
    assert found is not None
    return found


def settle(space: Space) -> None:
    """What stands in the row now."""
    space.refresh_from_db()


def test_a_space_that_was_not_fitted_does_not_drift(plain_space: Space) -> None:
    assert drift.check() is None


def test_a_still_catalogue_needs_no_refit(fitted: Space) -> None:
    settle(fitted)
    found = drift.check()
    assert found is not None
    assert (found.photos, found.new_share, found.shift, found.proposal) == (240, 0, 0, None)


def test_many_new_photos_propose_a_refit(fitted: Space) -> None:
    settle(fitted)
    upload(fitted.encoder, 160)
    found = drift.check()
    assert found is not None
    assert (found.new_share, found.shift) == (0.4, 0.0)
    assert found.proposal == (
        "160 of 400 photos are new since it was fitted: fit it anew with `spaces build --encoder drawn@1 "
        "--projection learned --dims 6 --labels category`"
    )
    assert list_spaces()[0]["drift"]["proposal"] == found.proposal
    assert Space.objects.count() == 2


def test_a_shift_of_the_categories_proposes_a_refit(fitted: Space) -> None:
    settle(fitted)
    Product.objects.filter(category__name__in=["kind 0", "kind 1", "kind 2"]).update(category=None)
    found = drift.check()
    assert found is not None
    assert found.shift == pytest.approx(0.3)
    assert found.proposal is not None
    assert "the shares of its categories have shifted by 30%" in found.proposal


def test_a_refit_is_made_and_activated_where_a_setting_says_so(fitted: Space, settings: Settings) -> None:
    settings.REFIT_AUTOMATICALLY = True
    settle(fitted)
    upload(fitted.encoder, 160)
    drift.check()
    active = Space.objects.get(state=Space.State.ACTIVE)
    assert (active.name, active.fit_summary["photos"]) == ("learned-6-2", 400)
    assert active.dimensions == 6 and active.labels == "category"
    fitted.refresh_from_db()
    assert (fitted.state, partitions.table_bytes(fitted)) == (Space.State.RETIRED, 0)
    assert Space.objects.get(name="plain").state == Space.State.READY


def test_a_refit_that_is_no_better_is_refused_and_not_tried_at_once_again(
    fitted: Space, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.REFIT_AUTOMATICALLY = True
    settle(fitted)
    upload(fitted.encoder, 160)
    categories = list(Product.objects.order_by("pk").values_list("pk", "category_id"))
    shuffled = np.random.default_rng(1).permutation([category for _, category in categories]).tolist()
    for (pk, _), category in zip(categories, shuffled, strict=True):
        Product.objects.filter(pk=pk).update(category_id=category)
    drift.check()
    assert Space.objects.get(state=Space.State.ACTIVE) == fitted
    assert "the refit of space learned-6 was refused" in caplog.text
    refused = Space.objects.get(name="learned-6-2")
    assert (refused.state, partitions.table_bytes(refused)) == (Space.State.RETIRED, 0)
    drift.check()
    assert Space.objects.count() == 3


def test_photos_stored_before_the_fit_and_embedded_after_it_are_new(plain_space: Space) -> None:
    waiting = add_photos(plain_space.encoder, class_features(10, 16)[0], prefix="slow")
    ImageFeatures.objects.filter(image__in=waiting).delete()
    space = build_space(SpaceOptions(encoder=plain_space.encoder, projection="pca", dimensions=8))
    assert measured(space).new_share == 0
    for image in waiting:
        ImageFeatures.objects.create(
            image=image,
            encoder=plain_space.encoder,
            digest=image.digest,
            features=[1.0] * plain_space.encoder.dimensions,
        )
    assert measured(space).new_share == 0.4
    ProductImage.objects.update(created_at="2100-01-01T00:00:00+00:00")
    assert measured(space).new_share == 0.4


def test_a_fit_of_the_first_version_counts_the_photos_stored_since(plain_space: Space) -> None:
    """It kept neither the last features it had seen nor the parameters that were asked for."""
    space = build_space(SpaceOptions(encoder=plain_space.encoder, projection="pca", dimensions=8))
    Space.objects.filter(pk=space.pk).update(
        fit_summary={
            "judged_photos": 170,
            "fitted_at": "2026-11-22T08:30:00.123456+00:00",
            "photos": 240,
            "makeup": {**{f"kind-{code}": 24 for code in range(10)}, "": 0},
        }
    )
    ProductImage.objects.update(created_at="2026-11-22T08:00:00+00:00")
    new = list(ProductImage.objects.order_by("pk").values_list("pk", flat=True)[:96])
    ProductImage.objects.filter(pk__in=new).update(created_at="2026-11-22T09:00:00+00:00")
    activate(space.name, force=True)
    found = drift.check()
    assert found is not None
    assert (found.photos, found.new_share, found.shift) == (240, 0.4, 0.0)
    assert found.proposal is not None and found.proposal.startswith("96 of 240 photos are new since it was fitted")
    kept = Space.objects.get(pk=space.pk).fit_summary
    assert kept.keys() == {"judged_photos", "fitted_at", "photos", "makeup", "drift"}
    assert kept["drift"].keys() == {"measured_at", "photos", "new_share", "shift", "proposal"}


def test_what_is_proposed_is_the_same_space(plain_space: Space) -> None:
    parameters = {"ef_search": 50}
    space = build_space(
        SpaceOptions(encoder=plain_space.encoder, projection="pca", dimensions=8, augment=2, parameters=parameters)
    )
    upload(plain_space.encoder, 160)
    proposal = measured(space).proposal
    assert proposal is not None and proposal.endswith(
        "`spaces build --encoder drawn@1 --projection pca --dims 8 --augment 2 --ef-search 50`"
    )
