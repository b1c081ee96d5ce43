"""Confidences: fitted with a build and by the beat, and meaning the same before and after a switch."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta

import numpy as np
import orjson
import pytest
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from catalog.models import Product, ProductImage
from recommender.evaluation.calibration import MOST_PHOTOS, calibrate, judging_products
from recommender.evaluation.report.confidence import for_terminal
from recommender.models import Encoder, Placeholder, PlaceholderFile, Space
from recommender.records.calibration import LABELS, PERCENTILE, Bin
from recommender.schedule import BEAT_SCHEDULE
from recommender.search.filters import SearchOptions
from recommender.search.similarity import similar_to_each
from recommender.spaces import active as active_spaces
from recommender.spaces.build import build_space
from recommender.spaces.calibrating import calibrate_active
from recommender.spaces.first import ensure_first_space
from recommender.spaces.options import SpaceOptions
from recommender.spaces.switch import activate
from recommender.tasks import calibrate_space
from tests.recommender.search.calibrations import linear_calibration
from tests.recommender.spaces.gallery import add_photos, class_features, coloured_encoder, embed, with_colours

pytestmark = pytest.mark.django_db

CLASSES, PHOTOS, COLOURS = 12, 50, 5
NEAR = 0.05  # how far a share may be from the confidences


def drawn(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Features float32 (600, 24) of 12 classes, and the classes: the photos of each lie from near to far from its middle."""
    generator = np.random.default_rng(seed)
    classes = np.repeat(np.arange(CLASSES, dtype=np.int32), PHOTOS)
    spread = np.tile(np.linspace(0.6, 2.0, PHOTOS), CLASSES)[:, None]
    middles = generator.standard_normal((CLASSES, 24))
    return (middles[classes] + generator.standard_normal((len(classes), 24)) * spread).astype(np.float32), classes


def shop() -> tuple[Encoder, list[ProductImage], np.ndarray, np.ndarray]:
    """600 photos of 12 categories in 5 colours, in the active first space."""
    encoder = coloured_encoder()
    ensure_first_space(encoder=encoder)
    features, classes = drawn()
    colours = np.random.default_rng(2).integers(0, COLOURS, len(classes)).astype(np.int32)
    images = add_photos(
        encoder,
        with_colours(features, colours),
        [f"Things > kind {code}" for code in classes],
        attribute=[f"colour {code}" for code in colours],
    )
    return encoder, images, features, colours


def labels_by_product(labels: str) -> dict[int, object]:
    if labels == "category":
        return dict(Product.objects.values_list("pk", "category_id"))
    return {
        pk: (category, kind)
        for pk, category, kind in Product.objects.values_list("pk", "category_id", "attributes__kind")
    }


def middle(labels: str = "category", *, color_weight: float | None = None) -> tuple[int, float, float]:
    """Of the answers of confidence 40 to 60 to the products that no curve was fitted on: how many, their mean confidence and the
    share of equal labels, both 0 to 1."""
    active_spaces.forget_active_space()
    of = labels_by_product(labels)
    products = judging_products(Space.objects.get(state=Space.State.ACTIVE))
    assert len(products) == CLASSES * PHOTOS / 4
    confidences, alike = [], []
    for start in range(0, len(products), 100):
        answers = similar_to_each(
            product_ids=products[start : start + 100], options=SearchOptions(limit=50, color_weight=color_weight)
        )
        for asking, answer in answers.items():
            assert answer.confidence_basis == LABELS
            for one in answer.found:
                assert one.confidence is not None
                confidences.append(one.confidence)
                alike.append(of[one.product_id] == of[asking])
    found = np.array(confidences)
    chosen = (found >= 40) & (found <= 60)
    return int(chosen.sum()), float(found[chosen].mean() / 100), float(np.array(alike)[chosen].mean())


def holds(*figures: tuple[int, float, float]) -> None:
    for count, confidence, share in figures:
        assert count > 300
        assert share == pytest.approx(confidence, abs=NEAR)


