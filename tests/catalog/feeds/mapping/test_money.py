"""Which price is taken where a shop system gives several, and whether its amount is in cents."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from catalog.models import Product
from tests.catalog.feeds.files import run_import

pytestmark = pytest.mark.django_db
ONE_IN_EUR = "of prices in EUR, USD ({place}) the one in EUR was taken; --currency says which of them is wanted"
ONE_IN_USD = "of prices in EUR, USD ({place}) the one in USD was taken"
CENTS = "1250 EUR ({place}) was read in the currency's smallest part, as Medusa 1 writes amounts"
WHOLE = (
    "1250 EUR ({place}) was read as of Medusa 2, as nothing tells the version; were it cents of Medusa 1, have the prices' ids"
    " in the document"
)
MEDUSA_1 = (
    "Product Id,Product Handle,Product Title,Variant Id,Variant SKU,Price EUR,Price USD\np,hat,Hat,v,H,{eur},{usd}\n"
)
MEDUSA_2 = MEDUSA_1.replace("Price EUR,Price USD", "Variant Price EUR,Variant Price USD")
OLDEST = MEDUSA_1.replace(
    "Price EUR,Price USD", "Price 1 Currency code,Price 1 Amount,Price 2 Currency code,Price 2 Amount"
).replace("{eur},{usd}", "eur,{eur},usd,{usd}")
COMMERCETOOLS = "productType,variantId,sku,prices,name.en\nshoe,1,H,DE-EUR {eur};USD {usd},Hat\n"


def medusa(*prices: dict[str, Any], **product: Any) -> str:
    variants = [{"id": "v", "sku": "H", "prices": list(prices)}]
    return json.dumps([{"id": "p", "title": "Hat", "handle": "hat", "variants": variants, **product}])


def price(amount: float, currency: str, **more: Any) -> dict[str, Any]:
    return {"amount": amount, "currency_code": currency, **more}


def projection(*prices: tuple[int, str, int]) -> str:
    written = [
        {"value": {"centAmount": cents, "currencyCode": code, "fractionDigits": digits}}
        for cents, code, digits in prices
    ]
    variant = {"id": 1, "sku": "H", "prices": written}
    return json.dumps(
        [{"id": "p", "name": {"en": "Hat"}, "slug": {"en": "hat"}, "masterVariant": variant, "variants": []}]
    )


def taken(folder: Path, text: str, *options: str) -> tuple[Decimal | None, str, list[str]]:
    """Price and currency of the only product, and the notices without the name of the system."""
    path = folder / "feed"
    path.write_text(text)
    report, problems, _ = run_import(path, *options)
    assert problems == []
    product = Product.objects.get(sku="H")
    return (
        product.price,
        product.currency,
        [text for text in report["notices"] if "columns as" not in text and "items" not in text],
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (MEDUSA_2.format(eur="12.50", usd="14"), ("12.5", "14")),
        (MEDUSA_2.format(eur="1250", usd="1400"), ("1250", "1400")),
        (COMMERCETOOLS.format(eur="1250", usd="1400"), ("12.5", "14")),
    ],
)
def test_of_several_currencies_the_feeds_is_taken_else_the_first(
    text: str, expected: tuple[str, str], tmp_path: Path
) -> None:
    first, wanted = map(Decimal, expected)
    place = "line 2"
    assert taken(tmp_path, text) == (first, "EUR", [ONE_IN_EUR.format(place=place)])
    assert taken(tmp_path, text, "--currency", "USD") == (wanted, "USD", [ONE_IN_USD.format(place=place)])
    assert taken(tmp_path, text, "--currency", "GBP")[:2] == (first, "EUR")


@pytest.mark.parametrize("table", [MEDUSA_1, OLDEST])
def test_medusa_1_exports_cents_unless_a_price_of_the_table_has_decimals(table: str, tmp_path: Path) -> None:
    told = taken(tmp_path, table.format(eur="1250", usd=""))
    assert told == (Decimal("12.5"), "EUR", [CENTS.format(place="line 2")])
    two = (
        table.format(eur="1250", usd="")
        + table.format(eur="9.50", usd="").splitlines()[1].replace(",H,", ",H2,")
        + "\n"
    )
    assert taken(tmp_path, two) == (Decimal(1250), "EUR", [])


@pytest.mark.parametrize(
    ("text", "amount", "notice"),
    [
        (medusa(price(1250, "eur", id="ma_01", region_id=None)), "12.5", CENTS),
        (medusa(price(1250, "eur"), profile_id="sp_1"), "12.5", CENTS),
        (medusa(price(1250, "eur", id="price_01")), "1250", ""),
        (medusa(price(1250, "eur", raw_amount={"value": "1250", "precision": 20})), "1250", ""),
        (medusa(price(12.5, "eur")), "12.5", ""),
        (medusa(price(1250, "eur")), "1250", WHOLE),
        (medusa(price(1250, "jpy", id="ma_01")), "1250", CENTS.replace("EUR", "JPY")),
    ],
)
def test_a_document_of_medusa_tells_its_version_by_its_prices(
    text: str, amount: str, notice: str, tmp_path: Path
) -> None:
    found, currency, notices = taken(tmp_path, text)
    assert (found, currency) == (Decimal(amount), "JPY" if "jpy" in text else "EUR")
    assert notices == ([notice.format(place="item 1")] if notice else [])


@pytest.mark.parametrize(
    "text", [medusa(price(12.5, "eur"), price(14.5, "usd")), projection((1250, "EUR", 2), (1450, "USD", 2))]
)
def test_documents_with_several_currencies(text: str, tmp_path: Path) -> None:
    assert taken(tmp_path, text)[:2] == (Decimal("12.5"), "EUR")
    assert taken(tmp_path, text, "--currency", "USD") == (Decimal("14.5"), "USD", [ONE_IN_USD.format(place="item 1")])


def test_fraction_digits_of_commercetools_count(tmp_path: Path) -> None:
    assert taken(tmp_path, projection((12345, "KWD", 3)))[:2] == (Decimal("12.345"), "KWD")
