"""Every example of a shape in docs/feeds.md goes in as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.catalog.feeds.files import counts, run_import

pytestmark = pytest.mark.django_db
PAGE = (Path(__file__).resolve().parents[3] / "docs" / "feeds.md").read_text()
SHAPES = dict(re.findall(r"^### ([^\n]+)\n(?:(?!^#).)*?^```\w+\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
PRODUCTS = {
    "CSV and TSV": 3,
    "Google's RSS and Atom": 3,
    "Any other XML": 2,
    "YML": 1,
    "JSON Lines": 6,
    "JSON documents": 3,
    "Shopify": 4,
    "WooCommerce": 4,
    "Magento 2": 3,
    "PrestaShop": 5,
    "Vendure": 5,
    "Medusa": 5,
    "commercetools": 5,
    "Awin": 5,
}


def test_every_shape_has_an_example_of_six_lines() -> None:
    assert {name: text.count("\n") for name, text in SHAPES.items()} == dict.fromkeys(PRODUCTS, 6)


@pytest.mark.parametrize("shape", PRODUCTS)
def test_the_example_goes_in(shape: str, tmp_path: Path) -> None:
    path = tmp_path / "feed"
    path.write_text(re.sub(r"[\w-]+\.jpg", "https://shop.example/photo.jpg", SHAPES[shape]))
    report, problems, succeeded = run_import(path)
    assert (problems, succeeded) == ([], True)
    assert counts(report)[:3] == [PRODUCTS[shape], 0, 0]
