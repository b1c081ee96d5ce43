"""Mapping files: what their rules do, what is refused, and that a suggested one can be used."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from catalog.feeds.mapping.files import MappingError, parse_mapping
from catalog.feeds.mapping.ruled import ruled
from catalog.feeds.rows import FeedRow
from catalog.models import Product
from tests.catalog.feeds.files import run_import, write_photo

RULES = """
id = "Artikel-Nr."
title = { columns = ["Marke", "Name"], join = " " }
product_type = { column = "Gruppen", split = ";" }
availability = { column = "Lager", default = "in stock" }
description = { column = "Text", strip_html = true }
image_link = ["Bild 1", "Bild 2"]

[attributes]
material = "Stoff"
"""


def test_the_transforms() -> None:
    row = FeedRow(
        2,
        {
            "Artikel Nr.": ["7"],
            "Marke": ["Acme"],
            "Name": [" Mug "],
            "Gruppen": ["Cups; Gifts > New"],
            "Lager": [""],
            "Text": ["<b>Hot</b>"],
            "Bild 1": ["a.jpg"],
            "Bild 2": ["b.jpg"],
            "Stoff": ["Clay"],
            "Farbe": ["red"],
        },
        complete=False,
    )
    assert ruled(row, parse_mapping(RULES)).values == {
        "id": ["7"],
        "title": ["Acme Mug"],
        "product_type": ["Cups", "Gifts > New"],
        "availability": ["in stock"],
        "description": ["Hot"],
        "image_link": ["a.jpg", "b.jpg"],
        "material": ["Clay"],
        "Farbe": ["red"],
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it has no rule"),
        ("title = ", "no TOML"),
        ('titel = "Name"', "titel: no field of ours; did you mean title?"),
        ("title = 3", "title: 3 is no name of a column"),
        ('title = ""', "title: '' is no name of a column"),
        ("title = []", "title: an empty list"),
        ("title = {}", "title: names no column"),
        ('title = { colum = "Name" }', "title.colum: no option; did you mean column?"),
        ('title = { column = "Name", split = 1 }', "title.split: 1 is not a text in quotes"),
        ('title = { column = "Name", split = "" }', "title.split: empty"),
        ('title = { column = "Name", columns = ["Name"] }', "title: column and columns"),
        ('attributes = "x"', "attributes: write a table"),
        ("[attributes]\ncolour = 1", "attributes.colour: 1 is no name of a column"),
    ],
)
def test_a_mapping_that_cannot_be_used_says_which_key(text: str, said: str) -> None:
    with pytest.raises(MappingError) as error:
        parse_mapping(text)
    assert said in str(error.value)


@pytest.mark.django_db
def test_a_column_that_the_feed_does_not_have_ends_the_import(tmp_path: Path) -> None:
    (feed := tmp_path / "feed.csv").write_text("Nummer,Name\n1,Mug\n")
    (rules := tmp_path / "rules.toml").write_text('id = "Nummer"\ntitle = "Nmae"\n')
    with pytest.raises(CommandError) as error:
        call_command("import_products", str(feed), "--mapping", str(rules))
    assert str(error.value) == f"{feed}: mapping: title: the feed has no column 'Nmae'; it has: Nummer, Name"
    with pytest.raises(CommandError, match=r"none\.toml: cannot be read: No such file"):
        call_command("import_products", str(feed), "--mapping", str(tmp_path / "none.toml"))


@pytest.mark.django_db
def test_a_suggested_mapping_imports_a_feed_in_another_language(tmp_path: Path) -> None:
    for number, name in enumerate(("a.jpg", "b.jpg")):
        write_photo(tmp_path, name, number)
    feed = tmp_path / "feed.csv"
    feed.write_text(
        "Artikelnummer;Bezeichnung;Beschreibung;VK-Preis;Verfügbarkeit;Hersteller;Warengruppe;Ansicht;Farbe\n"
        '1;"Tasse ""blau""";<p>Schön</p>;12,50 EUR;auf Lager;Acme;Küche > Tassen;a.jpg;blau\n'
        "2;Kanne;;8,00 EUR;ausverkauft;Acme;Küche > Kannen;b.jpg;rot\n",
        encoding="utf-8",
    )
    out = StringIO()
    call_command("import_products", str(feed), "--suggest-mapping", stdout=out)
    assert 'id = "Artikelnummer"  # 1, 2\ntitle = "Bezeichnung"  # Tasse "blau", Kanne\n' in out.getvalue()
    assert 'image_link = "Ansicht"  # a.jpg, b.jpg\n' in out.getvalue()
    assert '[attributes]\n# "farbe" = "Farbe"  # blau, rot\n' in out.getvalue()
    assert not Product.objects.exists()
    (rules := tmp_path / "rules.toml").write_text(out.getvalue(), encoding="utf-8")
    report, problems, succeeded = run_import(feed, "--mapping", str(rules))
    assert (report["created"], report["photos_added"], problems, succeeded) == (2, 2, [], True)
    mug = Product.objects.get(sku="1")
    assert (mug.title, mug.description, mug.brand, mug.in_stock, mug.attributes) == (
        *('Tasse "blau"', "Schön", "Acme", True),
        {"Farbe": "blau"},
    )
    assert Product.objects.get(sku="2").in_stock is False
