"""SKUs wherever an id stands, `fields` on every answer with products, and tracking parameters that divide no cache."""

from __future__ import annotations

from typing import Any
from unicodedata import normalize
from urllib.parse import quote

import orjson
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalog.models import Product
from tests.recommender.api.serving import Served
from tests.recommender.search.gallery import Shop, random_units

API = "/api/v1/"
VECTORS = random_units(12, seed=3)
ODD = ["CL-DRES-000", "1563", "a/b c", "Ä,1", "靴?#&", "sku:x"]


def post(client: Client, path: str, body: object) -> Any:
    return client.post(API + path, orjson.dumps(body), content_type="application/json")


def ids(answer: Any) -> list[int]:
    return [result["product"]["id"] for result in answer["results"]]


def alike(one: Any, other: Any) -> bool:
    """The same answers but for the time they took."""
    return bool({**one, "took_ms": 0} == {**other, "took_ms": 0})


@pytest.fixture
def products(shop: Shop) -> list[Product]:
    return [shop.add(vector, sku=sku) for vector, sku in zip(VECTORS, [*ODD, "last"], strict=False)]


@pytest.mark.parametrize("place", range(len(ODD)))
def test_paths_take_skus(client: Client, products: list[Product], place: int) -> None:
    product, other = products[place], products[place - 1]
    for form in {product.sku, normalize("NFD", product.sku)}:
        sku = f"sku:{quote(form, safe='')}"
        for path in ("similar/", "duplicates/"):
            by_sku, by_id = (client.get(f"{API}products/{name}/{path}") for name in (sku, product.pk))
            assert (by_sku.status_code, by_id.status_code) == (200, 200)
            assert alike(by_sku.json(), by_id.json()) and by_sku.json()["query"]["product"] == product.pk
        assert client.get(f"{API}products/{sku}/colors/").json() == {"status": "unavailable", "colors": []}
        why = client.get(f"{API}products/{sku}/similar/sku:{quote(other.sku, safe='')}/why/?image=0")
        assert (why.status_code, why.json()["detail"]) == (400, f"image: product {product.pk} has no photo 0")


@pytest.mark.parametrize("path", ["similar/", "duplicates/", "colors/", "similar/sku:last/why/", "similar/7/why/"])
def test_an_unknown_sku_is_404(client: Client, products: list[Product], path: str) -> None:
    Product.objects.filter(sku="1563").update(published=False)
    for sku in ("nope", "1563"):
        answer = client.get(f"{API}products/sku:{sku}/{path}")
        assert (answer.status_code, answer.json()["title"]) == (404, "Unknown product")
        assert answer.json()["detail"] == f"there is no product sku:{sku}"


def test_bodies_take_skus(client: Client, products: list[Product]) -> None:
    first, second, third = products[:3]
    by_id = post(client, "recommendations/", {"positive": [first.pk, third.pk], "negative": [second.pk]}).json()
    body = {
        "positive": [f"sku:{first.sku}", first.pk, third.pk, f"sku:{third.sku}"],
        "negative": [f"sku:{second.sku}"],
    }
    by_sku = post(client, "recommendations/", body)
    assert by_sku.status_code == 200 and alike(by_sku.json(), by_id)
    assert by_sku.json()["query"] == {"positive": [first.pk, third.pk], "negative": [second.pk]}
    unknown = post(client, "recommendations/", {"positive": [first.pk], "negative": ["sku:nope"]})
    assert (unknown.status_code, unknown.json()["detail"]) == (404, "there is no product sku:nope")
    for bad in ("nope", "sku:", "1", "sku:a\0", 0):
        answer = post(client, "recommendations/", {"positive": [bad]})
        assert (answer.status_code, answer.json()["parameter"]) == (400, "positive"), bad


def test_a_batch_is_keyed_as_it_was_asked(client: Client, products: list[Product]) -> None:
    first, second = products[:2]
    comma = normalize("NFD", "sku:Ä,1")
    asked = [second.pk, "sku:nope", f"sku:{first.sku}", 999_999, first.pk, comma, f"sku:{second.pk}"]
    answer = post(client, "similar/batch/", {"products": asked, "limit": 2}).json()
    assert list(answer["results"]) == [str(second.pk), f"sku:{first.sku}", str(first.pk), comma]
    assert answer["unknown"] == ["sku:nope", 999_999, f"sku:{second.pk}"]
    assert answer["results"][str(first.pk)] == answer["results"][f"sku:{first.sku}"]
    alone = client.get(f"{API}products/{first.pk}/similar/?limit=2").json()
    assert answer["results"][str(first.pk)] == alone["results"] and len(alone["results"]) == 2


