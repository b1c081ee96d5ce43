"""How parameters become filters, and what filters of one search have in common."""

from __future__ import annotations

from decimal import Decimal

import pytest

from catalog.filters.chosen import Filters
from catalog.filters.entries.brand import Brand
from catalog.filters.entries.category import Category
from catalog.filters.entries.exclude import Excluded
from catalog.filters.entries.price import Currency, Price
from catalog.filters.entries.stock import Stock
from catalog.filters.registry import FILTERS, PARAMETERS, read_filters
from catalog.parameters import InvalidParameter
from tests.catalog.factories import make_category, make_product
from tests.catalog.filters.chosen import filtering

pytestmark = pytest.mark.django_db


def test_every_module_of_the_package_is_a_filter() -> None:
    assert [kind.__name__ for kind in FILTERS] == [
        *("AttributeRanges", "Attributes", "Brand", "Category", "Excluded", "Price", "Stock")
    ]
    assert [parameter.written("x") for parameter in PARAMETERS] == [
        *("attr.x.min", "attr.x.max", "attr.x", "brand", "category", "exclude"),
        *("min_price", "max_price", "currency", "in_stock"),
    ]
    assert [kind.__name__ for kind in FILTERS if not kind.narrows] == ["Excluded"]


def test_all_at_once_and_nothing_of_what_is_empty() -> None:
    dress = make_category("Clothing > Dress")
    hidden = make_product(sku="HIDE-1", category=dress)
    given = {
        "in_stock": ["no"],
        "max_price": [" 19.990 "],
        "exclude": ["7,HIDE-1", "nobody's"],
        "category": ["dress"],
        "brand": [" Aalto ", "Brisk,Aalto"],
        "attr.size": ["m"],
        "attr.colour": ["red", "blue", "red"],
    }
    assert read_filters(given) == filtering(
        attributes={"size": ["m"], "colour": ["red", "blue"]},
        brands=["Aalto", "Brisk"],
        categories=[dress.pk],
        exclude_products=[7, hidden.pk],
        max_price=Decimal("19.99"),
        in_stock=False,
    )
    assert read_filters({parameter.name: [""] for parameter in PARAMETERS if not parameter.open}) == Filters()


def test_a_name_that_nobody_reads_is_named_with_those_there_are() -> None:
    with pytest.raises(InvalidParameter) as error:
        read_filters({"page": ["1"], "colour": ["red"]}, also=["page", "search"])
    assert error.value.parameter == "colour"
    assert str(error.value) == (
        "there is no such parameter; there are brand, category, currency, exclude, in_stock, max_price, min_price, page,"
        " search, attr.<name>.min, attr.<name>.max and attr.<name>"
    )


def test_filters_are_compared_by_what_they_say() -> None:
    one = filtering(brands=["A"], min_price=3, attributes={"b": ["1"], "a": ["2"]})
    same = filtering(brands=["A"], min_price=Decimal("3.0"), attributes={"a": ["2"], "b": ["1"]})
    assert one == same and len({one, same, filtering(brands=["A"])}) == 2


def test_exclusions_add_up_and_narrow_nothing() -> None:
    filters = filtering(brands=["A"], exclude_products=[1]).excluding(products=[2], groups=["g", ""])
    assert filters.get(Excluded) == Excluded((1, 2), ("g",))
    assert filters.narrowing == filtering(brands=["A"]) and filters.narrows
    alone = Filters().excluding(products=[2])
    assert alone == filtering(exclude_products=[2]) and not alone.narrows and alone.narrowing == Filters()
    assert Filters().excluding(groups=[""]) == Filters()


def test_a_filter_takes_the_place_of_another_of_its_kind() -> None:
    filters = filtering(categories=[1, 2], in_stock=True)
    assert filters.having(Category((2,))).get(Category) == Category((2,))
    assert filters.having(Category((2,))).get(Stock) == Stock(True)
    assert filters.having(Brand(("A",))).get(Category) == Category((1, 2))
    assert filters.get(Brand) is None


def test_what_was_chosen_for_the_caller_is_named() -> None:
    assert filtering(max_price=1).named == {"currency": "EUR"}
    assert filtering(brands=["A"]).named == {}
    assert Filters((Price(None, Decimal(1), Currency("", ("",))),)).named == {}


@pytest.mark.parametrize(
    ("given", "name", "words"),
    [
        ({"min_price": ["20"], "max_price": ["10"]}, "min_price", "20 is more than max_price 10"),
        ({"currency": ["EUR", "USD"]}, "currency", "given more than once"),
        ({"exclude": [",".join(map(str, range(1, 1002)))]}, "exclude", "1001 values; at most 1000"),
        ({"exclude": ["9" * 30]}, "exclude", "(30 digits) is no product id"),
        ({"attr.": ["red"]}, "attr.", "the attribute's name is missing"),
        ({"brand": ["a\0b"]}, "brand", "holds a NUL character"),
        ({f"attr.a{number}": ["x"] * 201 for number in range(33)}, "attr.a32", "more than 32 attributes"),
    ],
)
def test_what_cannot_be_served_is_named(given: dict[str, list[str]], name: str, words: str) -> None:
    with pytest.raises(InvalidParameter) as error:
        read_filters(given)
    assert error.value.parameter == name and words in str(error.value)
