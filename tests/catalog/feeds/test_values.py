"""Cells of feeds: which values they become, and what one that cannot be read costs."""

from __future__ import annotations

import gzip
import json
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from catalog.models import Product
from tests.catalog.conftest import Heard
from tests.catalog.factories import make_product, write_decomposed
from tests.catalog.feeds.files import run_import
from tests.catalog.feeds.workbooks import workbook

pytestmark = pytest.mark.django_db
DECOMPOSED, COMPOSED = "A\N{COMBINING DIAERESIS}-1", "Ä-1"


def table(folder: Path, *lines: str) -> Path:
    path = folder / "feed.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def objects(folder: Path, *rows: dict[str, Any]) -> Path:
    path = folder / "feed.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def held(sku: str, *names: str) -> tuple[Any, ...]:
    return Product.objects.values_list(*names).get(sku=sku)


def test_prices_and_availability_as_shops_write_them(tmp_path: Path) -> None:
    feed = table(
        tmp_path,
        "id,title,price,availability",
        'F1,a,"$1,234.50",in stock',
        "F2,b,129 kr,in stock",
        "F3,c,3.125 KWD,in stock",
        "F4,d,9.00 EUR,temporarily out of stock",
        "F5,e,9.00 EUR,available for order",
        "F6,f,9.00 EUR,12",
        "F7,g,N/A,N",
    )
    report, problems, succeeded = run_import(feed)
    assert (report["created"], problems, succeeded) == (7, [], True)
    assert list(Product.objects.order_by("sku").values_list("price", "currency", "in_stock")) == [
        (Decimal("1234.50"), "USD", True),
        (Decimal("129"), "SEK", True),
        (Decimal("3.125"), "KWD", True),
        (Decimal("9"), "EUR", False),
        (Decimal("9"), "EUR", True),
        (Decimal("9"), "EUR", True),
        (None, "", False),
    ]
    assert len(report["notices"]) == 3 and "'$' (line 2) was read as USD" in report["notices"][0]
    assert run_import(feed)[0]["unchanged"] == 7


def test_the_whole_column_decides_also_by_prices_that_come_later(tmp_path: Path) -> None:
    rows = [f"{number},a,1.299" for number in range(250)]
    run_import(table(tmp_path, "id,title,price", *rows, 'last,a,"12,50"'))
    assert set(Product.objects.exclude(sku="last").values_list("price", flat=True)) == {Decimal(1299)}
    run_import(table(tmp_path, "id,title,price", *rows, "last,a,12.50"))
    assert set(Product.objects.exclude(sku="last").values_list("price", flat=True)) == {Decimal("1.30")}
    feed = table(tmp_path, "id,title,price", *rows, 'last,a,"12,50"')
    feed.write_bytes(gzip.compress(feed.read_bytes()))
    run_import(feed)
    assert set(Product.objects.exclude(sku="last").values_list("price", flat=True)) == {Decimal(1299)}


@pytest.mark.parametrize(
    ("price", "kept"),
    [
        ({"value": "12.50", "currency": "EUR"}, (Decimal("12.50"), "EUR")),
        ({"amount": 12.999, "currencyCode": "EUR"}, (Decimal("13.00"), "EUR")),
        (
            {"type": "centPrecision", "currencyCode": "KWD", "centAmount": 3125, "fractionDigits": 3},
            (Decimal("3.125"), "KWD"),
        ),
        (12.999, (Decimal("13.00"), "")),
        (1299, (Decimal(1299), "")),
        (None, (None, "")),
    ],
)
def test_prices_of_json(tmp_path: Path, price: object, kept: tuple[Decimal | None, str]) -> None:
    item = {"id": "G1", "title": "a", "price": price, "color": ["red", "blue"]}
    document = tmp_path / "feed.json"
    document.write_text(json.dumps({"products": [item, item | {"id": "G2"}]}, indent=1), encoding="utf-8")
    for feed in (objects(tmp_path, item), document):
        assert run_import(feed)[2]
        assert held("G1", "price", "currency", "attributes") == (*kept, {"color": ["red", "blue"]})


def test_numbers_of_json_with_huge_exponents_are_no_prices(tmp_path: Path) -> None:
    feed = tmp_path / "feed.json"
    for number in ("1e400", "1e999999999", "1e-999999999"):
        feed.write_text(f'[{{"id": "1", "title": "a", "price": {number}, "size": {number}}}]', encoding="utf-8")
        _, [problem], _ = run_import(feed)
        assert problem.startswith("item 1: price: ")