def test_a_hundred_skus_of_a_batch_cost_one_statement_more(client: Client, shop: Shop) -> None:
    products = shop.add_many([(random_units(1, seed=seed), {}) for seed in range(100)])

    def statements(asked: list[Any]) -> int:
        with CaptureQueriesContext(connection) as made:
            assert len(post(client, "similar/batch/", {"products": asked, "limit": 1}).json()["results"]) == 100
        return len(made)

    statements([one.pk for one in products])
    by_id = statements([one.pk for one in reversed(products)])
    assert statements([f"sku:{one.sku}" for one in products]) == by_id + 1


def test_exclude_takes_skus_in_searches(client: Client, products: list[Product]) -> None:
    url = f"{API}products/{products[0].pk}/similar/"
    every = ids(client.get(url).json())
    assert len(every) == len(products) - 1
    for sku in ODD[1:]:
        pk = next(one.pk for one in products if one.sku == sku)
        assert ids(client.get(url, {"exclude": f"sku:{sku}"}).json()) == [one for one in every if one != pk]
        body = {"positive": [products[0].pk], "exclude": [f"sku:{sku}", every[0]]}
        left = ids(post(client, "recommendations/", body).json())
        assert set(left) == set(every) - {pk, every[0]}


class TestFields:
    def test_every_answer_takes_them(self, client: Client, products: list[Product]) -> None:
        names = "title,image.thumbnail,score,scores.shape"
        url = f"{API}products/{products[0].pk}/"
        whole = client.get(f"{url}similar/").json()
        wanted = [
            {
                "product": {
                    "title": one["product"]["title"],
                    "image": {"thumbnail": one["product"]["image"]["thumbnail"]},
                },
                "score": one["score"],
                "scores": {"shape": one["scores"]["shape"]},
            }
            for one in whole["results"]
        ]
        answer = client.get(f"{url}similar/", {"fields": names}).json()
        assert answer["results"] == wanted and list(answer) == list(whole)
        assert list(answer["results"][0]) == ["product", "score", "scores"]
        listed = post(client, "similar/batch/", {"products": [products[0].pk], "fields": names.split(",")}).json()
        assert listed["results"] == {str(products[0].pk): wanted}
        recommended = post(client, "recommendations/", {"positive": [products[0].pk], "fields": names}).json()
        assert recommended["results"] == wanted
        assert client.get(f"{url}duplicates/", {"fields": names}).json()["results"] == []

    def test_an_id_of_a_photo_and_the_photo(self, client: Client, products: list[Product]) -> None:
        url = f"{API}products/{products[0].pk}/similar/?limit=1"
        (whole,) = client.get(url).json()["results"]
        (both,) = client.get(f"{url}&fields=image").json()["results"]
        assert both == {"product": {"image": whole["product"]["image"]}, "image": whole["image"]}
        (product,) = client.get(f"{url}&fields=id").json()["results"]
        assert product == {"product": {"id": whole["product"]["id"]}}
        (score,) = client.get(f"{url}&fields=score").json()["results"]
        assert score == {"score": whole["score"]}

    @pytest.mark.parametrize("path", ["similar/", "duplicates/"])
    def test_an_unknown_name_is_400(self, client: Client, products: list[Product], path: str) -> None:
        answer = client.get(f"{API}products/{products[0].pk}/{path}?fields=nope")
        assert (answer.status_code, answer.json()["parameter"]) == (400, "fields")
        assert "there are id, sku, group" in answer.json()["detail"] and "scores.color" in answer.json()["detail"]
        for door, body in (("recommendations/", "positive"), ("similar/batch/", "products")):
            answer = post(client, door, {body: [products[0].pk], "fields": ["nope"]})
            assert (answer.status_code, answer.json()["parameter"]) == (400, "fields")

    def test_an_answer_without_descriptions_is_a_twentieth_and_does_not_read_them(
        self, client: Client, shop: Shop
    ) -> None:
        description = "Ein langes Kleid. " * 1000
        shop.add_many([(VECTORS[place : place + 1], {"description": description}) for place in range(12)])
        url = f"{API}products/sku:P0/similar/"
        whole = client.get(url)
        with CaptureQueriesContext(connection) as statements:
            lean = client.get(url, {"fields": "id,sku,title,price,currency,image,score,confidence"})
        assert len(lean.json()["results"]) == len(whole.json()["results"]) == 11
        assert len(lean.content) * 20 < len(whole.content)
        assert not any("p.description" in statement["sql"] for statement in statements)


