"""`fields`: only what a caller names, at its place and in its order."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from catalog.fields import ANY, CATALOGUE_PRODUCT, FOUND_PRODUCT, Fields, names_of, part_of, pick, read_fields
from catalog.parameters import InvalidParameter
from tests.catalog.factories import make_image, make_product

URL = "/api/v1/products/"
LEAVES = [name for name in names_of(CATALOGUE_PRODUCT) if not name.endswith("<name>")]


def test_names_are_read() -> None:
    assert read_fields({}, CATALOGUE_PRODUCT) is None
    assert read_fields({"fields": [" ", ","]}, CATALOGUE_PRODUCT) is None
    assert read_fields({"fields": ["title, id", "category.slug"]}, CATALOGUE_PRODUCT) == {
        "title": None,
        "id": None,
        "category": {"slug": None},
    }
    assert read_fields({"fields": ["attributes.a.b,attributes.c"]}, CATALOGUE_PRODUCT) == {
        "attributes": {"a.b": None, "c": None}
    }
    for names in ("image,image.url", "image.url,image"):
        assert read_fields({"fields": [names]}, FOUND_PRODUCT) == {"image": None}


@pytest.mark.parametrize("name", ["titel", "title.x", "category.", ".", "category.slug.x", "images.nope", "Title"])
def test_an_unknown_name_lists_those_there_are(name: str) -> None:
    with pytest.raises(
        InvalidParameter, match="is no field; there are id, sku, group, title, description, category,"
    ) as error:
        read_fields({"fields": [f"id,{name}"]}, CATALOGUE_PRODUCT)
    assert error.value.parameter == "fields" and "attributes.<name>" in str(error.value)


def test_a_part_is_of_what_is_known() -> None:
    fields = read_fields({"fields": ["image.url,score,title"]}, FOUND_PRODUCT, {"score": None, "image": None})
    assert part_of(fields, FOUND_PRODUCT) == {"image": {"url": None}, "title": None}
    assert part_of(fields, {"score": None, "image": None}) == {"score": None}
    assert part_of(None, FOUND_PRODUCT) is None


@given(st.sets(st.sampled_from(LEAVES), min_size=1))
def test_what_is_picked_is_what_was_named(names: set[str]) -> None:
    """Against an answer whose every leaf is its own path."""
    whole = _numbered(CATALOGUE_PRODUCT, "")
    fields = read_fields({"fields": sorted(names)}, CATALOGUE_PRODUCT)
    wanted = {leaf for leaf in _leaves(whole) if any(leaf == name or leaf.startswith(f"{name}.") for name in names)}
    picked = pick(whole, fields)
    assert set(_leaves(picked)) == wanted
    assert list(picked) == [name for name in whole if name in picked]


def _numbered(fields: Fields, path: str) -> dict[str, Any]:
    return {
        name: f"{path}{name}" if below is None or below is ANY else _numbered(below, f"{path}{name}.")
        for name, below in fields.items()
    }


def _leaves(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [leaf for member in value.values() for leaf in _leaves(member)]


@pytest.mark.django_db
class TestCatalogue:
    def test_only_what_is_named_is_answered_and_read(self, client: Client) -> None:
        product = make_product(
            title="Hat", description="long", attributes={"colour": "red", "size": [1, 2]}, category="Clothing > Hat"
        )
        image = make_image(product, seed=1)
        whole = client.get(f"{URL}{product.pk}/").json()
        query = {"fields": "images.thumbnail,title,category.slug,attributes.colour"}
        wanted = {
            "title": "Hat",
            "category": {"slug": "hat"},
            "attributes": {"colour": "red"},
            "images": [{"thumbnail": f"/media/thumbnails/{image.digest}.jpg"}],
        }
        one = client.get(f"{URL}{product.pk}/", query).json()
        assert list(one.items()) == list(wanted.items())
        assert client.get(URL, query).json()["results"] == [wanted]
        for name in whole:
            assert client.get(f"{URL}{product.pk}/", {"fields": name}).json() == {name: whole[name]}
        assert client.get(f"{URL}{product.pk}/", {"fields": ",".join(whole)}).json() == whole

    def test_long_columns_and_photos_are_not_read_in_vain(self, client: Client) -> None:
        make_image(make_product(description="long"))
        with CaptureQueriesContext(connection) as statements:
            answer = client.get(URL, {"fields": "id,title"}).json()
        assert list(answer["results"][0]) == ["id", "title"]
        text = " ".join(statement["sql"] for statement in statements)
        assert "description" not in text and "attributes" not in text and "catalog_productimage" not in text
        assert len(statements) == 3  # the count, ids, rows

    def test_an_unknown_name_is_400(self, client: Client) -> None:
        product = make_product()
        for path in (URL, f"{URL}{product.pk}/"):
            answer = client.get(path, {"fields": "id,nope"})
            assert (answer.status_code, answer.json()["parameter"]) == (400, "fields")
