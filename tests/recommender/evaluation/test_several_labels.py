"""Several labels at once: their names, the classes of each and of the conjunction, and the judgement by all of them."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from catalog.models import Product
from recommender.evaluation.judging import catalogue_signature, judge
from recommender.evaluation.label_names import UnknownLabels, checked_labels, split_labels
from recommender.evaluation.labels import read_photos, too_few
from recommender.evaluation.live import live_scores
from recommender.evaluation.quality import quality_of
from recommender.evaluation.report import tables
from recommender.evaluation.report.page import render
from recommender.evaluation.split import split_photos
from recommender.models import Encoder, Space
from recommender.spaces.build import build_space
from recommender.spaces.first import ensure_first_space
from recommender.spaces.fit import CannotFit
from recommender.spaces.guard import verdict
from recommender.spaces.options import InvalidSpace, SpaceOptions
from recommender.spaces.switch import activate
from tests.recommender.spaces.gallery import add_photos, class_features, encoder_row

BOTH = "category,attribute:kind"


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("category", ["category"]),
        ("category, attribute:color", ["category", "attribute:color"]),
        ("brand,category,attribute:a", ["brand", "category", "attribute:a"]),
        ("attribute:size,EU", ["attribute:size,EU"]),
        ("attribute:size, EU,brand", ["attribute:size, EU", "brand"]),
        ("attribute:a:b,attribute:c", ["attribute:a:b", "attribute:c"]),
    ],
)
def test_labels_are_told_apart_by_commas_and_names_keep_theirs(text: str, labels: list[str]) -> None:
    assert split_labels(text) == labels
    assert split_labels(checked_labels(text)) == labels


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("category,colour", "there are no labels 'colour'; use category, brand, product or attribute:NAME"),
        ("category,", "there are no labels ''; use category"),
        (",brand", "there are no labels ''; use category"),
        ("category,attribute:", "there are no labels 'attribute:': a name of 1 to 200 characters follows attribute:"),
        ("attribute:" + "x" * 201, "a name of 1 to 200 characters follows attribute:"),
        ("brand,category,brand", "labels 'brand,category,brand': brand is named twice"),
        (
            "category,product",
            "labels 'category,product': a product has one of each other label, so product stands alone",
        ),
        (",".join(f"attribute:{letter * 180}" for letter in "abc"), "labels of more than 500 characters in all"),
    ],
)
def test_the_wrong_label_is_named(text: str, why: str) -> None:
    with pytest.raises(UnknownLabels) as refused:
        checked_labels(text)
    assert str(refused.value).startswith(why) or why in str(refused.value)


@pytest.mark.django_db
def test_a_photo_is_of_a_class_of_the_conjunction_where_it_has_every_label(encoder: Encoder) -> None:
    add_photos(
        encoder,
        class_features(1, 5)[0],
        ["A > x", "A > x", "A > y", "A > y", "A > x"],
        attribute=["red", "blue", "red", "", "red"],
    )
    photos = read_photos(encoders=[encoder.pk], labels=BOTH)
    assert [photos.names[code] if code >= 0 else None for code in photos.classes] == [
        "x + red", "x + blue", "y + red", None, "x + red"]  # fmt: skip
    assert [one.label for one in photos.each] == ["category", "attribute:kind"]
    assert [[one.names[code] if code >= 0 else None for code in one.classes] for one in photos.each] == [
        ["x", "x", "y", "y", "x"], ["red", "blue", "red", None, "red"]]  # fmt: skip
    families, names = photos.families()
    assert {photos.names[code]: names[family] for code, family in enumerate(families)} == {
        "x + red": "x", "x + blue": "x", "y + red": "y"}  # fmt: skip
    some = photos.taken(np.array([2, 4]))
    assert [one.classes.tolist() for one in some.each] == [[1, 0], [0, 0]]
    single = read_photos(encoders=[encoder.pk], labels="category")
    assert single.each == () and single.families()[1] == ["x", "y"]
    empty = read_photos(encoders=[encoder_row("none@1").pk], labels=BOTH)
    assert (len(empty), empty.names, len(empty.each)) == (0, [], 2)


@pytest.mark.django_db
def test_what_is_too_little_to_learn_from_names_the_label(encoder: Encoder) -> None:
    features, classes = class_features(3, 12)
    kinds = [f"v{row % 2}" for row in range(36)]
    add_photos(encoder, features, [f"kind {code}" for code in classes], attribute=kinds)
    assert too_few(read_photos(encoders=[encoder.pk], labels=BOTH)) is None
    assert too_few(read_photos(encoders=[encoder.pk], labels="category,brand")) == "brand: no photo has this label"
    first = Product.objects.order_by("pk").first()
    assert first is not None
    Product.objects.filter(pk=first.pk).update(brand="b")
    one_brand = "brand: all 1 labelled photos are of one class (b): nothing tells photos apart"
    assert too_few(read_photos(encoders=[encoder.pk], labels="category,brand")) == one_brand


@pytest.mark.django_db
def test_labels_that_hardly_ever_meet_are_too_few(encoder: Encoder) -> None:
    """Eight kinds of six photos, each in another of six colours: every kind and colour has enough, no pair has two."""
    features, classes = class_features(8, 6)
    colours = [f"v{row % 6}" for row in range(48)]
    add_photos(encoder, features, [f"kind {code}" for code in classes], attribute=colours)
    photos = read_photos(encoders=[encoder.pk], labels=BOTH)
    assert len(photos.names) == 48
    assert too_few(photos) == "48 of the 48 photos that have all these labels share them with fewer than 4 others"
    Product.objects.filter(sku="P-0").update(category=None)
    Product.objects.exclude(sku="P-0").update(attributes={})
    assert too_few(read_photos(encoders=[encoder.pk], labels="attribute:kind,category")) == (
        "attribute:kind: all 1 labelled photos are of one class (v0): nothing tells photos apart"
    )


@pytest.mark.django_db
def test_a_judgement_is_stale_when_either_label_of_any_photo_changes(encoder: Encoder) -> None:
    space = ensure_first_space(encoder=encoder)
    add_photos(encoder, class_features(1, 3)[0], ["A > x"] * 3, attribute=["red", "", "red"])
    signatures = [catalogue_signature(space, BOTH)]
    Product.objects.filter(sku="P-1").update(attributes={"kind": "blue"})
    signatures.append(catalogue_signature(space, BOTH))
    Product.objects.filter(sku="P-0").update(category=None)
    signatures.append(catalogue_signature(space, BOTH))
    assert len(set(signatures)) == 3


@pytest.fixture
def shop(encoder: Encoder) -> Space:
    """Ten kinds in two colours; one photo of twelve has no colour."""
    space = ensure_first_space(encoder=encoder)
    features, classes = class_features(10, 24)
    colours = [("", "red", "blue")[0 if row % 12 == 0 else 1 + row % 2] for row in range(len(classes))]
    add_photos(encoder, features, [f"Things > kind {code}" for code in classes], attribute=colours)
    return space


@pytest.mark.django_db
def test_a_space_is_learned_from_the_conjunction_and_judged_by_each(shop: Space) -> None:
    space = build_space(
        SpaceOptions(encoder=shop.encoder, projection="learned", dimensions=12, labels="category, attribute:kind")
    )
    assert space.labels == BOTH
    fit, quality = space.fit, space.judged
    assert fit is not None and quality is not None and fit.unseen_classes and fit.shrinkage is not None
    assert fit.labelled == 220 and len(fit.classes or ()) == 20
    kinds = {name.partition(" + ")[0] for name in fit.unseen_classes}
    assert len(kinds) == 2 and set(fit.unseen_classes) == {
        f"{kind} + {colour}" for kind in kinds for colour in ("red", "blue")
    }
    assert kinds.isdisjoint(name.partition(" + ")[0] for name in fit.judged_classes or ())
    assert quality.judged_by == BOTH and set(quality.each_label) == {"category", "attribute:kind"}
    for one in quality.each_label.values():
        assert one.systems.keys() == quality.systems.keys() and one.differences.keys() == quality.differences.keys()
        for name, parts in one.systems.items():
            assert parts.keys() == quality.systems[name].keys() == {"overall", "seen", "unseen"}
            # Who shares both labels shares each.
            assert parts["overall"]["p@10"].mean >= quality.systems[name]["overall"]["p@10"].mean
    gain = quality.each_label["category"].differences["pca"]["seen"]
    assert gain.low > 0.1
    text = tables.quality(quality) + tables.shrinkage(space)
    for words in (
        "all classes by all labels",
        "seen classes by category alone",
        "unseen classes by attribute:kind alone",
    ):
        assert words in text
    assert f"mAP@50 against pca, refitted, seen classes by category alone: {tables.with_sign(gain)}" in text
    assert (
        f"Shrinkage {fit.shrinkage.value:g}, chosen on {fit.judged_photos} photos by leaving classes out 5 times"
        in text
    )
    assert activate(space.name).space == space


@pytest.mark.django_db
def test_what_is_forgotten_is_judged_by_the_first_label(shop: Space) -> None:
    """Whose classes it was that were left out; the other labels' values were met in other classes."""
    space = build_space(SpaceOptions(encoder=shop.encoder, projection="learned", dimensions=12, labels=BOTH))
    assert space.judged is not None and verdict(space).objections == []
    for label, forgets in (("attribute:kind", False), ("category", True)):
        quality = space.quality
        quality["each_label"][label]["differences"]["pca"]["unseen"] = [-0.3, -0.2, -0.1]
        Space.objects.filter(pk=space.pk).update(quality=quality)
        space.refresh_from_db()
        assert bool(verdict(space).objections) == forgets