def test_confidence_means_the_same_before_and_after_a_switch() -> None:
    encoder, images, features, colours = shop()
    calibrate_space()
    holds(middle(), middle(color_weight=0.0), middle(color_weight=0.25))
    scores_meant = middle_score()

    activate(build_space(SpaceOptions(encoder=encoder, projection=Space.Kind.PCA, dimensions=16)).name, force=True)
    holds(middle(), middle(color_weight=0.0), middle(color_weight=0.25))

    learned = SpaceOptions(encoder=encoder, projection=Space.Kind.LEARNED, dimensions=16, labels="category")
    activate(build_space(learned).name, force=True)
    holds(middle(), middle(color_weight=0.0), middle(color_weight=0.25))

    other = coloured_encoder("other@2", dimensions=32)
    generator = np.random.default_rng(8)
    seen = features @ generator.standard_normal((features.shape[1], 32)) + generator.standard_normal(
        (len(features), 32)
    )
    embed(other, images, with_colours(seen.astype(np.float32), colours, seed=9), to_spaces=False)
    activate(build_space(SpaceOptions(encoder=other, projection=Space.Kind.PCA, dimensions=16)).name, force=True)
    holds(middle(), middle(color_weight=0.0), middle(color_weight=0.25))
    assert abs(middle_score() - scores_meant) > 0.05  # a threshold of scores would have moved


def middle_score() -> float:
    """The score that means a confidence of 50 in the active space at its own weight."""
    space = Space.objects.get(state=Space.State.ACTIVE)
    assert space.calibrated is not None
    curve = next(one for one in space.calibrated.curves if one.weight == space.colour_weight)
    return float(np.interp(50, curve.confidences, curve.scores))


def test_of_several_labels_alike_is_what_shares_them_all() -> None:
    encoder, *_ = shop()
    labels = "category,attribute:kind"
    options = SpaceOptions(encoder=encoder, projection=Space.Kind.LEARNED, dimensions=16, labels=labels)
    space = build_space(options)
    assert space.calibrated is not None and (space.calibrated.basis, space.calibrated.labels) == (LABELS, labels)
    activate(space.name, force=True)
    for weight in (None, 0.5):
        _, confidence, share = middle(labels, color_weight=weight)
        assert share == pytest.approx(confidence, abs=NEAR)


def test_the_error_on_other_queries_is_small_and_the_base_rates_are_true() -> None:
    encoder, *_ = shop()
    found = build_space(SpaceOptions(encoder=encoder, projection=Space.Kind.PCA, dimensions=16)).calibrated
    assert found is not None and (found.basis, found.labels, found.photos) == (LABELS, "category", 600)
    assert (found.queries, found.judged_queries, found.unseen_error) == (450, 150, None)
    assert [one.weight for one in found.curves] == [0, 0.1, 0.18, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]
    assert all(one.error is not None and one.error <= 0.05 for one in found.curves)
    assert sum(one.answers for one in found.reliability) == 150 * 50
    share = sum(one.answers * one.share for one in found.reliability) / (150 * 50)
    assert found.answers_share == pytest.approx(share, abs=1e-3)
    assert found.pairs_share == pytest.approx(CLASSES * PHOTOS * (PHOTOS - 1) / (600 * 599), abs=1e-4)


def test_a_learned_space_says_the_error_on_photos_its_fit_never_saw() -> None:
    encoder, *_ = shop()
    options = SpaceOptions(encoder=encoder, projection=Space.Kind.LEARNED, dimensions=16, labels="category")
    found = build_space(options).calibrated
    assert found is not None and found.unseen_error is not None and 0 < found.unseen_error < 0.3


def test_variant_groups_ask_once_and_are_counted_once() -> None:
    encoder = coloured_encoder()
    space = ensure_first_space(encoder=encoder)
    features, classes = class_features(6, 30)
    groups = [f"group {number // 3}" for number in range(len(features))]  # ten of each class
    add_photos(encoder, with_colours(features, classes), [f"kind {code}" for code in classes], groups=groups)
    found = calibrate(space)
    assert found is not None and (found.basis, found.queries, found.judged_queries) == (LABELS, 45, 15)
    assert found.pairs_share == pytest.approx(9 / 59, abs=1e-4)


def test_placeholders_do_not_make_photos_enough(caplog: pytest.LogCaptureFixture) -> None:
    space = ensure_first_space(encoder=coloured_encoder())
    features, classes = class_features(2, 40)
    images = add_photos(space.encoder, with_colours(features, classes)[:60])
    for image in images[:20]:
        placeholder = Placeholder.objects.create(digest=image.digest, groups=30, found=True)
        PlaceholderFile.objects.create(digest=image.digest, placeholder=placeholder)
    assert (calibrate(space), calibrate_active()) == (None, False)
    assert "confidences" not in caplog.text


