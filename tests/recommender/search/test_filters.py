from __future__ import annotations

from decimal import Decimal

import pytest

from catalog.filters.chosen import Filters
from catalog.filters.entries.attributes import Attributes
from catalog.filters.entries.category import Category
from catalog.filters.entries.price import Currency
from catalog.parameters import InvalidParameter
from recommender.search.filters import from_json, parse, parse_products
from tests.catalog.factories import make_product
from tests.catalog.filters.chosen import filtering
from tests.recommender.search.gallery import make_tree

pytestmark = pytest.mark.django_db


def test_everything_at_once() -> None:
    tree = make_tree()
    hidden = make_product(sku="HIDE-1")
    options = parse(
        {
            "limit": ["30"],
            "category": ["dress"],
            "brand": ["Aalto,Brisk", "Corso"],
            "min_price": ["10"],
            "max_price": ["19.99"],
            "in_stock": ["true"],
            "attr.colour": ["red", "blue"],
            "attr.size": ["m, wide"],
            "exclude": ["7,8", "HIDE-1", "unknown-sku"],
            "min_score": ["0.5"],
            "min_results": ["4"],
            "diversity": ["0.3"],
            "exact": ["1"],
        }
    )
    assert options.filters == filtering(
        categories=tuple(tree[slug].pk for slug in ("dress", "evening", "summer")),
        brands=("Aalto", "Brisk", "Corso"),
        min_price=Decimal(10),
        max_price=Decimal("19.99"),
        currency=Currency("EUR", ("EUR", "")),
        in_stock=True,
        attributes={"colour": ("red", "blue"), "size": ("m, wide",)},
        exclude_products=(7, 8, hidden.pk),
    )
    assert (options.limit, options.min_score, options.min_results, options.diversity, options.exact) == (
        30, 0.5, 4, 0.3, True,
    )  # fmt: skip


def test_nothing_given_is_the_default() -> None:
    options = parse({"category": [""], "limit": [""], "in_stock": [""], "brand": [""]})
    assert (options.limit, options.exact, options.diversity, options.min_score) == (12, False, 0.0, None)
    assert options.filters == Filters() and not options.filters.narrows


def test_categories_hold_their_descendants() -> None:
    tree = make_tree()
    clothing, two = (Category.read({"category": slugs}) for slugs in (["clothing"], ["home", "evening"]))
    assert clothing is not None and set(clothing.ids) == {tree[slug].pk for slug in tree if slug != "home"}
    assert two == Category((tree["evening"].pk, tree["home"].pk), further=False)


def test_a_brand_with_a_comma_in_its_name_is_taken_whole() -> None:
    make_product(brand="Smith, Jones")
    assert parse({"brand": ["Smith, Jones"]}).filters == filtering(brands=("Smith, Jones",))
    assert parse({"brand": ["Smith, Brown"]}).filters == filtering(brands=("Smith", "Brown"))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("limit", "0", "'0' is no whole number from 1 to 100"),
        ("limit", "101", "whole number from 1 to 100"),
        ("limit", "１２", "whole number"),
        ("limit", "1e1", "whole number"),
        ("category", "no-such", "no category has the slug 'no-such'"),
        ("min_price", "-1", "write it like 19.99"),
        ("max_price", "1e400", "write it like 19.99"),
        ("max_price", "NaN", "write it like 19.99"),
        ("in_stock", "maybe", "neither true nor false"),
        ("exact", "2", "neither true nor false"),
        ("min_score", "1.5", "no number from -1 to 1"),
        ("min_score", "nan", "no number from -1 to 1"),
        ("min_confidence", "100.1", "no number from 0 to 100"),
        ("min_confidence", "-1", "no number from 0 to 100"),
        ("min_results", "13", "whole number from 0 to 12"),
        ("diversity", "-0.1", "no number from 0 to 1"),
        ("attr.", "red", "the attribute's name is missing"),
        ("brand", "a\0b", "holds a NUL character"),
        ("exclude", "\ud800", "holds half a character"),
        ("colour", "red", "there is no such parameter; there are brand, category, color_weight, currency, diversity"),
    ],
)
def test_a_bad_parameter_is_named_with_the_remedy(name: str, value: str, words: str) -> None:
    with pytest.raises(InvalidParameter) as error:
        parse({name: [value]})
    assert error.value.parameter == name
    assert words in str(error.value)


def test_what_contradicts_itself_or_stands_twice_is_refused() -> None:
    with pytest.raises(InvalidParameter, match="20 is more than max_price 10") as error:
        parse({"min_price": ["20"], "max_price": ["10"]})
    assert error.value.parameter == "min_price"
    with pytest.raises(InvalidParameter, match="given more than once"):
        parse({"limit": ["3", "4"]})
    with pytest.raises(InvalidParameter, match="1001 values; at most 1000"):
        parse({"exclude": [",".join(map(str, range(1, 1002)))]})


@pytest.mark.parametrize(
    ("given", "name", "words"),
    [
        ({f"attr.a{number}": ["x"] for number in range(33)}, "attr.a32", "more than 32 attributes"),
        ({"attr.a": ["x"] * 201}, "attr.a", "given 201 times; at most 200"),
        ({"attr.a": ["x"] * 150, "attr.b": ["x"] * 51}, "attr.b", "with this 201 values are given; at most 200 in all"),
        ({"attr.a": ["x"] * 150, "brand": ["x"] * 51}, "brand", "with this 201 values"),
        ({"brand": [",".join(map(str, range(201)))]}, "brand", "201 brands; at most 200"),
        ({"category": [",".join(map(str, range(201)))]}, "category", "201 values; at most 200"),
    ],
)
def test_attributes_and_values_have_a_bound(given: dict[str, list[str]], name: str, words: str) -> None:
    with pytest.raises(InvalidParameter) as error:
        parse(given)
    assert error.value.parameter == name
    assert words in str(error.value)


def test_as_many_attributes_and_values_as_the_bound_are_taken() -> None:
    many = {f"attr.a{number}": ["x", *map(str, range(4))] for number in range(32)} | {"attr.a0": list("abc")}
    found = parse(many).filters.get(Attributes)
    assert found is not None and len(found.wanted) == 32
    assert parse({"attr.a": ["x"] * 199, "brand": ["y"]}).filters == filtering(attributes={"a": ["x"]}, brands=["y"])
    assert parse(from_json({"attr.a": None, "attr.b": []})).filters == Filters()


def test_json_says_the_same_as_a_query_string() -> None:
    body = {
        "limit": 5,
        "in_stock": False,
        "brand": ["Aalto", "Brisk"],
        "min_price": 9.5,
        "attr.size": 42,
        "exact": None,
    }
    options = parse(from_json(body))
    assert options.limit == 5
    assert options.filters == filtering(
        brands=("Aalto", "Brisk"),
        min_price=Decimal("9.5"),
        currency=Currency("", ("",)),
        in_stock=False,
        attributes={"size": ("42",)},
    )
    with pytest.raises(InvalidParameter) as error:
        from_json({"brand": {"not": "text"}})
    assert error.value.parameter == "brand"


@pytest.mark.parametrize("value", [None, "1", [1, "2"], [True], [0], [2**63], list(range(1, 102))])
def test_ids_are_whole_numbers_and_not_too_many(value: object) -> None:
    with pytest.raises(InvalidParameter) as error:
        parse_products("positive", value, most=100)
    assert error.value.parameter == "positive"


def test_ids_count_once() -> None:
    names = parse_products("products", [3, "sku:A", 1, 3, "sku:A", "sku:3"], most=100)
    assert [name.written for name in names] == [3, "sku:A", 1, "sku:3"]
