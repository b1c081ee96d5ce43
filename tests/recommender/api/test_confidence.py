"""Confidence in the API: with every result, as a threshold wherever a search is asked, refused while nothing is fitted."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from PIL import Image
from pytest_django import Settings

from recommender.models import Space
from recommender.records.calibration import PERCENTILE, Curve
from recommender.search.filters import SearchOptions
from recommender.search.similarity import similar_to_features
from recommender.spaces import active
from tests.catalog.factories import make_image
from tests.recommender.api.test_api import API, post, problem
from tests.recommender.search.calibrations import calibration_of, linear_calibration
from tests.recommender.search.gallery import Shop, random_units
from tests.recommender.search.parted import parted_shop, random_parted

VECTORS = random_units(40, seed=9)


@pytest.fixture(autouse=True)
def uncached(settings: Settings) -> None:
    settings.ANSWER_CACHE_SECONDS = 0
    cache.clear()
    active.forget_active_space()


@pytest.fixture
def filled(shop: Shop) -> Shop:
    shop.add_many([(VECTORS[i : i + 1], {}) for i in range(40)])
    return shop


@pytest.fixture
def fitted(filled: Shop) -> Shop:
    Space.objects.update(calibration=linear_calibration().as_json())
    active.forget_active_space()
    return filled


def expected(score: float) -> float:
    return round(100 * min(1.0, max(0.0, (score + 0.5) / 1.4)), 1)


def confidences(results: list[dict[str, Any]]) -> list[float]:
    return [one["confidence"] for one in results]


def test_every_result_says_what_its_score_means(client: Client, fitted: Shop) -> None:
    one, two, *_ = sorted(fitted.products)
    answers = [
        client.get(f"{API}products/{one}/similar/").json(),
        client.get(f"{API}products/{one}/similar/?image=all").json(),
        post(client, "recommendations/", {"positive": [one], "negative": [two]}).json(),
    ]
    for answer in answers:
        assert answer["confidence_basis"] == "labels" and len(answer["results"]) == 12
        for result in answer["results"]:
            assert result["confidence"] == pytest.approx(expected(result["score"]), abs=0.1)
    batch = post(client, "similar/batch/", {"products": [one, two]}).json()
    assert batch["confidence_basis"] == "labels"
    assert confidences(batch["results"][str(one)]) == confidences(answers[0]["results"])


def test_a_photo_and_a_colour_have_confidences_of_their_own_weight(client: Client, db: None) -> None:
    shop = parted_shop(*[(one, {}) for one in random_parted(16, seed=2)])
    sure, unsure = (
        Curve(weight=weight, scores=(0.0,), confidences=(value,)) for weight, value in ((0.0, 90.0), (1.0, 10.0))
    )
    Space.objects.update(calibration=calibration_of(sure, unsure, basis=PERCENTILE).as_json())
    active.forget_active_space()
    path = f"{API}products/{min(shop.products)}/similar/"
    for weight, value in ((0, 90.0), (0.25, 70.0), (1, 10.0)):
        answer = client.get(path, {"color_weight": weight}).json()
        assert set(confidences(answer["results"])) == {value} and answer["confidence_basis"] == "percentile"
    by_colour = client.get(f"{API}search/color/", {"hex": "c04a1f"}).json()
    assert set(confidences(by_colour["results"])) == {10.0} and by_colour["confidence_basis"] == "percentile"


def test_a_photo_of_a_shopper_has_them_too(fitted: Shop) -> None:
    answer = similar_to_features(
        encoder_id=fitted.space.encoder_id, features=VECTORS[0], options=SearchOptions(min_confidence=50), query={}
    )
    assert answer.confidence_basis == "labels" and 0 < len(answer.found) < 40
    assert all(one.confidence is not None and one.confidence >= 50 for one in answer.found)


@pytest.mark.parametrize("least", [0, 35.5, 60, 75, 100])
def test_the_least_confidence_is_a_threshold_everywhere(client: Client, fitted: Shop, least: float) -> None:
    one, two, *_ = sorted(fitted.products)
    whole = client.get(f"{API}products/{one}/similar/?limit=100").json()["results"]
    above = [result["product"]["id"] for result in whole if result["confidence"] >= least]

    def shown(results: list[dict[str, Any]]) -> list[int]:
        return [result["product"]["id"] for result in results]

    query = {"limit": 100, "min_confidence": least}
    assert shown(client.get(f"{API}products/{one}/similar/", query).json()["results"]) == above
    batch = post(client, "similar/batch/", {"products": [one, two], **query}).json()
    assert shown(batch["results"][str(one)]) == above
    liked = post(client, "recommendations/", {"positive": [one], **query}).json()
    assert all(value >= least for value in confidences(liked["results"]))
    filled = client.get(f"{API}products/{one}/similar/", {**query, "min_score": 0.2}).json()["results"]
    assert shown(filled) == [r["product"]["id"] for r in whole if r["confidence"] >= least and r["score"] >= 0.2]


def test_a_short_page_is_filled_from_the_category(client: Client, fitted: Shop) -> None:
    from tests.recommender.search.gallery import make_tree

    tree = make_tree()
    for product in fitted.products.values():
        product.category = tree["dress"]
        product.save()
    path = f"{API}products/{min(fitted.products)}/similar/"
    answer = client.get(path, {"min_confidence": 99.9, "min_results": 7}).json()
    assert (answer["fallback"], len(answer["results"])) == ("category", 7)


def test_while_nothing_is_fitted_it_is_null_and_a_least_one_is_refused(client: Client, filled: Shop) -> None:
    one = min(filled.products)
    answer = client.get(f"{API}products/{one}/similar/").json()
    assert answer["confidence_basis"] is None and set(confidences(answer["results"])) == {None}
    assert post(client, "similar/batch/", {"products": [one]}).json()["confidence_basis"] is None
    for response in (
        client.get(f"{API}products/{one}/similar/?min_confidence=50"),
        post(client, "similar/batch/", {"products": [one], "min_confidence": 50}),
        post(client, "recommendations/", {"positive": [one], "min_confidence": 50}),
        client.get(f"{API}products/{make_image().product.pk}/similar/?min_confidence=50"),
    ):
        detail = problem(response, 400, "min_confidence")["detail"]
        assert "spaces evaluate test" in detail and "min_score" in detail


@pytest.mark.parametrize("value", ["-1", "100.5", "nan", "sure", "٥٠"])
def test_a_bad_least_confidence_is_named(client: Client, fitted: Shop, value: str) -> None:
    one = min(fitted.products)
    problem(client.get(f"{API}products/{one}/similar/", {"min_confidence": value}), 400, "min_confidence")
    problem(post(client, "recommendations/", {"positive": [one], "min_confidence": value}), 400, "min_confidence")


def test_a_product_that_waits_still_says_by_what_confidences_go(client: Client, fitted: Shop) -> None:
    answer = client.get(f"{API}products/{make_image().product.pk}/similar/?min_confidence=50").json()
    assert (answer["status"], answer["confidence_basis"], answer["results"]) == ("pending", "labels", [])


def test_duplicates_have_none_for_their_scores_are_of_plain_features(client: Client, fitted: Shop) -> None:
    answer = client.get(f"{API}products/{min(fitted.products)}/duplicates/").json()
    assert answer["confidence_basis"] is None
    problem(client.get(f"{API}products/{min(fitted.products)}/duplicates/?min_confidence=5"), 400, "min_confidence")


def test_a_malformed_calibration_leaves_answers_without_confidence(client: Client, filled: Shop) -> None:
    Space.objects.update(calibration={"basis": "labels", "fitted_at": "2026-11-28T12:00:00+00:00"})
    active.forget_active_space()
    response = client.get(f"{API}products/{min(filled.products)}/similar/")
    assert response.status_code == 200 and response.json()["confidence_basis"] is None


def test_a_search_by_photo_takes_the_parameter(client: Client, fitted: Shop) -> None:
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "PNG")
    file.seek(0)
    response = client.post(f"{API}search/image/?min_confidence=101", {"image": file})
    problem(response, 400, "min_confidence")


def test_the_schema_says_it_wherever_the_least_score_is_said(client: Client, db: None) -> None:
    schema = client.get("/api/schema/?format=json").json()
    operations = [one for path in schema["paths"].values() for one in path.values() if isinstance(one, dict)]
    named = [{one["name"] for one in operation.get("parameters", [])} for operation in operations]
    with_score = [names for names in named if "min_score" in names]
    assert len(with_score) == 3 and all("min_confidence" in names for names in with_score)
    for name in ("Answer", "BatchAnswer"):
        assert "confidence_basis" in schema["components"]["schemas"][name]["properties"]