def test_without_labels_it_is_a_percentile_and_with_few_photos_nothing() -> None:
    encoder = coloured_encoder()
    space = ensure_first_space(encoder=encoder)
    features, classes = class_features(2, 40)
    rows = with_colours(features, classes)
    add_photos(encoder, rows[:49])
    assert calibrate(space) is None
    calibrate_space()
    assert Space.objects.get(pk=space.pk).calibration == {}
    add_photos(encoder, rows[49:], prefix="more")
    calibrate_space()
    found = Space.objects.get(pk=space.pk).calibrated
    assert found is not None and (found.basis, found.labels, found.queries) == (PERCENTILE, "", 80)
    assert (found.answers_share, found.reliability, found.unseen_error) == (None, (), None)
    active_spaces.forget_active_space()
    products = list(Product.objects.values_list("pk", flat=True))
    answers = similar_to_each(product_ids=products, options=SearchOptions(limit=50)).values()
    shown = np.array([one.confidence for answer in answers for one in answer.found], float)
    assert {answer.confidence_basis for answer in answers} == {PERCENTILE}
    for part in (10, 50, 90):
        assert (shown < part).mean() == pytest.approx(part / 100, abs=0.03)


def test_one_class_alone_says_nothing_of_what_is_alike() -> None:
    encoder = coloured_encoder()
    space = ensure_first_space(encoder=encoder)
    features, classes = class_features(2, 40)
    add_photos(encoder, with_colours(features, classes), ["Things"] * 80)
    found = calibrate(space)
    assert found is not None and found.basis == PERCENTILE


def test_by_product_nothing_is_alike_so_categories_say_it() -> None:
    encoder, *_ = shop()
    options = SpaceOptions(encoder=encoder, projection=Space.Kind.LEARNED, dimensions=16, labels="product")
    space = Space.objects.get(state=Space.State.ACTIVE)
    space.labels = options.labels
    found = calibrate(space)
    assert found is not None and (found.basis, found.labels) == (LABELS, "category")


@pytest.mark.parametrize("metric", ["l2", "ip", "l1"])
def test_every_metric_has_confidences_of_the_scores_it_answers_with(metric: str) -> None:
    encoder, *_ = shop()
    activate(
        build_space(
            SpaceOptions(encoder=encoder, projection=Space.Kind.PCA, dimensions=16, metric=metric, colour_weight=0)
        ).name,
        force=True,
    )
    holds(middle())


def test_an_augmented_space_too() -> None:
    encoder, *_ = shop()
    activate(
        build_space(
            SpaceOptions(encoder=encoder, projection=Space.Kind.PCA, dimensions=16, augment=5, colour_weight=0)
        ).name,
        force=True,
    )
    holds(middle())


def test_it_is_fitted_anew_when_the_shop_has_grown_shrunk_or_a_day_has_passed() -> None:
    encoder, *_ = shop()
    space = Space.objects.get(state=Space.State.ACTIVE)

    def fitted_at() -> object:
        calibrated = Space.objects.get(pk=space.pk).calibrated
        return calibrated and calibrated.fitted_at

    calibrate_space()
    first = fitted_at()
    assert first is not None
    calibrate_space()
    assert fitted_at() == first
    features, classes = class_features(CLASSES, 26, seed=5)
    add_photos(encoder, with_colours(features, classes % COLOURS), prefix="new", published=False)
    calibrate_space()
    assert fitted_at() == first  # unpublished products are no answers
    Product.objects.update(published=True)
    calibrate_space()
    second = fitted_at()
    assert second != first
    aged = Space.objects.get(pk=space.pk)
    aged.calibration["fitted_at"] = (timezone.now() - timedelta(days=1, minutes=1)).isoformat()
    aged.save(update_fields=["calibration"])
    calibrate_space()
    third = fitted_at()
    assert third not in (first, second)
    Product.objects.filter(sku__startswith="new").update(published=False)
    Product.objects.filter(sku__endswith="1").update(published=False)
    calibrate_space()
    assert fitted_at() != third


