"""What is away: Postgres, or a space that is retired between two statements."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from config.page_middleware import SessionMiddleware
from recommender.index import partitions, stored
from recommender.index.types import VectorRow
from recommender.models import Space
from recommender.search.filters import SearchOptions
from recommender.search.similarity import similar_to_each, similar_to_product
from recommender.spaces import active as spaces
from tests.recommender.search.gallery import Shop, make_space, random_units

pytestmark = pytest.mark.django_db(transaction=True)
VECTORS = random_units(8, seed=6)


@pytest.fixture
def postgres_away() -> Iterator[None]:
    """No server listens where this process looks for one."""
    before = dict(connection.settings_dict)
    connection.close()
    connection.settings_dict |= {"HOST": "/nonexistent", "OPTIONS": {"connect_timeout": 1}}
    yield
    connection.close()
    connection.settings_dict.clear()
    connection.settings_dict |= before


def test_without_postgres_it_is_503_with_retry_after(client: Client, postgres_away: None) -> None:
    for path in ("products/1/similar/", "products/1/duplicates/", "status/"):
        response = client.get("/api/v1/" + path)
        assert (response.status_code, response.json()["status"]) == (503, 503), path
        assert int(response.headers["Retry-After"]) > 0
        assert response.headers["Content-Type"] == "application/problem+json"
    response = client.post("/api/v1/recommendations/", b'{"positive": [1]}', content_type="application/json")
    assert response.status_code == 503


def test_without_postgres_the_process_is_alive_but_not_ready(client: Client, postgres_away: None) -> None:
    assert client.get("/healthz").status_code == 200
    response = client.get("/readyz")
    assert response.status_code == 503 and response.json()["missing"] == ["postgres", "active_space"]
    assert b"lookalike_database_up 0.0" in client.get("/metrics").content


def test_a_page_whose_session_cannot_be_kept_is_503_too(postgres_away: None) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        request.session["seen"] = True
        return HttpResponse()

    answer = SessionMiddleware(view)(RequestFactory().get("/admin/"))
    assert answer.status_code == 503 and int(answer.headers["Retry-After"]) > 0
    assert b"Back in a moment" in answer.content


def test_a_space_that_is_retired_in_the_middle_is_asked_for_anew() -> None:
    old = make_space(name="old")
    shop = Shop(old)
    products = shop.add_many([(VECTORS[i : i + 1], {}) for i in range(8)])
    first = similar_to_product(product_id=products[0].pk, options=SearchOptions())
    assert first.space.name == "old"
    new = make_space(old.encoder, name="new", state=Space.State.READY)
    stored.insert(
        space=new, rows=[VectorRow(shop.photos(one)[0], one.pk, VECTORS[i]) for i, one in enumerate(products)]
    )
    Space.objects.filter(pk=old.pk).update(state=Space.State.RETIRED)
    Space.objects.filter(pk=new.pk).update(state=Space.State.ACTIVE)
    partitions.drop_partition(old)
    assert spaces.active_space() == old  # what this process still believes
    again = similar_to_product(product_id=products[0].pk, options=SearchOptions())
    assert (again.space.name, again.found) == ("new", first.found)
    spaces.forget_active_space()
    assert similar_to_each(product_ids=[products[0].pk], options=SearchOptions())[products[0].pk].found == first.found