@pytest.mark.django_db
def test_figures_by_each_label_are_of_the_same_answers(shop: Space) -> None:
    judgement = judge(shop, rival=None, labels=BOTH)
    photos, queries = judgement.photos, judgement.queries
    ranked = judgement.scores["space"].ranked
    for one in photos.each:
        scores = judgement.each_label[one.label]["space"]
        assert np.array_equal(scores.ranked, ranked)
        hits = one.classes[ranked[:, :10]] == one.classes[queries][:, None]
        assert np.allclose(scores.values["p@10"], hits.mean(axis=1))
    assert (photos.classes >= 0).all()
    page = render(judgement, quality_of(judgement), {})
    assert "All classes by category alone" in page and "All classes by all labels" in page


@pytest.mark.django_db
def test_live_figures_are_by_each_label_too(shop: Space) -> None:
    live = live_scores(shop, labels=BOTH)
    assert len(live.image_ids) == 220 and live.each_label.keys() == {"category", "attribute:kind"}
    for scores in live.each_label.values():
        assert scores.keys() == live.scores.keys() == {"index", "exact", "histogram"}
        for way, one in scores.items():
            assert np.array_equal(one.ranked, live.scores[way].ranked)
            assert (one.values["p@10"] >= live.scores[way].values["p@10"]).all()