class TestKept:
    def test_a_sku_is_answered_before_django(self, served: Served, path: str) -> None:
        product = Product.objects.get(pk=int(path.split("/")[4]))
        Product.objects.filter(pk=product.pk).update(sku="Ä/1?limit=0")
        by_sku = f"{API}products/sku:Ä/1?limit=0/similar/"
        first = served.get(by_sku)
        assert first[0] == 200 and served.asked == 1
        assert served.get(by_sku)[2] == first[2] and served.asked == 1
        assert served.get(f"{API}products/sku:Ä/1", "limit=0/similar/")[0] != 200
        assert served.get(f"{API}products/sku:nope/similar/")[0] == 404

    def test_a_path_is_never_taken_for_a_query(self, served: Served, path: str) -> None:
        """Both are one text when the one is written behind the other."""
        product = Product.objects.get(pk=int(path.split("/")[4]))
        other = Product.objects.exclude(pk=product.pk).get()
        Product.objects.filter(pk=product.pk).update(sku="a")
        Product.objects.filter(pk=other.pk).update(sku="a/similar/?search")
        one = orjson.loads(served.get(f"{API}products/sku:a/similar/", "limit=1")[2])
        two = orjson.loads(served.get(f"{API}products/sku:a/similar/?search/similar/", "limit=1")[2])
        assert (one["query"]["product"], two["query"]["product"]) == (product.pk, other.pk)

    def test_fields_have_bytes_of_their_own(self, served: Served, path: str) -> None:
        whole, lean = served.get(path)[2], served.get(path, "fields=id,score")[2]
        assert served.asked == 2 and len(lean) < len(whole)
        assert served.get(path)[2] == whole and served.get(path, "fields=id,score")[2] == lean and served.asked == 2
        results = orjson.loads(whole)["results"]
        assert orjson.loads(lean)["results"] == [
            {"product": {"id": one["product"]["id"]}, "score": one["score"]} for one in results
        ]

    def test_tracking_divides_nothing(self, served: Served, path: str) -> None:
        first = served.get(path, "limit=5")
        for query in ("limit=5&utm_source=mail", "gclid=1&limit=5", "_ga=1&limit=5&fbclid=x%20y", "%75tm_id=1&limit=5"):
            assert served.get(path, query)[::2] == first[::2], query
        assert served.asked == 1
        assert served.get(path, "utm_source=mail&limit=6")[0] == 200 and served.asked == 2
        assert served.get(path, "limit=6")[0] == 200 and served.asked == 2
        status, _, body = served.get(path, "limit=5&source=mail")
        assert (status, orjson.loads(body)["parameter"]) == (400, "source")


def test_every_answer_ignores_tracking(client: Client, products: list[Product]) -> None:
    url = f"{API}products/{products[0].pk}/"
    query = "utm_source=a&gclid=b&_gl=c"
    for path in ("similar/", "duplicates/", "colors/"):
        assert client.get(f"{url}{path}?{query}").status_code == 200
    assert client.get(f"{url}similar/{products[1].pk}/why/?{query}&image=0").json()["parameter"] == "image"
    assert client.get(f"{API}search/color/?{query}&hex=red").json()["parameter"] == "hex"
    assert client.get(f"{API}status/?{query}").status_code == 200
    for path, body in (("recommendations/", "positive"), ("similar/batch/", "products")):
        assert post(client, f"{path}?{query}", {body: [products[0].pk]}).status_code == 200
    assert client.post(f"{API}search/image/?{query}", {"image": "x"}).json()["parameter"] == "image"


def test_a_photo_search_takes_fields(client: Client, shop: Shop) -> None:
    answer = client.post(
        f"{API}search/image/?fields=nope", orjson.dumps({"image_url": "http://x/"}), "application/json"
    )
    assert (answer.status_code, answer.json()["parameter"]) == (400, "fields")
