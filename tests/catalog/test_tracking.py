"""What advertisements append to addresses is ignored; any other unknown name is refused."""

from __future__ import annotations

import pytest
from django.test import Client

from catalog.tracking import is_tracking, untracked, without_tracking
from tests.catalog.factories import make_product

TRACKING = (
    "utm_source utm_medium utm_campaign utm_id UTM_Source gclid GCLID fbclid msclkid dclid gbraid wbraid ttclid mc_cid mc_eid _ga"
    " _gl _ga_AB12 yclid igshid srsltid twclid li_fat_id ScCid _hsenc mkt_tok _openstat gad_source"
).split()


def test_names() -> None:
    assert all(map(is_tracking, TRACKING))
    assert not any(
        map(is_tracking, ("", "utm", "utmsource", "brand", "attr.utm_source", "xgclid", "ga", "page", "search"))
    )


def test_a_query_string_keeps_what_is_asked_for_as_it_was_sent() -> None:
    assert (
        untracked("limit=3&utm_source=a%20b&brand=A+B&gclid&%75tm_x=1&color=%23fff&&")
        == "limit=3&brand=A+B&color=%23fff&&"
    )
    assert untracked("utm_source=a") == untracked("") == ""
    assert without_tracking({"gclid": ["1"], "limit": ["2", "3"]}) == {"limit": ["2", "3"]}


@pytest.mark.django_db
def test_the_catalogue_ignores_them(client: Client) -> None:
    products = [make_product() for _ in range(3)]
    query = dict.fromkeys(TRACKING, "x")
    answer = client.get("/api/v1/products/", {**query, "page_size": 2})
    assert answer.status_code == 200 and answer.json()["count"] == 3
    assert answer.json()["next"] == "http://testserver/api/v1/products/?page_size=2&page=2"
    assert client.get(f"/api/v1/products/{products[0].pk}/", query).status_code == 200
    assert client.get("/api/v1/categories/", query).status_code == 200
    assert client.get("/api/v1/products/", {**query, "source": "x"}).json()["parameter"] == "source"