def test_a_malformed_calibration_is_replaced() -> None:
    shop()
    Space.objects.filter(state=Space.State.ACTIVE).update(calibration={"basis": "labels"})
    calibrate_space()
    assert Space.objects.get(state=Space.State.ACTIVE).calibrated is not None


def test_beat_sends_the_task() -> None:
    (entry,) = [one for one in BEAT_SCHEDULE.values() if one["task"] == calibrate_space.name]
    assert entry["schedule"] == settings.IMPROVE_SECONDS


def test_a_space_that_an_earlier_version_built_is_calibrated_before_it_answers() -> None:
    encoder, *_ = shop()
    space = build_space(SpaceOptions(encoder=encoder, projection=Space.Kind.PCA, dimensions=16))
    Space.objects.filter(pk=space.pk).update(calibration={})
    activate(space.name, force=True)
    assert Space.objects.get(pk=space.pk).calibrated is not None


def test_a_process_that_answers_takes_up_a_new_calibration_as_a_new_instance() -> None:
    shop()
    active_spaces.forget_active_space()
    before = active_spaces.active_space()
    assert before is not None and before.calibration == {}
    calibrate_space()
    after = active_spaces.active_space()
    assert after is not None and after is not before and before.calibration == {}
    assert after.calibrated is not None and active_spaces.active_space() is after


def test_of_a_large_shop_a_sample_is_asked_for_fewer_places(monkeypatch: pytest.MonkeyPatch) -> None:
    shop()
    space = Space.objects.get(state=Space.State.ACTIVE)
    whole = calibrate(space)
    assert MOST_PHOTOS == 20_000
    monkeypatch.setattr("recommender.evaluation.calibration.MOST_PHOTOS", 200)
    sampled = calibrate(space)
    assert whole is not None and sampled is not None and sampled.photos == 600
    assert sum(one.answers for one in sampled.reliability) == sampled.judged_queries * 17  # a third of fifty
    own = [next(one for one in each.curves if one.weight == space.colour_weight) for each in (whole, sampled)]
    at = np.linspace(own[1].scores[2], own[1].scores[-3], 20)
    apart = np.abs(np.diff([np.interp(at, one.scores, one.confidences) for one in own], axis=0))
    assert apart.mean() < 8


def test_the_plot_of_a_terminal_marks_share_confidence_and_base_rate() -> None:
    bins = (Bin(answers=1200, confidence=0.1, share=0.2), Bin(answers=30, confidence=1.0, share=0.9))
    made = replace(linear_calibration(), reliability=bins, answers_share=0.5, pairs_share=0.1)
    made = replace(made, curves=(replace(made.curves[0], error=0.1),))
    space = Space(calibration=made.as_json(), colour_dimensions=0)
    *_, few, many = for_terminal(space).rstrip("\n").split("\n")
    assert few == "10.0            20.0    1,200  " + "=" * 5 + "|" + "=" * 4 + " " * 15 + ":"
    assert many == "100.0           90.0       30  " + "=" * 25 + ":" + "=" * 19 + "     |"


def test_evaluations_say_it_in_text_json_and_the_report(tmp_path: object) -> None:
    from pathlib import Path

    encoder, *_ = shop()
    space = build_space(SpaceOptions(encoder=encoder, projection=Space.Kind.PCA, dimensions=16))
    said = told("spaces", "evaluate", space.name)
    assert "Confidence by category, fitted on the first 50 answers to 450 photos, judged on those to 150 others" in said
    assert (
        "expected calibration error 0.0" in said and "Base rate: " in said and "confidence  alike, %  answers" in said
    )
    assert "= alike, | confidence, : base rate" in said
    figures = orjson.loads(told("spaces", "evaluate", space.name, "--json"))
    assert figures["calibration"]["basis"] == LABELS and len(figures["calibration"]["curves"]) == 12
    page, file = Path(str(tmp_path)) / "page.html", Path(str(tmp_path)) / "figures.json"
    said = told("evaluate", "--space", space.name, "--report", str(page), "--json", str(file))
    assert "expected calibration error 0.0" in said
    assert orjson.loads(file.read_bytes())["calibration"]["labels"] == "category"
    html = page.read_text(encoding="utf-8")
    assert "Reliability of confidence by category, 150 queries it was not fitted on" in html and "base rate" in html


def told(*line: str) -> str:
    out = io.StringIO()
    call_command(*line, stdout=out, stderr=io.StringIO())
    return out.getvalue()
