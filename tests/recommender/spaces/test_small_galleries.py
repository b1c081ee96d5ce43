"""Building a space of few photos or none, and of photos that share products and groups."""

from __future__ import annotations

import numpy as np
import pytest

from catalog.models import Product, ProductImage
from recommender.index import stored
from recommender.models import Encoder, Space
from recommender.spaces.build import build_space
from recommender.spaces.fill import fill
from recommender.spaces.fit import CannotFit
from recommender.spaces.options import SpaceOptions
from tests.recommender.spaces.gallery import add_photos, class_features, encoder_row, plain_vector, vectors_of


def test_fewer_photos_than_dimensions_are_said(encoder: Encoder) -> None:
    add_photos(encoder, class_features(2, 4)[0], ["kind"] * 8, to_spaces=False)
    with pytest.raises(CannotFit, match="there are 8: use --dims 4"):
        build_space(SpaceOptions(encoder=encoder, projection="pca", dimensions=8))


def test_a_new_encoder_with_nothing_to_embed_is_ready_at_once(encoder: Encoder) -> None:
    space = build_space(SpaceOptions(encoder=encoder_row("other@1", 8), projection="none"))
    assert space.state == Space.State.READY
    assert space.quality["systems"] == {}


def test_the_first_photos_of_an_augmented_space_are_augmented_however_few(encoder: Encoder) -> None:
    features, classes = class_features(5, 8)
    add_photos(encoder, features, [f"kind {code}" for code in classes])
    space = build_space(SpaceOptions(encoder=encoder, projection="pca", dimensions=8, augment=3))
    ids, held = zip(*sorted(vectors_of(space).items()), strict=True)
    plain = np.stack([plain_vector(space, image_id) for image_id in ids])
    likeness = plain @ plain.T
    np.fill_diagonal(likeness, -2)
    near = np.argsort(-likeness, axis=1, kind="stable")[:, :3]
    weights = np.maximum(np.take_along_axis(likeness, near, axis=1), 0) ** 3
    mixed = plain + np.einsum("rn,rnd->rd", weights, plain[near])
    assert np.allclose(np.stack(held), mixed / np.linalg.norm(mixed, axis=1, keepdims=True), atol=3e-3)


def test_a_late_upload_takes_in_the_neighbours_that_a_rebuild_gives_it(encoder: Encoder) -> None:
    """Three photos a product, some products of one group, some hidden: photos are neighbours, not products."""
    features = np.repeat(class_features(10, 8)[0], 3, axis=0)
    features += np.random.default_rng(5).standard_normal(features.shape).astype(np.float32) * 0.1
    images = add_photos(encoder, features[:-3], groups=[f"g{row // 6}" for row in range(len(features) - 3)])
    for row in range(0, len(images), 3):
        ProductImage.objects.filter(pk__in=[image.pk for image in images[row : row + 3]]).update(
            product_id=images[row].product_id
        )
    Product.objects.filter(pk__in=[image.product_id for image in images[:12]]).update(published=False)
    options = SpaceOptions(encoder=encoder, projection="pca", dimensions=8, augment=5)
    space = build_space(options)
    late = add_photos(encoder, features[-3:], prefix="late")
    rebuilt = build_space(options)
    Space.objects.filter(pk=rebuilt.pk).update(mean=space.mean, matrix=space.matrix)
    rebuilt.refresh_from_db()
    rebuilt.__dict__.pop("_projection", None)
    stored.delete(space=rebuilt, image_ids=list(ProductImage.objects.values_list("pk", flat=True)))
    fill(rebuilt)
    held, wanted = vectors_of(space), vectors_of(rebuilt)
    assert len(held) == len(wanted) == 240
    for image in late:
        assert np.allclose(held[image.pk], wanted[image.pk], atol=3e-3)
