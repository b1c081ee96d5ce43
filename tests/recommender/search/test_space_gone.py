"""A space that is retired in the middle of a search: the new one is asked, or the caller is told when to come back."""

from __future__ import annotations

import pytest
from django.test import Client

from recommender.index import partitions
from recommender.models import Space
from recommender.spaces import active as spaces
from tests.recommender.search.gallery import Shop, make_space, random_units

VECTORS = random_units(4, seed=3)
PATHS = ("similar/", "similar/?image=all", "duplicates/", "similar/{other}/why/")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", PATHS)
def test_a_process_that_still_holds_the_old_space_asks_the_new_one(client: Client, path: str) -> None:
    old = make_space(name="old")
    shop = Shop(old)
    asking, other = shop.add(VECTORS[:1]), shop.add(VECTORS[1:2])
    new = make_space(old.encoder, name="new", state=Space.State.READY)
    assert spaces.active_space() == old
    Space.objects.filter(pk=old.pk).update(state=Space.State.RETIRED)
    Space.objects.filter(pk=new.pk).update(state=Space.State.ACTIVE)
    partitions.drop_partition(old)
    response = client.get(f"/api/v1/products/{asking.pk}/{path.format(other=other.pk)}")
    if "why" in path:  # the new space has no vectors yet
        assert (response.status_code, response.json()["title"]) == (409, "Nothing to explain")
    else:
        assert response.status_code == 200
        body = response.json()
        assert (body["status"], body["space"], body["results"]) == ("pending", "new", [])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", PATHS)
def test_no_space_holds_is_503_with_retry_after(client: Client, path: str) -> None:
    shop = Shop(make_space())
    asking, other = shop.add(VECTORS[:1]), shop.add(VECTORS[1:2])
    partitions.drop_partition(shop.space)
    response = client.get(f"/api/v1/products/{asking.pk}/{path.format(other=other.pk)}")
    assert response.status_code == 503 and int(response.headers["Retry-After"]) > 0
    assert response.headers["Content-Type"] == "application/problem+json"
