"""Availability in the words of Google, schema.org and shops, and as a count."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.feeds.availability import counted, in_stock

IN = ["InStock", "InStoreOnly", "LimitedAvailability", "MadeToOrder", "OnlineOnly"]
OUT = ["BackOrder", "Discontinued", "OutOfStock", "PreOrder", "PreSale", "Reserved", "SoldOut"]


@pytest.mark.parametrize(
    "form", ["{}", "https://schema.org/{}", "http://schema.org/{}", "schema:{}", "HTTP://SCHEMA.ORG/{}/"]
)
def test_every_word_of_schema_org(form: str) -> None:
    assert [in_stock(form.format(word)) for word in (*IN, *OUT)] == [True] * len(IN) + [False] * len(OUT)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "in stock",
            "in_stock",
            "In-Stock",
            "INSTOCK",
            "available for order",
            "limited availability",
            "12",
            "12 pcs",
            "Y",
            "yes",
        ),
        *(
            "1",
            "true",
            "10+",
            ">10",
            "only 3 left",
            "5 in stock",
            "12.0000",
            "auf Lager",
            "En stock",
            "op voorraad",
            "dostępny",
        ),
        *("disponibile", "DISPONIBLE", "3 Stück", "lieferbar"),
    ],
)
def test_in_stock(text: str) -> None:
    assert in_stock(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "out of stock",
            "out_of_stock",
            "out-of-stock",
            "OutOfStock",
            "onbackorder",
            "temporarily out of stock",
            "0",
            "0 pcs",
            "N",
        ),
        *(
            "no",
            "false",
            "-3",
            "0.0000",
            "preorder",
            "backorder",
            "sold out",
            "ausverkauft",
            "Épuisé",
            "agotado",
            "esaurito",
        ),
        *("uitverkocht", "brak", "E\N{COMBINING ACUTE ACCENT}puise\N{COMBINING ACUTE ACCENT}"),
    ],
)
def test_out_of_stock(text: str) -> None:
    assert not in_stock(text)


@pytest.mark.parametrize("text", ["soon", "5/10", "maybe", "12 EUR", "1 2"])
def test_what_is_not_known_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=f"'{text}' is not known; write in stock, out of stock"):
        in_stock(text)


def test_a_quantity_is_a_number() -> None:
    assert [counted(text) for text in ("3", "0", "-1", "2.5", "> 5")] == [True, False, False, True, True]
    with pytest.raises(ValueError, match="'many' is no quantity; write how many there are, like 12"):
        counted("many")


@given(text=st.text(max_size=30))
def test_any_text_is_known_or_refused(text: str) -> None:
    try:
        assert in_stock(text) in (True, False)
    except ValueError as error:
        assert "is not known" in str(error)