def test_a_number_of_excel_has_a_decimal_point_and_a_text_is_judged(tmp_path: Path) -> None:
    feed = tmp_path / "feed.xlsx"
    rows = [["id", "title", "price"], ["1", "a", 1.299], ["2", "a", 12.0], ["3", "a", "1.299 EUR"]]
    feed.write_bytes(workbook(rows))
    report, problems, _ = run_import(feed)
    assert problems == []
    assert [held(sku, "price")[0] for sku in "123"] == [Decimal("1.30"), Decimal(12), Decimal(1299)]
    assert [notice.partition(" (")[0] for notice in report["notices"]] == ["price: '1.299'", "price: '1.299 EUR'"]


@pytest.mark.parametrize(
    "price",
    ['<price currency="KWD">3.125</price>', '<price value="3.125" currency="KWD"/>', "<price>3.125 KWD</price>"],
)
def test_prices_of_xml_may_have_attributes(tmp_path: Path, price: str) -> None:
    feed = tmp_path / "feed.xml"
    feed.write_text(f'<products><product id="1"><title>a</title>{price}</product></products>', encoding="utf-8")
    assert run_import(feed)[1] == []
    assert held("1", "price", "currency", "attributes") == (Decimal("3.125"), "KWD", {})


def test_a_currency_beside_the_price_or_given_to_the_command(tmp_path: Path) -> None:
    run_import(
        objects(
            tmp_path, {"id": "1", "title": "a", "price": 5, "currency": "usd"}, {"id": "2", "title": "a", "price": 5}
        )
    )
    assert [held(sku, "currency")[0] for sku in "12"] == ["USD", ""]
    run_import(table(tmp_path, "id,price", "1,6", "2,$6"), "--currency", "cad")
    assert [held(sku, "price", "currency") for sku in "12"] == [(Decimal(6), "CAD")] * 2
    run_import(table(tmp_path, "id,price", "1,7"))
    assert held("1", "price", "currency") == (Decimal(7), "CAD")
    with pytest.raises(CommandError, match="'Euro' is no currency; write its three letters, like EUR"):
        call_command("import_products", str(tmp_path), "--currency", "Euro")


CELLS = [
    ("price", "many", "price: 'many' is no price; write it as 59.50 EUR", "price", Decimal(5)),
    ("price", "10-20 EUR", "price: '10-20 EUR' is no price; write it as 59.50 EUR", "price", Decimal(5)),
    ("price", "-1 EUR", "price: '-1 EUR' is negative; write it as 59.50 EUR", "price", Decimal(5)),
    (
        "availability",
        "soon",
        "availability: 'soon' is not known; write in stock, out of stock, preorder or backorder, or how many there are",
        "in_stock",
        False,
    ),
    ("quantity", "lots", "quantity: 'lots' is no quantity; write how many there are, like 12", "in_stock", False),
    ("link", "shop", "link: 'shop' is no http(s) URL of at most 2000 characters", "url", "https://shop.example/"),
    ("brand", "x" * 201, "brand: 201 characters, more than 200", "brand", "Aalto"),
    ("brand", "a\0b", "brand: holds a NUL character", "brand", "Aalto"),
    (
        "product_type",
        "x" * 201,
        "product_type: a category's name is longer than 200 characters",
        "category__name",
        "Hats",
    ),
    ("colour", "a\0b", "colour: holds a NUL character", "attributes", {"colour": "red"}),
]


@pytest.mark.parametrize(("column", "cell", "said", "name", "before"), CELLS, ids=lambda value: str(value)[:20])
def test_a_cell_that_cannot_be_read_costs_itself_alone(
    tmp_path: Path, column: str, cell: str, said: str, name: str, before: object
) -> None:
    """An existing product keeps its value, a new one goes in without; both are reported, and the exit code says so."""
    make_product(
        sku="old",
        price=5,
        in_stock=False,
        url="https://shop.example/",
        brand="Aalto",
        category="Hats",
        attributes={"colour": "red"},
    )
    nothing = {"price": None, "in_stock": True, "category__name": None, "attributes": {}}.get(name, "")
    report, problems, succeeded = run_import(
        table(tmp_path, f"id,title,{column}", f"old,New,{cell}", f"new,New,{cell}")
    )
    assert (report["created"], report["updated"], report["problem_count"], succeeded) == (1, 1, 2, False)
    assert problems == [f"line 2: {said}", f"line 3: {said}"]
    assert held("old", "title", name) == ("New", before)
    assert held("new", "title", name) == ("New", nothing)


