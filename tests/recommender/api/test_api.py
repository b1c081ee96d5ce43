"""The API over Django's test client: fields, codes, and problems that name what was wrong."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from catalog.filters.chosen import Filters
from catalog.models import Product, ProductImage
from catalog.representation import product_json, products_for_answers
from recommender.models import EmbeddingJob, RecallSample, Space
from tests.catalog.factories import make_image
from tests.catalog.filters.chosen import filtering
from tests.recommender.search.gallery import Shop, make_encoder, make_tree, random_units

VECTORS = random_units(40, seed=9)
API = "/api/v1/"


def problem(response: Any, status: int, parameter: str | None = None) -> dict[str, Any]:
    body: dict[str, Any] = response.json()
    assert response.status_code == body["status"] == status
    assert response.headers["Content-Type"] == "application/problem+json"
    assert set(body) >= {"type", "title", "status", "detail", "instance"}
    assert body.get("parameter") == parameter
    return body


def post(client: Client, path: str, body: object) -> Any:
    return client.post(API + path, orjson.dumps(body), content_type="application/json")


class TestSimilar:
    def test_fields_and_order(self, client: Client, shop: Shop) -> None:
        tree = make_tree()
        asking = shop.add(VECTORS[0])
        other = shop.add(
            VECTORS[1:3], category=tree["dress"], price="19.9", brand="Aalto", attributes={"colour": "red"}, group="g"
        )
        response = client.get(f"{API}products/{asking.pk}/similar/?exact=true", headers={"X-Request-ID": "abc-1"})
        assert response.status_code == 200 and response.headers["X-Request-ID"] == "abc-1"
        assert response.headers["Cache-Control"] == "private, no-cache"
        body = response.json()
        assert list(body) == ["status", "space", "exact", "fallback", "confidence_basis", "took_ms", "query", "results"]
        assert (body["status"], body["space"], body["exact"], body["fallback"]) == ("ready", "test", True, None)
        assert body["query"] == {"product": asking.pk, "image": shop.photos(asking)[0]} and body["took_ms"] > 0
        (result,) = body["results"]
        assert list(result) == ["product", "image", "score", "confidence", "distance", "scores"]
        assert result["scores"] == {"shape": result["score"], "color": None}
        (hit,) = shop.answer(VECTORS[0], _without(asking), 1)
        assert (result["image"], result["product"]["id"]) == (hit.image_id, other.pk)
        assert result["distance"] == pytest.approx(hit.distance, abs=1e-5)
        assert result["score"] == pytest.approx(1 - hit.distance, abs=1e-5)
        shown = product_json(products_for_answers().get(pk=other.pk))
        image = next(one for one in shown["images"] if one["id"] == hit.image_id)
        expected = {**shown, "image": {key: image[key] for key in ("url", "thumbnail", "width", "height")}}
        del expected["images"]
        assert result["product"] == orjson.loads(orjson.dumps(expected))
        assert list(result["product"]) == list(expected)
        assert result["product"]["price"] == "19.90"

    def test_pages_have_twelve_by_default_and_what_limit_says(self, client: Client, shop: Shop) -> None:
        products = shop.add_many([(VECTORS[i : i + 1], {}) for i in range(40)])
        url = f"{API}products/{products[0].pk}/similar/"
        assert len(client.get(url).json()["results"]) == 12
        assert len(client.get(url, {"limit": 30}).json()["results"]) == 30
        ids = [result["product"]["id"] for result in client.get(url, {"limit": 100}).json()["results"]]
        assert len(ids) == len(set(ids)) == 39 and products[0].pk not in ids
        excluded = client.get(url, {"exclude": f"{ids[0]},{products[5].sku}", "limit": 100}).json()["results"]
        left = [one for one in ids if one not in (ids[0], products[5].pk)]
        assert [result["product"]["id"] for result in excluded] == left

    def test_filters_in_any_combination(self, client: Client, shop: Shop) -> None:
        tree = make_tree()
        asking = shop.add(VECTORS[0])
        wanted = shop.add(VECTORS[1], category=tree["evening"], brand="B", price=15, attributes={"size": ["m", "l"]})
        for change in (
            {"category": tree["shoe"]},
            {"brand": "C"},
            {"price": 30},
            {"price": None},
            {"attributes": {"size": "s"}},
            {"in_stock": False},
            {"published": False},
        ):
            fields = {"category": tree["evening"], "brand": "B", "price": 15, "attributes": {"size": "m"}}
            shop.add(VECTORS[2], **{**fields, **change})
        query = "category=dress&brand=B&min_price=10&max_price=20&in_stock=true&attr.size=m"
        body = client.get(f"{API}products/{asking.pk}/similar/?{query}").json()
        assert [result["product"]["id"] for result in body["results"]] == [wanted.pk]

    def test_pending_and_failed_are_answers(self, client: Client, shop: Shop) -> None:
        product = make_image().product
        body = client.get(f"{API}products/{product.pk}/similar/").json()
        assert (body["status"], body["results"], "reason" in body) == ("pending", [], False)
        EmbeddingJob.objects.update(state="failed", reason="not_an_image", error="no picture")
        body = client.get(f"{API}products/{product.pk}/similar/").json()
        assert (body["status"], body["reason"], body["detail"]) == ("failed", "not_an_image", "no picture")

    @pytest.mark.parametrize(
        ("query", "parameter"),
        [
            ("limit=0", "limit"),
            ("limit=abc", "limit"),
            ("category=nope", "category"),
            ("min_price=x", "min_price"),
            ("in_stock=perhaps", "in_stock"),
            ("min_results=99", "min_results"),
            ("image=first", "image"),
            ("image=99999999", "image"),
            ("source=mail", "source"),
            ("brand=%00", "brand"),
        ],
    )
    def test_a_bad_parameter_is_400_naming_it(self, client: Client, shop: Shop, query: str, parameter: str) -> None:
        product = shop.add(VECTORS[0])
        problem(client.get(f"{API}products/{product.pk}/similar/?{query}"), 400, parameter)

    def test_unknown_and_unpublished_products_are_404(self, client: Client, shop: Shop) -> None:
        hidden = shop.add(VECTORS[0], published=False)
        for product_id in (hidden.pk, 10**12, 2**70):
            response = client.get(f"{API}products/{product_id}/similar/")
            assert problem(response, 404)["instance"] == f"{API}products/{product_id}/similar/"

    def test_other_methods_are_405(self, client: Client, shop: Shop) -> None:
        product = shop.add(VECTORS[0])
        response = client.post(f"{API}products/{product.pk}/similar/")
        problem(response, 405)
        assert response.headers["Allow"] == "GET, HEAD"
        problem(client.get(f"{API}recommendations/"), 405)

    def test_without_a_space_it_is_503_with_retry_after(self, client: Client, shop: Shop) -> None:
        product = shop.add(VECTORS[0])
        Space.objects.update(state=Space.State.READY)
        response = client.get(f"{API}products/{product.pk}/similar/")
        problem(response, 503)
        assert int(response.headers["Retry-After"]) > 0


class TestRecommendations:
    def test_likes_and_dislikes_with_filters(self, client: Client, shop: Shop) -> None:
        products = shop.add_many([(VECTORS[i : i + 1], {"brand": "B" if i % 2 else "A"}) for i in range(20)])
        body = {"positive": [products[0].pk, products[1].pk], "negative": [products[2].pk], "limit": 5, "brand": ["B"]}
        answer = post(client, "recommendations/", body).json()
        assert answer["query"] == {"positive": body["positive"], "negative": body["negative"]}
        assert [result["product"]["brand"] for result in answer["results"]] == ["B"] * 5
        assert not {result["product"]["id"] for result in answer["results"]} & {one.pk for one in products[:3]}

    def test_problems(self, client: Client, shop: Shop) -> None:
        one, two = shop.add(VECTORS[0]), shop.add(VECTORS[1])
        problem(post(client, "recommendations/", {"positive": [one.pk], "negative": [one.pk]}), 422)
        problem(post(client, "recommendations/", {"positive": [10**9]}), 404)
        problem(post(client, "recommendations/", {"positive": []}), 400, "positive")
        problem(post(client, "recommendations/", {"positive": [one.pk], "negative": "x"}), 400, "negative")
        problem(post(client, "recommendations/", {"positive": [one.pk], "limit": 1000}), 400, "limit")
        problem(post(client, "recommendations/", {"positive": [two.pk], "colour": "red"}), 400, "colour")
        problem(post(client, "recommendations/", [1]), 400)
        problem(client.post(f"{API}recommendations/", b"{", content_type="application/json"), 400)
        problem(client.post(f"{API}recommendations/", b"a=1", content_type="text/plain"), 415)


class TestBatch:
    def test_each_product_has_its_results(self, client: Client, shop: Shop) -> None:
        products = shop.add_many([(VECTORS[i : i + 1], {}) for i in range(20)])
        waiting = make_image().product
        ids = [products[3].pk, waiting.pk, products[4].pk, 10**9]
        body = post(client, "similar/batch/", {"products": ids, "limit": 3}).json()
        assert list(body["results"]) == [str(one) for one in ids[:3]]
        alone = client.get(f"{API}products/{products[3].pk}/similar/?limit=3").json()["results"]
        assert body["results"][str(products[3].pk)] == alone and len(alone) == 3
        assert body["unknown"] == [10**9] and body["waiting"] == {str(waiting.pk): "pending"}

    def test_problems(self, client: Client, shop: Shop) -> None:
        problem(post(client, "similar/batch/", {"products": list(range(1, 102))}), 400, "products")
        problem(post(client, "similar/batch/", {}), 400, "products")
        problem(post(client, "similar/batch/", {"products": [1], "diversity": 0.5}), 400, "diversity")


class TestStatus:
    def test_photos_space_and_recall(self, client: Client, shop: Shop) -> None:
        shop.add(VECTORS[:3])
        make_image()
        failed = make_image()
        EmbeddingJob.objects.filter(image=failed).update(state="failed", reason="bomb")
        next_encoder = make_encoder(name="next@1")  # of a space that is being built: its jobs are no photos more
        EmbeddingJob.objects.bulk_create(
            EmbeddingJob(image=image, encoder=next_encoder, state=state)
            for image, state in zip(
                ProductImage.objects.all(), ("done", "pending", "pending", "failed", "pending"), strict=True
            )
        )
        RecallSample.objects.create(space=shop.space, recall=0.99, queries=100)
        RecallSample.objects.create(space=shop.space, recall=0.97, queries=90)
        from recommender.pipeline.queue_status import queue_status

        queue_status(fresh=True)
        body = client.get(f"{API}status/").json()
        assert {key: body["images"][key] for key in ("total", "embedded", "pending", "failed")} == {
            "total": 5, "embedded": 3, "pending": 1, "failed": 1,
        }  # fmt: skip
        assert body["images"]["failed_by_reason"] == {"bomb": 1}
        assert body["space"]["name"] == "test" and body["space"]["dimensions"] == 8
        assert body["recall"]["latest"] == 0.97
        assert [point["queries"] for point in body["recall"]["series"]] == [90, 100]
        assert body["oldest_pending_seconds"] >= 0 and body["encoder"].startswith("fixed@1")


class TestHealth:
    def test_ready_when_postgres_redis_and_a_space_are_there(self, client: Client, shop: Shop) -> None:
        assert client.get("/healthz").content == b"ok\n"
        assert client.get("/readyz").json()["ready"] is True

    def test_what_is_missing_is_named(self, client: Client, shop: Shop, settings: Settings) -> None:
        Space.objects.update(state=Space.State.READY)
        settings.REDIS_URL = "redis://127.0.0.1:1/0"
        response = client.get("/readyz")
        assert response.status_code == 503 and response.json()["missing"] == ["redis", "active_space"]
        assert client.get("/healthz").status_code == 200

    def test_metrics_count_routes_queue_and_recall(self, client: Client, shop: Shop) -> None:
        product = shop.add(VECTORS[0])
        RecallSample.objects.create(space=shop.space, recall=0.98, queries=100)
        before = _metrics(client)
        client.get(f"{API}products/{product.pk}/similar/")
        client.get(f"{API}products/{product.pk}/similar/?limit=0")
        after = _metrics(client)
        route = 'route="api/v1/products/<product:product>/similar/"'
        for status in (200, 400):
            name = f'lookalike_requests_total{{method="GET",{route},status="{status}"}}'
            assert after[name] - before.get(name, 0) == 1
        seconds = f"lookalike_request_seconds_count{{{route}}}"
        assert after[seconds] - before.get(seconds, 0) == 2
        assert after['lookalike_recall{space="test"}'] == 0.98
        assert after["lookalike_database_up"] == 1 and after["lookalike_photos_embedded"] == 1
        assert after['lookalike_space_index_bytes{space="test",state="active"}'] > 0


def test_the_schema_shows_every_view(client: Client, db: None) -> None:
    paths = orjson.loads(client.get("/api/schema/?format=json").content)["paths"]
    for path, method in (
        ("products/{product}/similar/", "get"),
        ("products/{product}/duplicates/", "get"),
        ("search/image/", "post"),
        ("recommendations/", "post"),
        ("similar/batch/", "post"),
        ("status/", "get"),
    ):
        assert method in paths[API + path], path
        assert "View" not in paths[API + path][method]["description"]  # the text is for callers, not of a base class


def test_a_product_hidden_between_search_and_reading_is_left_out(shop: Shop) -> None:
    from recommender.search.products import products_by_image

    product, other = shop.add(VECTORS[0]), shop.add(VECTORS[1])
    Product.objects.filter(pk=product.pk).update(published=False)
    images = list(ProductImage.objects.values_list("pk", flat=True))
    assert list(products_by_image(images)) == shop.photos(other)
    assert products_by_image([]) == {} and connection.in_atomic_block


def _metrics(client: Client) -> dict[str, float]:
    lines = client.get("/metrics").content.decode().splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}


def _without(product: Product) -> Filters:
    return filtering(exclude_products=(product.pk,))
