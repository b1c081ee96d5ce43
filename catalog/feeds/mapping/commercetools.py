"""commercetools: columns with a language behind a point, prices in minor units, and a row a variant below its product's."""

from __future__ import annotations

import re

from catalog.feeds.mapping.money import Money, PriceChoice, put_money
from catalog.feeds.mapping.photos import photos_of, put_photos
from catalog.feeds.mapping.shop import Context, Rows, Shop, Values, first, keyed, put, put_attribute
from catalog.feeds.rows import BadRow, FeedRow

_LOCALISED = re.compile(r"(?P<name>[\w-]+)\.(?P<language>[a-z]{2}(?:_[a-z]{2,4})?)")
_PRICE = re.compile(r"(?:[A-Z]{2}-)?(?P<currency>[A-Z]{3}) (?P<cents>\d{1,15})")
_PASSED_OVER = frozenset(
    (
        *(
            "producttype",
            "variantid",
            "id",
            "sku",
            "key",
            "variantkey",
            "prices",
            "tax",
            "categories",
            "images",
            "name",
            "slug",
        ),
        *(
            "description",
            "creationdate",
            "lastmodifieddate",
            "version",
            "_published",
            "_haschanges",
            "metatitle",
            "metadescription",
        ),
        *("metakeywords", "searchkeywords", "categoryorderhints", "baseid", "state"),
    )
)
_OF_THE_PRODUCT = ("name", "slug", "description", "categories", "id", "key", "producttype", "_published")


def _map(rows: Rows, context: Context) -> Rows:
    product: Values = {}
    for row in rows:
        if isinstance(row, BadRow):
            yield row
            continue
        cells = _in_one_language(keyed(row))
        if first(cells, "producttype") or first(cells, "name"):
            product = {key: cells[key] for key in _OF_THE_PRODUCT if key in cells}
        yield FeedRow(
            row.line, _values(cells, product, PriceChoice(context, row.place)), complete=False, where=row.where
        )


def _in_one_language(cells: Values) -> Values:
    """`name.en` as `name`: of several languages the first that has a value."""
    found: Values = {}
    for key, texts in cells.items():
        match = _LOCALISED.fullmatch(key)
        name = match["name"] if match else key
        found[name] = found.get(name) or texts
    return found


def _values(cells: Values, product: Values, choice: PriceChoice) -> Values:
    values: Values = {}
    group = first(product, "slug", "key", "id", "name")
    put(values, "id", [first(cells, "sku") or "-".join(filter(None, (group, first(cells, "variantid"))))])
    put(values, "title", [first(product, "name")])
    put(values, "description", [first(product, "description")], there="description" in product)
    put(values, "item_group_id", [group])
    put(values, "published", [first(product, "_published")], there="_published" in product)
    if "categories" in product:
        put(values, "product_type", [path.strip() for path in first(product, "categories").split(";")])
    if "prices" in cells:
        _put_price(values, first(cells, "prices"), choice)
    if "images" in cells:
        put_photos(
            values, photos_of([image.partition("|")[0] for text in cells["images"] for image in text.split(";")])
        )
    for key, texts in cells.items():
        if key not in _PASSED_OVER:
            put_attribute(values, key, [part.strip() for text in texts for part in text.split(";")])
    return values


def _put_price(values: Values, text: str, choice: PriceChoice) -> None:
    """Of `DE-EUR 19000;USD 21000`, amounts in minor units, one; what is no such list stays as it is."""
    matches = [_PRICE.match(part.strip()) for part in text.split(";")]
    prices = [Money(match["cents"], match["currency"], minor=True) for match in matches if match]
    if prices or not text:
        put_money(values, choice.among(prices))
    else:
        put(values, "price", [text])


SHOP = Shop(
    "commercetools",
    (
        frozenset(("producttype", "variantid", "sku", "prices")),
        frozenset(("producttype", "variantid", "sku", "images")),
    ),
    _map,
)
