"""Vendure: a row without a name is one more variant of the product above it."""

from __future__ import annotations

from catalog.feeds.mapping.photos import photos_of, put_photos
from catalog.feeds.mapping.shop import Context, Rows, Shop, Values, copy, first, keyed, put, put_attribute
from catalog.feeds.rows import BadRow, FeedRow

_OF_THE_PRODUCT = ("name", "slug", "description", "assets", "facets", "optiongroups")


def _map(rows: Rows, _: Context) -> Rows:
    product: Values = {}
    for row in rows:
        if isinstance(row, BadRow):
            yield row
            continue
        cells: Values = {}
        for key, texts in keyed(row).items():  # `name:en`: the first language that has a value
            name = key.partition(":")[0]
            cells[name] = cells.get(name) or texts
        if first(cells, "name") or first(cells, "slug"):
            product = {key: cells[key] for key in _OF_THE_PRODUCT if key in cells}
        yield FeedRow(row.line, _values(cells, product), complete=False, where=row.where)


def _values(cells: Values, product: Values) -> Values:
    values: Values = {}
    options = _parts(first(cells, "optionvalues"))
    slug = first(product, "slug", "name")
    put(values, "id", [first(cells, "sku") or "-".join([slug, *options])])
    copy(values, "title", product, "name")
    copy(values, "description", product, "description")
    put(values, "item_group_id", [slug])
    copy(values, "price", cells, "price")
    tracked = first(cells, "trackinventory").lower() != "false"
    if "stockonhand" in cells:
        put(values, "availability", [first(cells, "stockonhand") if tracked else "in stock"])
    copy(values, "published", cells, "enabled")
    if "assets" in product or "variantassets" in cells:
        put_photos(values, photos_of([*cells.get("variantassets", []), *product.get("assets", [])]))
    for facet in (*_parts(first(product, "facets")), *_parts(first(cells, "variantfacets"))):
        name, _, value = (part.strip() for part in facet.partition(":"))
        if name.lower() in ("category", "categories"):
            put(values, "product_type", [value])
        elif name.lower() in ("brand", "manufacturer"):
            values.setdefault("brand", [value])
        else:
            put_attribute(values, name, [value])
    for name, value in zip(_parts(first(product, "optiongroups")), options, strict=False):
        put_attribute(values, name, [value])
    return values


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split("|") if part.strip()]


SHOP = Shop(
    "Vendure",
    (
        frozenset(("name", "slug", "assets", "optiongroups", "optionvalues", "sku")),
        frozenset(("name:en", "slug:en", "assets", "sku", "price")),
        frozenset(("name", "slug", "assets", "facets", "sku", "price")),
    ),
    _map,
)