def test_a_cell_of_a_complete_row_that_cannot_be_read_costs_itself_alone(tmp_path: Path) -> None:
    make_product(sku="1", price=5, brand="Aalto", description="Warm", attributes={"size": "M"})
    _, problems, _ = run_import(
        objects(tmp_path, {"id": "1", "title": "New", "price": "many", "brand": "a\0b", "size": "\0"})
    )
    assert problems == [
        "line 1: brand: holds a NUL character",
        "line 1: size: holds a NUL character",
        "line 1: price: 'many' is no price; write it as 59.50 EUR",
    ]
    assert held("1", "title", "price", "brand", "description", "attributes") == (
        *("New", Decimal(5), "Aalto", ""),
        {"size": "M"},
    )


@pytest.mark.parametrize("form", ["table", "objects"])
def test_price_and_stock_alone_update_products_that_are_there(tmp_path: Path, form: str) -> None:
    make_product(sku="Z1", title="Hat", price=5, brand="Aalto", attributes={"size": "M"}, description="Warm")
    if form == "table":
        feed = table(tmp_path, "id,price,availability", "Z1,8.00 EUR,out of stock", "Z2,8.00 EUR,in stock")
    else:
        feed = objects(
            tmp_path, *({"id": sku, "price": "8.00 EUR", "availability": "out of stock"} for sku in ("Z1", "Z2"))
        )
    report, problems, succeeded = run_import(feed)
    assert (report["updated"], report["created"], succeeded) == (1, 0, False)
    assert [line.partition(": ")[2] for line in problems] == [
        "title: missing; no product has the id Z2 yet, and a new one needs a title"
    ]
    assert held("Z1", "title", "price", "in_stock", "brand", "description", "attributes") == (
        *("Hat", Decimal(8), False, "Aalto", "Warm"),
        {"size": "M"},
    )
    assert run_import(feed, "--dry-run")[0]["unchanged"] == 1


def test_a_quantity_says_what_is_in_stock_where_availability_does_not(tmp_path: Path) -> None:
    lines = ["a,x,0,", "b,x,3 pcs,", "c,x,3,sold out", "d,x,,"]
    run_import(table(tmp_path, "id,title,quantity,availability", *lines))
    assert [held(sku, "in_stock")[0] for sku in "abcd"] == [False, True, False, True]
    run_import(table(tmp_path, "id,inventory", "b,0", "d,"))
    assert [held(sku, "in_stock", "attributes") for sku in "bd"] == [(False, {}), (True, {})]


def test_attributes_keep_their_lists(tmp_path: Path) -> None:
    row = {"id": "1", "title": "a", "colour": ["red", "blue", "red", ""], "size": ["M"], "tags": [], "depth": 7}
    run_import(objects(tmp_path, row))
    assert held("1", "attributes")[0] == {"colour": ["red", "blue"], "size": "M", "depth": "7"}
    assert run_import(tmp_path / "feed.jsonl")[0]["unchanged"] == 1
    run_import(table(tmp_path, "id,title,colour", "2,a,red|blue"))
    assert held("2", "attributes")[0] == {"colour": "red|blue"}


def test_ids_and_texts_are_composed_and_a_decomposed_product_is_found(tmp_path: Path) -> None:
    run_import(
        table(
            tmp_path,
            "id,title,brand,Gr\N{LATIN SMALL LETTER O}\N{COMBINING DIAERESIS}ße",
            f"{DECOMPOSED},Cafe\N{COMBINING ACUTE ACCENT},é,é",
        )
    )
    assert Product.objects.values_list("sku", "title", "brand", "attributes").get() == (
        COMPOSED,
        "Café",
        "é",
        {"Größe": "é"},
    )
    assert run_import(table(tmp_path, "id,title", f"{COMPOSED},Café"))[0]["unchanged"] == 1
    write_decomposed(Product.objects.get().pk, DECOMPOSED)
    assert run_import(table(tmp_path, "id,title", f"{COMPOSED},Hut"))[0]["updated"] == 1
    assert held(DECOMPOSED, "title") == ("Hut",)
    repeated = run_import(table(tmp_path, "id,title", f"{COMPOSED},A", f"{DECOMPOSED},B"))
    assert repeated[1] == [f"line 3: id {COMPOSED} was in line 2 already; the first one counts"]


def now(**difference: int) -> datetime:
    return timezone.now().replace(microsecond=0) + timedelta(**difference)


