"""PrestaShop: the columns of its import of products, and those of the list of products in its back office."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from catalog.feeds.mapping.lists import comma_list
from catalog.feeds.mapping.photos import photos_of, put_photos
from catalog.feeds.mapping.shop import Context, Rows, Shop, Values, copy, first, keyed, put, put_attribute, put_prices
from catalog.feeds.rows import BadRow, FeedRow

_EXPLAINED = re.compile(r"_*(?:\*|#|\(.*)")  # `Name *`, `Reference #`, `Categories (x,y,z...)`
_TAXED = re.compile(r"price_\(?tax_(?:incl|excl)")
_ROOTS = {"home", "root", "accueil", "start", "inicio", "startseite"}


def _map(rows: Rows, _: Context) -> Rows:
    for row in rows:
        if isinstance(row, BadRow):
            yield row
        else:
            yield FeedRow(row.line, _values(_named(keyed(row))), complete=False, where=row.where)


def _named(cells: Values) -> Values:
    """The cells by the names of columns without what explains them; prices with tax before those without."""
    named: Values = {}
    for key, texts in cells.items():
        if _TAXED.match(key):
            named.setdefault("price_with_tax" if "incl" in key else "price_without_tax", texts)
        else:
            named.setdefault(_EXPLAINED.sub("", key), texts)
    return named


def _values(cells: Values) -> Values:
    values: Values = {}
    copy(values, "id", cells, "reference", "product_reference", "product_id", "id")
    copy(values, "title", cells, "name", "product_name")
    copy(values, "description", cells, "description", "summary", "short_description")
    copy(values, "brand", cells, "manufacturer", "brand")
    if "categories" in cells or "category" in cells:
        names = comma_list(first(cells, "categories", "category"))
        put(values, "product_type", [name for name in names if name.lower() not in _ROOTS] or names[:1])
    copy(values, "published", cells, "active", "status")
    prices = ("price_with_tax", "price_without_tax", "price", "final_price")
    if any(key in cells for key in prices):
        price = first(cells, *prices)
        put_prices(values, price, _reduced(price, first(cells, "discount_amount"), first(cells, "discount_percent")))
        begins, ends = (first(cells, f"discount_{side}") for side in ("from", "to"))
        if values["sale_price"] and (begins or ends):
            put(values, "sale_price_effective_date", [f"{begins}/{ends}"])
    copy(values, "quantity", cells, "quantity")
    photos = [text for key in ("image_urls", "image", "image_url", "cover") for text in cells.get(key, [])]
    if any(key in cells for key in ("image_urls", "image", "image_url", "cover")):
        put_photos(values, photos_of(photos))
    put_attribute(values, "gtin", [first(cells, "ean13", "upc")])
    put_attribute(values, "condition", [first(cells, "condition")])
    put_attribute(values, "tags", comma_list(first(cells, "tags")))
    for feature in comma_list(first(cells, "feature", "features")):
        name, _, rest = feature.partition(":")
        put_attribute(values, name, [rest.partition(":")[0].strip()])
    return values


def _reduced(price: str, amount: str, percent: str) -> str:
    """What is paid with a discount, or "" where there is none or the numbers cannot be read."""
    try:
        full = Decimal(price.replace(",", "."))
        by_amount, by_percent = (Decimal(text.replace(",", ".").rstrip("% ") or 0) for text in (amount, percent))
        paid = (full - by_amount) * (100 - by_percent) / 100
    except (InvalidOperation, ValueError):
        return ""
    return format(paid.quantize(Decimal("0.01")), "f") if paid.is_finite() and 0 < paid < full < 10**15 else ""


SHOP = Shop(
    "PrestaShop",
    (
        *(
            frozenset((number, "active_(0/1)", name))
            for number in ("product_id", "id")
            for name in ("name_*", "name*", "name")
        ),
        frozenset(("product_id", "name", "reference", "category")),
        frozenset(("product_id", "name", "reference", "price_(tax_excl.)")),
    ),
    _map,
)
