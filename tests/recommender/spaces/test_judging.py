"""What the guard makes of catalogues of a kind of their own: shuffled attributes, fits that forget, products as labels."""

from __future__ import annotations

import numpy as np
import pytest

from recommender.models import Encoder
from recommender.spaces.build import build_space
from recommender.spaces.first import ensure_first_space
from recommender.spaces.options import SpaceOptions
from recommender.spaces.switch import SwitchRefused, activate
from tests.recommender.spaces.gallery import add_photos, class_features, encoder_row, forgetting_features

pytestmark = pytest.mark.django_db


def test_shuffled_labels_of_an_attribute_are_refused(encoder: Encoder) -> None:
    ensure_first_space(encoder=encoder)
    features, classes = class_features(10, 24)
    values = np.random.default_rng(3).permutation([f"v{code}" for code in classes]).tolist()
    add_photos(encoder, features, [f"kind {code}" for code in classes], attribute=values)
    with pytest.raises(SwitchRefused, match="not wholly above 0"):
        activate(
            build_space(SpaceOptions(encoder=encoder, projection="learned", dimensions=6, labels="attribute:kind")).name
        )


def test_a_catalogue_on_which_every_fit_forgets_gets_no_learned_space(encoder: Encoder) -> None:
    """Four dimensions tell the kinds that taught them apart, and no other."""
    plain_space = ensure_first_space(encoder=encoder_row("wide@1", dimensions=56))
    features, classes = forgetting_features(common=0.0)
    add_photos(plain_space.encoder, features, [f"Things > kind {code}" for code in classes])
    space = build_space(SpaceOptions(encoder=plain_space.encoder, projection="learned", dimensions=4))
    fit = space.fit
    assert fit is not None and fit.shrinkage is not None and fit.shrinkage.unseen is not None
    assert fit.shrinkage.unseen.mean < -0.01
    with pytest.raises(SwitchRefused, match="it forgets what it is not taught; use --projection pca"):
        activate(space.name)


def test_products_as_labels_are_judged_on_products_not_seen(encoder: Encoder) -> None:
    ensure_first_space(encoder=encoder)
    features, classes = class_features(60, 6)
    add_photos(encoder, features, groups=[f"group {code}" for code in classes])
    space = build_space(SpaceOptions(encoder=encoder, projection="learned", dimensions=6, labels="product"))
    assert set(space.quality["queries"]) == {"overall", "seen", "unseen"}
    assert space.quality["queries"]["seen"] == 0
    assert activate(space.name).space == space


def test_a_learned_space_of_few_dimensions_is_held_against_a_pca_of_more(encoder: Encoder) -> None:
    """Three dimensions tell ten kinds apart better when learned than by a PCA of three, but not than by all of PCA."""
    from recommender.evaluation.contestants import contestants

    ensure_first_space(encoder=encoder)
    features, classes = class_features(10, 24)
    images = add_photos(encoder, features, [f"Things > kind {code}" for code in classes])
    space = build_space(SpaceOptions(encoder=encoder, projection="learned", dimensions=3, augment=4, metric="l2"))
    ids = np.array([image.pk for image in images])
    found = {
        one.name: one
        for one in contestants(space, rival=None, judged_ids=ids[:80], training_ids=ids[80:], progress=lambda *_: None)
    }
    assert found["space"].vectors.shape == (80, 3)
    assert found["pca"].vectors.shape == (80, 24)
    assert (found["pca"].metric, found["pca"].augment) == ("l2", 4)
    assert (found["plain"].augment, found["histogram"].augment) == (0, 0)
