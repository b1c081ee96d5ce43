"""Held-out photos never resemble what a judged fit learned from."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from pytest_django import Settings

from catalog.models import Product, ProductImage
from recommender.evaluation import quality as evaluate_quality
from recommender.evaluation.judging import judge
from recommender.evaluation.label_names import UnknownLabels, checked_labels
from recommender.evaluation.labels import read_photos, too_few
from recommender.evaluation.quality import quality_of
from recommender.evaluation.report import tables
from recommender.evaluation.report.page import render
from recommender.evaluation.scores import METRICS
from recommender.evaluation.split import compare, near_duplicates, split_photos, unseen_classes
from recommender.models import Encoder, ImageFeatures
from recommender.projection.apply import unit
from recommender.spaces.build import build_space
from recommender.spaces.options import SpaceOptions
from tests.recommender.spaces.gallery import (
    DIMENSIONS,
    add_photos,
    class_features,
    coloured_encoder,
    embed,
    with_colours,
)

pytestmark = pytest.mark.django_db


def test_no_product_group_and_no_near_duplicate_stands_on_both_sides(
    encoder: Encoder, generator: np.random.Generator, settings: Settings
) -> None:
    settings.DUPLICATE_THRESHOLD = 0.99
    features, classes = class_features(6, 50)
    copies = features[::5] + generator.standard_normal(features[::5].shape).astype(np.float32) * 0.01
    everything = np.vstack([features, copies])
    labels = [f"kind {code}" for code in [*classes, *classes[::5]]]
    add_photos(encoder, everything, labels, groups=[f"group {row // 3}" for row in range(len(everything))])
    photos = read_photos(encoders=[encoder.pk], labels="category")
    split = split_photos(photos, encoder_id=encoder.pk, labels="category")
    assert not (split.judged & split.training).any()
    assert 40 < split.judged.sum() < 160
    assert split.training.sum() > 100
    assert not set(photos.groups[split.judged]) & set(photos.groups[split.training])
    cosines = unit(everything)[split.judged] @ unit(everything)[split.training].T
    assert cosines.max() < 0.99
    assert (unit(copies) @ unit(features[::5]).T).diagonal().min() > 0.99  # there was something to keep apart


def test_products_that_share_a_file_are_one_group(encoder: Encoder) -> None:
    images = add_photos(encoder, class_features(1, 4)[0], ["kind"] * 4)
    for image, features in zip(images[1:3], class_features(1, 4)[0][1:3], strict=True):
        ProductImage.objects.filter(pk=image.pk).update(digest=images[0].digest)  # a trigger forgets its features
        ImageFeatures.objects.create(image=image, encoder=encoder, digest=images[0].digest, features=features)
    photos = read_photos(encoders=[encoder.pk], labels="category")
    assert len(set(photos.groups[:3])) == 1
    assert photos.groups[3] != photos.groups[0]


def test_the_side_of_a_photo_does_not_depend_on_other_photos(encoder: Encoder) -> None:
    features, classes = class_features(4, 30)
    add_photos(encoder, features[:60], [f"kind {code}" for code in classes[:60]])
    before = split_photos(
        read_photos(encoders=[encoder.pk], labels="category"), encoder_id=encoder.pk, labels="category"
    )
    add_photos(encoder, features[60:], [f"kind {code}" for code in classes[60:]], prefix="Q")
    after = split_photos(
        read_photos(encoders=[encoder.pk], labels="category"), encoder_id=encoder.pk, labels="category"
    )
    assert np.array_equal(after.judged[:60], before.judged)


def test_many_pairs_are_screened_without_missing_one(encoder: Encoder, generator: np.random.Generator) -> None:
    features = generator.standard_normal((200, encoder.dimensions)).astype(np.float32)
    features[100:120] = features[:20] + generator.standard_normal((20, encoder.dimensions)) * 0.1
    images = add_photos(encoder, features)
    ids = np.array([image.pk for image in images])
    expected = (ids[:20].tolist(), ids[100:120].tolist())
    whole = near_duplicates(encoder.pk, ids[:100], ids[100:])
    screened = near_duplicates(encoder.pk, ids[:100], ids[100:], few_pairs=0, screen_dimensions=6)
    assert (whole[0].tolist(), whole[1].tolist()) == expected
    assert (screened[0].tolist(), screened[1].tolist()) == expected


def test_comparing_with_many_judged_photos_stays_small(encoder: Encoder, generator: np.random.Generator) -> None:
    """A batch of 4,096 photos against 5,000 judged ones: 82 MB a copy of their pairs if they were compared at once."""
    features = generator.standard_normal((9096, encoder.dimensions)).astype(np.float32)
    features[5000:5003] = features[:3]

    features = unit(features)
    tracemalloc.start()
    try:
        batch = (np.arange(5000, 9096), features[5000:])
        judged, others = compare(features[:5000], [batch], of=4096, screen_dimensions=6)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (np.flatnonzero(judged).tolist(), others.tolist()) == ([0, 1, 2], [5000, 5001, 5002])
    assert peak < 60_000_000


def test_a_fifth_of_the_classes_is_never_seen() -> None:
    names = [f"kind {number}" for number in range(10)]
    unseen = unseen_classes(names, "category")
    assert unseen.sum() == 2
    assert np.array_equal(unseen_classes(names[::-1], "category")[::-1], unseen)
    assert not unseen_classes(names[:3], "category").any()
    assert unseen_classes(names, "product").all()


def test_labels_are_read_from_every_kind_of_column(encoder: Encoder) -> None:
    features = class_features(1, 3)[0]
    add_photos(
        encoder, features, ["A > x", "A > x", "A > y"], brands=["b", "", "b"], attribute=["red", "blue", "red"],
        groups=["g", "g", ""],
    )  # fmt: skip
    Product.objects.filter(sku="P-2").update(attributes={})

    def classes(labels: str) -> list[str | None]:
        photos = read_photos(encoders=[encoder.pk], labels=labels)
        return [photos.names[code] if code >= 0 else None for code in photos.classes]

    assert classes("category") == ["x", "x", "y"]
    assert classes("brand") == ["b", None, "b"]
    assert classes("attribute:kind") == ["red", "blue", None]
    assert classes("product") == ["group g", "group g", f"product {Product.objects.get(sku='P-2').pk}"]


@pytest.mark.parametrize("labels", ["", "colour", "attribute:", "category:x", "attribute"])
def test_labels_that_do_not_exist_are_refused(labels: str) -> None:
    with pytest.raises(UnknownLabels, match="use category, brand, product or attribute:NAME"):
        checked_labels(labels)


def test_photos_of_replaced_pixels_and_of_other_encoders_are_left_out(encoder: Encoder) -> None:
    images = add_photos(encoder, class_features(1, 3)[0], ["kind"] * 3)
    images[0].features.update(digest="0" * 64)
    images[1].features.all().delete()
    photos = read_photos(encoders=[encoder.pk], labels="category")
    assert photos.image_ids.tolist() == [images[2].pk]


def test_too_few_labels_are_said(encoder: Encoder) -> None:
    features = class_features(4, 6)[0]
    add_photos(encoder, features, brands=["a"] * 6 + ["b"] * 6 + list("cdefgh") + [""] * 6)
    photos = read_photos(encoders=[encoder.pk], labels="brand")
    assert too_few(photos) == "6 of 8 classes have fewer than 5 labelled photos"
    assert too_few(read_photos(encoders=[encoder.pk], labels="category")) == "no photo has this label"


def test_photos_that_change_sides_after_the_fit_do_not_judge_it(encoder: Encoder) -> None:
    """Their products join other groups: the hash of those puts photos that were learned from on the other side."""
    features, classes = class_features(6, 40)
    images = add_photos(encoder, features, [f"kind {code}" for code in classes])
    space = build_space(SpaceOptions(encoder=encoder, projection="pca", dimensions=8))
    held_out = set(space.fit_summary["held_out"])
    assert {int(one) for one in judge(space, rival=None).photos.image_ids} == held_out
    for number, image in enumerate(images):
        Product.objects.filter(pk=image.product_id).update(group=f"joined {number}")
    photos = read_photos(encoders=[encoder.pk], labels="category")
    moved = set(photos.image_ids[split_photos(photos, encoder_id=encoder.pk, labels="category").judged].tolist())
    assert moved - held_out
    assert {int(one) for one in judge(space, rival=None).photos.image_ids} == moved & held_out


def test_a_replaced_photo_judges_unless_it_resembles_what_was_learned_from(encoder: Encoder) -> None:
    features, classes = class_features(6, 40)
    images = add_photos(encoder, features, [f"kind {code}" for code in classes])
    space = build_space(SpaceOptions(encoder=encoder, projection="pca", dimensions=8))
    held_out = space.fit_summary["held_out"]
    learned_from = next(row for row, image in enumerate(images) if image.pk not in held_out)
    fresh = class_features(1, 1, seed=99)[0]
    for image_id, replacement in zip(held_out[:2], [fresh, features[learned_from][None]], strict=True):
        ProductImage.objects.filter(pk=image_id).update(digest=f"{image_id:064x}")
        image = ProductImage.objects.get(pk=image_id)
        image.embedding_jobs.all().delete()
        embed(encoder, [image], replacement)
    assert {int(one) for one in judge(space, rival=None).photos.image_ids} == set(held_out) - {held_out[1]}


def test_photos_without_the_label_of_the_fit_are_held_out_too(encoder: Encoder) -> None:
    features, classes = class_features(6, 40)
    add_photos(encoder, features, brands=[f"brand {code}" for code in classes])
    space = build_space(SpaceOptions(encoder=encoder, projection="pca", dimensions=8))
    assert len(judge(space, rival=None, labels="category").photos) == 0
    assert {int(one) for one in judge(space, rival=None, labels="brand").photos.image_ids} == set(
        space.fit_summary["held_out"]
    )


def test_every_class_has_its_interval(encoder: Encoder) -> None:
    features, classes = class_features(4, 40)
    add_photos(encoder, features, [f"kind {code}" for code in classes])
    space = build_space(SpaceOptions(encoder=encoder, projection="pca", dimensions=8))
    judgement = judge(space, rival=None)
    quality = quality_of(judgement)
    assert set(quality.labels) == {f"kind-{code}" for code in range(4)}
    for name, one in quality.labels.items():
        rows = judgement.photos.classes[judgement.queries] == judgement.photos.names.index(name)
        assert one.queries == rows.sum()
        for system, scores in judgement.scores.items():
            for metric in METRICS:
                low, mean, high = one.systems[system][metric]
                assert mean == pytest.approx(scores.values[metric][rows].mean(), abs=1e-4)
                assert low <= mean <= high
    low, mean, high = quality.labels["kind-0"].systems["space"]["map@50"]
    assert low < mean < high
    assert f"{mean:.3f} ±{(high - low) / 2:.3f}" in tables.by_label(quality.labels)
    assert f"<td>{mean:.3f} <small>{low:.3f}–{high:.3f}</small></td>" in render(judgement, quality, {})


def test_classes_that_are_not_listed_are_counted(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate_quality, "MOST_LABELS", 3)
    monkeypatch.setattr(tables, "MOST_LABELS", 2)
    features, classes = class_features(5, 30)
    add_photos(encoder, features, [f"kind {code}" for code in classes])
    judgement = judge(build_space(SpaceOptions(encoder=encoder, projection="pca", dimensions=8)), rival=None)
    quality = evaluate_quality.quality_of(judgement)
    assert (len(quality.labels), quality.labels_left_out) == (3, 2)
    assert "3 smaller classes are not shown; --json lists the largest 3." in tables.quality(quality)
    assert "2 smaller classes are not listed." in render(judgement, quality, {})


def test_near_duplicates_are_alike_in_shape_whatever_their_colours(db: None, settings: Settings) -> None:
    settings.DUPLICATE_THRESHOLD = 0.99
    encoder = coloured_encoder()
    features = np.repeat(np.random.default_rng(2).standard_normal((6, DIMENSIONS)), 2, axis=0).astype(np.float32)
    images = add_photos(encoder, with_colours(features, np.arange(12, dtype=np.int32)), to_spaces=False)
    ids = np.array([image.pk for image in images])
    judged, others = near_duplicates(encoder.pk, ids[::2], ids[1::2])
    assert (judged.tolist(), others.tolist()) == (ids[::2].tolist(), ids[1::2].tolist())
