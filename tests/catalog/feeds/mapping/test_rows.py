"""What is done to the rows of every feed: photos of any column and list, HTML, escapes; and that nothing breaks it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.feeds.mapping.applying import mapped
from catalog.feeds.mapping.files import MappingError, parse_mapping
from catalog.feeds.mapping.photos import split_photos
from catalog.feeds.mapping.recognising import SHOPS
from catalog.feeds.mapping.shop import Context
from catalog.feeds.mapping.suggesting import suggestion
from catalog.feeds.mapping.texts import plain_text
from catalog.feeds.rows import FeedRow, Notices
from catalog.models import Product
from tests.catalog.feeds.files import run_import, write_photo
from tests.catalog.feeds.mapping.mapping import photos, rows_of

A, B = "https://x.example/a.jpg", "https://x.example/b,w_1.jpg"


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (f"{A},{B}", [A, B]),
        (f"{A}, {B}, ", [A, B]),
        (f"{A}|{B}", [A, B]),
        (f"{A};{B}", [A, B]),
        (f"{A} {B}", [A, B]),
        (f"{A}\n{B}", [A, B]),
        (B, [B]),
        ("https://x.example/my photo.jpg", ["https://x.example/my%20photo.jpg"]),
        ("//x.example/a.jpg", [A]),
        ("a.jpg,b.png", ["a.jpg", "b.png"]),
        ("a.jpg | b.png", ["a.jpg", "b.png"]),
        ("a.jpg b.png", ["a.jpg", "b.png"]),
        ("my photo.jpg", ["my photo.jpg"]),
        ("red, blue.jpg", ["red, blue.jpg"]),
        ("  ", []),
    ],
)
def test_a_cell_of_several_photos(cell: str, expected: list[str]) -> None:
    assert split_photos(cell) == expected


@pytest.mark.parametrize(
    "header",
    [
        "image1,image_2,photo 3",
        "Image URL 1,Image URL 2,Image URL 3",
        "image_link,additional_image_link 2,additional_image_link_3",
    ],
)
def test_numbered_columns_are_photos_in_their_order(header: str, tmp_path: Path) -> None:
    (row,), _ = rows_of(tmp_path, f"id,title,{header}\n1,Mug,a.jpg,b.jpg,c.jpg\n")
    assert photos(row) == ["a.jpg", "b.jpg", "c.jpg"]


def test_a_column_called_photo_that_holds_none_stays_an_attribute(tmp_path: Path) -> None:
    (row,), _ = rows_of(tmp_path, "id,title,photo\n1,Mug,by Anna\n")
    assert row == {"id": ["1"], "title": ["Mug"], "photo": ["by Anna"]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<p>One</p><p>Two<br>Three</p>", "One\nTwo\nThree"),
        ("<ul><li>a</li><li>b &amp; c</li></ul>", "a\nb & c"),
        ("x<script>alert('<p>')</script><style>p{}</style>y<!-- z -->", "x y"),
        ("&lt;p&gt;Twice &amp;amp; once&lt;/p&gt;", "Twice &amp; once"),
        ("Home &gt; Mugs", "Home > Mugs"),
        ("Salt & pepper &copy;", "Salt & pepper ©"),
        ("5 < 6, i <3 you, <size>", "5 < 6, i <3 you, <size>"),
        ('<a href="https://x.example/?a=1>2">shop</a> now', "shop now"),
        ("<td>a</td><td>b</td>", "a b"),
    ],
)
def test_html_becomes_text(text: str, expected: str) -> None:
    assert plain_text(text) == expected


def test_text_made_to_be_slow_is_not() -> None:
    for text in ('<a "' * 100_000, "<a '\"" * 100_000, "<script " * 100_000, "&lt;p " * 100_000, "<!--" * 100_000):
        assert isinstance(plain_text(text), str)


@pytest.mark.django_db
def test_the_small_inputs_go_in(tmp_path: Path) -> None:
    for number, name in enumerate(("ok.jpg", "exif9.jpg")):
        write_photo(tmp_path, name, number)
    (tmp_path / "shopify.csv").write_text(
        "Handle,Title,Body (HTML),Vendor,Type,Option1 Name,Option1 Value,Variant SKU,Variant Price,Image Src,Image Position\n"
        "mug,Mug,<p>x</p>,Acme,Mugs,Colour,Red,MUG-R,9.00,ok.jpg,1\nmug,,,,,,Blue,MUG-B,9.50,exif9.jpg,2\n"
    )
    report, problems, succeeded = run_import(tmp_path / "shopify.csv", "--currency", "EUR")
    assert ([report[name] for name in ("rows", "created", "photos_added")], problems, succeeded) == (
        [2, 2, 4],
        [],
        True,
    )
    assert list(Product.objects.order_by("sku").values_list("sku", "title", "description", "group", "attributes")) == [
        ("MUG-B", "Mug", "x", "mug", {"Colour": "Blue"}),
        ("MUG-R", "Mug", "x", "mug", {"Colour": "Red"}),
    ]
    (tmp_path / "woo.csv").write_text(
        "ID,Type,SKU,Name,Published,In stock?,Sale price,Regular price,Categories,Images,Parent\n"
        '1,variable,tee,Tee,1,1,,,"Clothing > Tees, Sale","ok.jpg, exif9.jpg",\n'
        "2,variation,tee-b,Tee - Blue,1,1,8,10,,ok.jpg,tee\n"
    )
    report, problems, succeeded = run_import(tmp_path / "woo.csv", "--currency", "EUR")
    assert ([report[name] for name in ("rows", "created", "photos_added")], problems, succeeded) == (
        [1, 1, 2],
        [],
        True,
    )


NAMES = sorted(
    {name for shop in SHOPS for names in shop.needed for name in names}
    | {"id", "title", "image_link", "photo 2", "x.y"}
)
CELLS = st.sampled_from(
    ["", " ", "1", "a.jpg|b.jpg", A, "<p>x", "&amp;lt;", "a=b,sku=1", "sku=1|sku=2", "EUR 1", "\x00", "Title"]
)
TABLES = st.lists(
    st.dictionaries(st.sampled_from(NAMES), st.lists(CELLS | st.text(max_size=8), max_size=3), min_size=1), max_size=6
)


@given(TABLES, st.sampled_from([frozenset[str](), *(names for shop in SHOPS for names in shop.needed)]))
def test_no_table_breaks_a_mapping(table: list[dict[str, list[str]]], needed: frozenset[str]) -> None:
    rows = [
        FeedRow(line, {name: ["1"] for name in needed} | cells, complete=False) for line, cells in enumerate(table, 2)
    ]
    found = list(mapped(iter(rows), Context(lambda: iter(rows), Notices())))
    assert all(isinstance(row, FeedRow) and 2 <= row.line < 2 + len(rows) for row in found)
    suggested = suggestion(rows)
    if rows and any(row.values for row in rows):
        try:
            mapping = parse_mapping(suggested)
        except MappingError as error:
            assert "it has no rule" in str(error)
        else:
            assert len(list(mapped(iter(rows), Context(lambda: iter(rows), Notices()), mapping))) == len(rows)


@given(st.text(max_size=200))
def test_no_text_breaks_a_mapping_file_or_the_reading_of_photos_and_html(text: str) -> None:
    try:
        parse_mapping(text)
    except MappingError as error:
        assert str(error)
    assert all(split_photos(text)) and isinstance(plain_text(text), str)
