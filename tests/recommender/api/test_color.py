"""Colour in the API: the weight of colour wherever a search is asked, the parts of scores, search by colours, a product's own."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from catalog.filters.chosen import Filters
from catalog.models import ProductImage
from recommender.encoder.colour import colour_row
from recommender.models import EmbeddingJob, ImageFeatures, Placeholder, PlaceholderFile
from tests.catalog.factories import make_image, make_product
from tests.recommender.api.test_api import API, post, problem
from tests.recommender.index.engines import chosen
from tests.recommender.search.gallery import Shop, random_units
from tests.recommender.search.parted import ALPHA, SHAPE, expected_answer, parted_shop, random_parted

PHOTOS = random_parted(16, seed=2)


@pytest.fixture
def coloured(db: None, settings: Settings) -> Iterator[Shop]:
    settings.ANSWER_CACHE_SECONDS = 60
    cache.clear()
    with chosen("pgvector"):
        yield parted_shop(*[(one, {}) for one in PHOTOS])


def ids(answer: object) -> list[int]:
    assert isinstance(answer, dict)
    return [one["product"]["id"] for one in answer["results"]]


def expected(shop: Shop, asking: int, weight: float) -> list[int]:
    vector = shop.vectors[shop.photos(shop.products[asking])[0]]
    return [one.product_id for one in expected_answer(shop, [vector], Filters(), weight) if one.product_id != asking][
        :12
    ]


@pytest.mark.parametrize("weight", ["5e-324", "1e-300", "1e-10"])
def test_a_weight_that_no_score_could_show_is_none(client: Client, coloured: Shop, weight: str) -> None:
    """Postgres refuses a product that is too small for its numbers, of such a weight and a cosine."""
    asking = min(coloured.products)
    path = f"{API}products/{asking}/similar/"
    bodies = {"recommendations/": {"positive": [asking]}, "similar/batch/": {"products": [asking]}}
    for without, with_it in [
        (client.get(path, {"color_weight": 0}), client.get(path, {"color_weight": weight})),
        *(
            (post(client, path, body | {"color_weight": 0}), post(client, path, body | {"color_weight": float(weight)}))
            for path, body in bodies.items()
        ),
    ]:
        assert (without.status_code, with_it.status_code) == (200, 200)
        assert with_it.json() | {"took_ms": 0} == without.json() | {"took_ms": 0}


def test_the_weight_is_a_part_of_the_question_and_of_what_is_kept(client: Client, coloured: Shop) -> None:
    asking = min(coloured.products)
    path = f"{API}products/{asking}/similar/"
    answers = {weight: client.get(path, {"color_weight": weight}).json() for weight in ("0", "0.5", "1")}
    for weight, answer in answers.items():
        assert ids(answer) == expected(coloured, asking, float(weight))
        assert answer["query"]["color_weight"] == float(weight)
        assert client.get(path, {"color_weight": weight}).json() == answer  # kept: the same took_ms
        for one in answer["results"]:
            scores = one["scores"]
            assert list(scores) == ["shape", "color"]
            sum_ = (1 - float(weight)) * scores["shape"] + float(weight) * scores["color"]
            assert one["score"] == pytest.approx(sum_, abs=5.1e-7)
            assert one["distance"] == pytest.approx(1 - one["score"], abs=1e-9)
        shown = [one["score"] for one in answer["results"]]
        assert shown == sorted(shown, reverse=True)
    unset = client.get(path).json()
    assert unset["query"]["color_weight"] == ALPHA and ids(unset) == expected(coloured, asking, ALPHA)


def test_the_weight_in_json_and_in_the_query_string_of_a_post(client: Client, coloured: Shop) -> None:
    one, two, *_ = sorted(coloured.products)
    batch = post(client, "similar/batch/", {"products": [one, two], "color_weight": 0.5}).json()
    assert batch["query"] == {"color_weight": 0.5}
    for asking in (one, two):
        found = [each["product"]["id"] for each in batch["results"][str(asking)]]
        assert found == expected(coloured, asking, 0.5)
    by_string = post(client, "similar/batch/?color_weight=0.5", {"products": [one, two]}).json()
    assert by_string == batch
    liked = post(client, "recommendations/", {"positive": [one], "color_weight": 1}).json()
    assert ids(liked) == expected(coloured, one, 1.0) and liked["query"]["color_weight"] == 1.0


@pytest.mark.parametrize("value", ["1.01", "-0.1", "red", "nan", "٠", "0_1"])
def test_a_bad_weight_is_named(client: Client, coloured: Shop, value: str) -> None:
    asking, other, *_ = sorted(coloured.products)
    problem(client.get(f"{API}products/{asking}/similar/", {"color_weight": value}), 400, "color_weight")
    problem(client.get(f"{API}products/{asking}/similar/{other}/why/", {"color_weight": value}), 400, "color_weight")
    problem(post(client, "recommendations/", {"positive": [asking], "color_weight": value}), 400, "color_weight")
    problem(post(client, "similar/batch/", {"products": [asking], "color_weight": value}), 400, "color_weight")


def test_a_weight_of_minus_zero_is_zero(client: Client, coloured: Shop) -> None:
    asking = min(coloured.products)
    response = client.get(f"{API}products/{asking}/similar/", {"color_weight": "-0"})
    assert response.status_code == 200 and b'"color_weight":0.0' in response.content


def test_a_space_without_colour_names_the_upgrade(client: Client, shop: Shop) -> None:
    one, two = (shop.add(vector) for vector in random_units(2))
    for response in (
        client.get(f"{API}products/{one.pk}/similar/?color_weight=0.5"),
        client.get(f"{API}products/{one.pk}/similar/{two.pk}/why/?color_weight=0.5"),
        post(client, "recommendations/", {"positive": [one.pk], "color_weight": 0.5}),
        post(client, "similar/batch/", {"products": [one.pk], "color_weight": 0.5}),
    ):
        assert "spaces upgrade" in problem(response, 400, "color_weight")["detail"]
    assert "spaces upgrade" in problem(client.get(f"{API}search/color/?hex=fff"), 400, "hex")["detail"]
    assert client.get(f"{API}products/{one.pk}/colors/").json() == {"status": "unavailable", "colors": []}
    answer = client.get(f"{API}products/{one.pk}/similar/").json()
    assert "color_weight" not in answer["query"]
    assert [each["scores"] for each in answer["results"]] == [{"shape": answer["results"][0]["score"], "color": None}]


def test_search_by_colours(client: Client, coloured: Shop) -> None:
    path = f"{API}search/color/"
    response = client.get(path, {"hex": "#c04a1f:3,fff", "limit": 5})
    answer = response.json()
    assert response.status_code == 200 and response.headers["Cache-Control"] == "private, no-cache"
    assert list(answer) == ["status", "space", "exact", "fallback", "confidence_basis", "took_ms", "query", "results"]
    assert answer["query"] == {"hex": ["c04a1f", "ffffff"], "color_weight": 1.0}
    assert len(answer["results"]) == 5
    assert all(one["scores"] == {"shape": None, "color": one["score"]} for one in answer["results"])
    assert client.get(path, {"hex": "#c04a1f:3,fff", "limit": 5}).json() == answer
    assert ids(client.get(path, {"hex": ["c04a1f:3", "ffffff:1"], "limit": 5}).json()) == ids(answer)
    first = ids(answer)[0]
    assert ids(client.get(path, {"hex": "#c04a1f:3,fff", "limit": 4, "exclude": first}).json()) == ids(answer)[1:]
    exact = client.get(path, {"hex": "#c04a1f:3,fff", "limit": 5, "exact": "true", "diversity": "0"}).json()
    assert exact["exact"] is True and ids(exact) == ids(answer)
    least = answer["results"][1]["score"]
    assert ids(client.get(path, {"hex": "#c04a1f:3,fff", "min_score": least}).json()) == ids(answer)[:2]


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({}, "hex"),
        ({"hex": "c04a1"}, "hex"),
        ({"hex": "fff:0"}, "hex"),
        ({"hex": "fff:٣"}, "hex"),
        ({"hex": "fff:1_0"}, "hex"),
        ({"hex": "000,111,222,333,444,555"}, "hex"),
        ({"hex": "fff", "color_weight": "0.5"}, "color_weight"),
        ({"hex": "fff", "colour": "red"}, "colour"),
        ({"hex": "fff", "limit": "0"}, "limit"),
    ],
)
def test_errors_of_a_search_by_colours_are_named(
    client: Client, coloured: Shop, parameters: dict[str, str], name: str
) -> None:
    problem(client.get(f"{API}search/color/", parameters), 400, name)


def test_the_parameters_a_search_by_colours_offers_are_those_it_takes(client: Client, coloured: Shop) -> None:
    offered = problem(client.get(f"{API}search/color/", {"hex": "fff", "colour": "red"}), 400, "colour")["detail"]
    assert "hex" in offered and "min_score" in offered and "color_weight" not in offered


def test_one_colour_in_two_spellings_counts_once(client: Client, coloured: Shop) -> None:
    once = client.get(f"{API}search/color/", {"hex": "c04a1f,fff"}).json()
    twice = client.get(f"{API}search/color/", {"hex": "c04a1f,C04A1F,#fff,ffffff"}).json()
    assert once["query"] == twice["query"] and ids(once) == ids(twice)


def test_a_product_shows_its_own_colours(client: Client, coloured: Shop) -> None:
    product, other, *_ = coloured.products.values()
    row = np.concatenate([np.ones(SHAPE, np.float32), colour_row([((200, 30, 40), 3.0), ((250, 250, 250), 1.0)])])
    image = ProductImage.objects.get(pk=coloured.photos(product)[0])
    ImageFeatures.objects.create(
        image=image, encoder=coloured.space.encoder, digest=image.digest, features=row.tolist()
    )
    answer = client.get(f"{API}products/{product.pk}/colors/").json()
    assert answer["status"] == "ready"
    (red, share), (white, rest) = [(one["hex"], one["share"]) for one in answer["colors"]]
    assert share == pytest.approx(0.75, abs=0.1) and rest == pytest.approx(0.25, abs=0.1)
    for hex_, near in ((red, (200, 30, 40)), (white, (250, 250, 250))):
        assert np.abs(np.array(list(bytes.fromhex(hex_))) - near).max() <= 16
    assert client.get(f"{API}products/{other.pk}/colors/").json() == {"status": "pending", "colors": []}


def test_a_product_without_a_vector_has_no_colours_yet(client: Client, coloured: Shop) -> None:
    waiting, failed = make_image().product, make_image().product
    EmbeddingJob.objects.filter(image__product=failed).update(
        state="failed", reason="truncated", error="the photo ends too early"
    )
    assert client.get(f"{API}products/{waiting.pk}/colors/").json() == {"status": "pending", "colors": []}
    hidden = make_image()
    picture = Placeholder.objects.create(digest=hidden.digest, ruling=Placeholder.Ruling.PLACEHOLDER)
    PlaceholderFile.objects.create(digest=hidden.digest, placeholder=picture)
    reasons = {
        failed.pk: ("truncated", "the photo ends too early"),
        make_product().pk: ("no_photo", "the product has no photo"),
        hidden.product_id: ("no_photo", "the product has no photo but placeholders, which stand for many products"),
    }
    for product_id, (reason, detail) in reasons.items():
        told = {"status": "failed", "reason": reason, "detail": detail}
        assert client.get(f"{API}products/{product_id}/colors/").json() == {**told, "colors": []}
        similar = client.get(f"{API}products/{product_id}/similar/").json()
        assert {name: similar[name] for name in told} == told
    problem(client.get(f"{API}products/{10**9}/colors/"), 404)


def test_the_schema_says_what_there_is(client: Client, db: None) -> None:
    schema = client.get("/api/schema/?format=json").json()
    similar = schema["paths"]["/api/v1/products/{product}/similar/"]["get"]["parameters"]
    assert "color_weight" in [one["name"] for one in similar]
    of_color = schema["paths"]["/api/v1/search/color/"]["get"]["parameters"]
    names = [one["name"] for one in of_color]
    assert "hex" in names and "diversity" in names and "color_weight" not in names
    assert set(schema["components"]["schemas"]["Result"]["properties"]) == {
        "product", "image", "score", "confidence", "distance", "scores", "rule",
    }  # fmt: skip
    assert "/api/v1/products/{product}/colors/" in schema["paths"]
