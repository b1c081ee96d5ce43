"""Attributes and brands by name, by value and by range."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from django.db.models import BooleanField
from django.db.models.expressions import RawSQL
from psycopg import sql

from catalog.filters.base import Condition, compose, names_in
from catalog.filters.entries.attribute_ranges import AttributeRanges
from catalog.filters.entries.attributes import Attributes
from catalog.filters.registry import read_filters
from catalog.models import AttributeNumber, Product
from catalog.parameters import InvalidParameter
from catalog.product_search import filtered
from tests.catalog.factories import make_product

pytestmark = pytest.mark.django_db


def found(**parameters: str | list[str]) -> list[str]:
    """The SKUs of what passes, in their order; `attr_x` stands for `attr.x`, two underscores for a full stop inside it."""
    given = {
        name.replace("attr_", "attr.").replace("__", "."): [value] if isinstance(value, str) else value
        for name, value in parameters.items()
    }
    products = filtered(Product.objects.all(), filters=read_filters(given))
    return sorted(products.values_list("sku", flat=True))


def test_names_values_and_brands_match_whatever_their_case() -> None:
    make_product(sku="a", brand="Aalto", attributes={"Colour": "Deep Red"})
    make_product(sku="b", brand="AALTO", attributes={"COLOUR": ["deep red", "Blue"]})
    make_product(sku="c", brand="Brisk", attributes={"colour": "green"})
    assert found(brand="aalto") == ["a", "b"]
    assert found(attr_colour="DEEP RED") == ["a", "b"]
    assert found(attr_CoLoUr="blue") == ["b"]


def test_composed_and_decomposed_letters_are_the_same() -> None:
    make_product(
        sku="a", brand="Caf\N{LATIN SMALL LETTER E WITH ACUTE}", attributes={"grö\N{LATIN SMALL LETTER SHARP S}e": "É"}
    )
    assert found(brand="CAFE\N{COMBINING ACUTE ACCENT}") == ["a"]
    assert found(**{"attr_GRO\N{COMBINING DIAERESIS}SSE": "e\N{COMBINING ACUTE ACCENT}"}) == ["a"]


def test_what_a_caller_writes_is_never_read_as_a_path() -> None:
    make_product(sku="a", attributes={'a"b': 'x" || "x" == "x', "c\\": "\n\\n"})
    make_product(sku="b", attributes={"a": "x"})
    assert found(**{'attr_A"b': 'X" || "x" == "X'}) == ["a"]
    assert found(**{"attr_C\\": "\n\\N"}) == ["a"]


def test_numbers_and_texts_that_are_numbers_are_within_bounds() -> None:
    make_product(sku="a", attributes={"Weight": "2.5"})
    make_product(sku="b", attributes={"weight": [7, "11"]})
    make_product(sku="c", attributes={"weight": "12 kg"})
    make_product(sku="d", attributes={"weight": "-3", "width": "2"})
    assert found(attr_weight__min="2.5") == ["a", "b"]
    assert found(attr_weight__max="2.5") == ["a", "d"]
    assert found(attr_WEIGHT__min="7.5", attr_WEIGHT__max="12") == ["b"]
    assert found(attr_weight__min="-5", attr_width__max="2") == ["d"]
    assert found(attr_weight__min="8", attr_weight__max="10") == []


def test_a_name_that_ends_like_a_bound_is_the_attribute_where_numbers_stand_under_it() -> None:
    make_product(sku="a", attributes={"voltage": "12", "voltage.min": "9"})
    make_product(sku="b", attributes={"voltage": "24", "voltage.max": "30"})
    assert found(attr_voltage__min="9") == ["a"]
    assert found(attr_voltage__max="24") == []
    Product.objects.filter(sku="b").update(attributes={"voltage": "24"})
    assert found(attr_voltage__max="24") == ["a", "b"]


def test_a_text_under_such_a_name_is_asked_for_where_the_name_without_the_ending_has_no_numbers() -> None:
    make_product(sku="a", attributes={"delivery.min": "two days"})
    assert found(attr_delivery__min="Two Days") == ["a"]
    assert read_filters({"attr.delivery.min": ["3"]}).get(AttributeRanges) is None
    assert read_filters({"attr.delivery.min": ["3"]}).get(Attributes) == Attributes((("delivery.min", ("3",)),))


@pytest.mark.parametrize(
    ("given", "parameter", "words"),
    [
        ({"attr.weight.min": ["heavy"]}, "attr.weight.min", "'heavy' is no number; write it like 2.5"),
        ({"attr.weight.max": ["NaN"]}, "attr.weight.max", "'NaN' is no number"),
        ({"attr.weight.min": ["1", "2"]}, "attr.weight.min", "given more than once"),
        ({"attr.weight.min": ["3"], "attr.weight.max": ["2"]}, "attr.weight.min", "3 is more than attr.weight.max 2"),
    ],
)
def test_bounds_that_cannot_be_served_are_named(given: dict[str, list[str]], parameter: str, words: str) -> None:
    make_product(attributes={"weight": "2.5"})
    with pytest.raises(InvalidParameter, match=words) as error:
        read_filters(given)
    assert error.value.parameter == parameter


def test_numbers_follow_their_product() -> None:
    product = make_product(
        attributes={"Weight": ["2.5", 2.5, "7"], "ean": "4006381333931", "long": "9" * 16, "on": True}
    )
    numbers = AttributeNumber.objects.filter(product=product).order_by("name", "value").values_list("name", "value")
    assert list(numbers.all()) == [("ean", 4006381333931.0), ("weight", 2.5), ("weight", 7.0)]
    Product.objects.filter(pk=product.pk).update(attributes={"weight": "8"})
    assert list(numbers.all()) == [("weight", 8.0)]
    product.delete()
    assert not AttributeNumber.objects.exists()


@pytest.mark.parametrize("attributes", [[], "text", {"": "x"}, {"a" * 5000: "7"}, {"deep": {"er": [1]}}])
def test_odd_attributes_can_be_kept(attributes: object) -> None:
    product = make_product(attributes=attributes)
    product.refresh_from_db()
    assert product.attributes == attributes
    assert not AttributeNumber.objects.exists()


def test_a_range_where_few_pass_is_the_same_range() -> None:
    """Searches that begin with the products that pass write the condition another way."""
    make_product(sku="a", attributes={"Weight": ["2.5", "7"]})
    make_product(sku="b", attributes={"weight": "9", "width": "1"})
    make_product(sku="c", attributes={"width": "2"})
    for bounds, skus in (
        ({"weight.min": "2.5", "weight.max": "9"}, ["a", "b"]),
        ({"weight.min": "3", "weight.max": "8"}, ["a"]),
        ({"WEIGHT.min": "3", "width.max": "1"}, ["b"]),
    ):
        (chosen,) = read_filters({f"attr.{name}": [value] for name, value in bounds.items()}).chosen
        few = [Condition(condition.where_few or "", condition.values) for condition in chosen.conditions]
        assert skus_of(chosen.conditions) == skus_of(few) == skus


def skus_of(conditions: Sequence[Condition]) -> list[str]:
    products = Product.objects.all()
    for condition in conditions:
        text = compose(condition.text, product="catalog_product", value=lambda _: sql.Placeholder())
        values = [condition.values[name] for name in names_in(condition.text) if name != "product"]
        products = products.filter(RawSQL(text.as_string(), values, BooleanField()))
    return sorted(products.values_list("sku", flat=True))