def test_a_sale_is_what_is_paid_and_the_price_the_list_price(tmp_path: Path, heard: Heard) -> None:
    dates = f"{now(days=-1).isoformat()}/{now(days=1).isoformat()}"
    feed = table(
        tmp_path,
        "id,title,price,sale_price,sale_price_effective_date",
        f"now,a,10.00 EUR,8.00 EUR,{dates}",
        "always,a,10.00 EUR,8.00,",
        f"later,a,10.00 EUR,8.00 EUR,{now(days=1).isoformat()}/",
        "over,a,10.00 EUR,8.00 EUR,2020-01-01/2020-01-31",
        "none,a,10.00 EUR,,",
        "same,a,10.00 EUR,10.00 EUR,",
    )
    _, problems, _ = run_import(feed)
    assert problems == []
    found = {
        sku: held(sku, "price", "list_price", "sale_price")
        for sku in ("now", "always", "later", "over", "none", "same")
    }
    ten, eight = Decimal(10), Decimal(8)
    assert found == {
        "now": (eight, ten, eight),
        "always": (eight, ten, eight),
        "later": (ten, None, eight),
        "over": (ten, None, None),
        "none": (ten, None, None),
        "same": (ten, None, None),
    }
    heard.clear()
    assert (run_import(feed)[0]["unchanged"], heard.changed) == (6, [])


def test_a_feed_without_sale_columns_leaves_the_sale(tmp_path: Path) -> None:
    run_import(table(tmp_path, "id,title,price,sale_price", "1,a,10 EUR,8 EUR"))
    run_import(table(tmp_path, "id,price", "1,12 EUR"))
    assert held("1", "price", "list_price") == (Decimal(8), Decimal(12))
    run_import(table(tmp_path, "id,sale_price", "1,"))
    assert held("1", "price", "list_price", "sale_price") == (Decimal(12), None, None)
    run_import(table(tmp_path, "id,price", "1,many"))
    assert held("1", "price") == (Decimal(12),)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ("10 EUR,12 EUR,", "sale_price: 12.00 is more than price 10.00"),
        ("10 EUR,8 USD,", "sale_price: is in USD, and price in EUR"),
        (",8 EUR,", "sale_price: there is no price beside it; write the price without the sale under price"),
        ("10 EUR,8 EUR,tomorrow", "sale_price_effective_date: 'tomorrow' is no interval; write 2026-11-27/2026-11-30"),
        ("10 EUR,8 EUR,2026-13-01/", "sale_price_effective_date: '2026-13-01' is no date; write it like 2026-11-27"),
        ("10 EUR,8 EUR,2026-11-30/2026-11-01", "ends before it begins"),
        ("10 EUR,8 EUR,/9999-12-31T00:00", "is too far away"),
    ],
)
def test_a_sale_that_cannot_be_read_is_none_of_a_new_product(tmp_path: Path, cells: str, said: str) -> None:
    _, problems, _ = run_import(table(tmp_path, "id,title,price,sale_price,sale_price_effective_date", f"1,a,{cells}"))
    assert len(problems) == 1 and said in problems[0]
    assert held("1", "list_price", "sale_price") == (None, None)


def test_a_date_alone_is_the_whole_day_in_the_shops_time_zone(tmp_path: Path, settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Helsinki"
    day = now(days=2).date()
    run_import(table(tmp_path, "id,title,price,sale_price,sale_price_effective_date", f"1,a,10 EUR,8 EUR,{day}/{day}"))
    begins, ends = held("1", "sale_from", "sale_until")
    assert (begins.utcoffset(), ends - begins) == (timedelta(0), timedelta(days=1))
    assert timezone.localtime(begins).date() == day and timezone.localtime(begins).hour == 0


def test_the_example_of_the_page_goes_in_as_it_says(tmp_path: Path) -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "feeds.md"
    section = page.read_text(encoding="utf-8").partition("\n## Values\n")[2]
    example = section.partition("```csv\n")[2].partition("```")[0]
    report, problems, succeeded = run_import(table(tmp_path, *example.splitlines()))
    assert (report["created"], report["problem_count"], succeeded) == (5, 1, False)
    assert problems == ["line 5: price: '10-20 EUR' is no price; write it as 59.50 EUR"]
    assert list(Product.objects.order_by("sku").values_list("price", "list_price", "currency", "in_stock")) == [
        (Decimal("1234.50"), None, "USD", True),
        (Decimal("999"), Decimal("1299"), "SEK", False),
        (Decimal("3.125"), None, "KWD", True),
        (None, None, "", True),
        (None, None, "", False),
    ]