@pytest.mark.django_db
def test_a_split_leaves_out_a_first_label_as_a_whole(shop: Space) -> None:
    photos = read_photos(encoders=[shop.encoder_id], labels="attribute:kind,category")
    unseen = split_photos(photos, encoder_id=shop.encoder_id, labels="attribute:kind,category").unseen
    assert not unseen.any()  # two colours are too few to leave one out
    photos = read_photos(encoders=[shop.encoder_id], labels=BOTH)
    assert split_photos(photos, encoder_id=shop.encoder_id, labels=BOTH).unseen.sum() == 4


@pytest.mark.django_db
def test_commands_take_lists_and_name_what_is_wrong(shop: Space) -> None:
    out = io.StringIO()
    call_command("evaluate", "--labels", BOTH, stdout=out)
    assert f"All photos, leave-one-out by {BOTH}: 220 queries of 240 photos" in out.getvalue()
    assert "The same answers by attribute:kind alone" in out.getvalue()
    with pytest.raises(CommandError, match="there are no labels 'colour'"):
        call_command("evaluate", "--labels", "category,colour", stdout=io.StringIO())
    options = SpaceOptions(encoder=shop.encoder, projection="learned", dimensions=6, labels="category,brand")
    with pytest.raises(CannotFit, match="labels category,brand: brand: no photo has this label"):
        build_space(options)
    with pytest.raises(InvalidSpace, match="labels 'category,category': category is named twice"):
        build_space(replace(options, labels="category,category"))
