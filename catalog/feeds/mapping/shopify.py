"""Shopify: a product is several rows of one Handle, each of which may hold a variant, a photo, or both."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from catalog.feeds.mapping.photos import photos_of, put_photos
from catalog.feeds.mapping.shop import Context, Rows, Shop, Values, copy, first, keyed, put, put_attribute, put_prices
from catalog.feeds.rows import BadRow, FeedRow

_MOST_ROWS = 5000  # of one product: memory stays bounded
# The columns of the newer export under the names of the older one.
_NEWER = {
    "url_handle": "handle",
    "description": "body_(html)",
    "product_category": "product_category",
    "published_on_online_store": "published",
    "sku": "variant_sku",
    "barcode": "variant_barcode",
    "price": "variant_price",
    "compare_at_price": "variant_compare_at_price",
    "inventory_tracker": "variant_inventory_tracker",
    "inventory_quantity": "variant_inventory_qty",
    "continue_selling_when_out_of_stock": "variant_inventory_policy",
    "product_image_url": "image_src",
    "variant_image_url": "variant_image",
}
_OF_A_VARIANT = ("variant_sku", "variant_price", "option1_value", "variant_barcode")
_OPTIONS = (1, 2, 3)


def _map(rows: Rows, _: Context) -> Rows:
    group: list[tuple[FeedRow, Values]] = []
    for row in rows:
        if isinstance(row, BadRow):
            yield row
            continue
        cells = keyed(row)
        if "url_handle" in cells:
            cells = {_NEWER.get(key, key): texts for key, texts in cells.items()}
        handle = first(cells, "handle")
        if group and (handle != first(group[0][1], "handle") or len(group) >= _MOST_ROWS):
            yield from _product(group)
            group = []
        group.append((row, cells))
    if group:
        yield from _product(group)


def _product(group: list[tuple[FeedRow, Values]]) -> Iterator[FeedRow]:
    """One row a variant; what only the first row of a product says holds for all."""
    head = group[0][1]
    variants = [(row, cells) for number, (row, cells) in enumerate(group) if not number or first(cells, *_OF_A_VARIANT)]
    placed = sorted(
        ((_position(cells), photo) for _, cells in group for photo in photos_of(cells.get("image_src", []))),
        key=lambda photo: photo[0],
    )
    photos = [photo for _, photo in placed]
    own = {photo for _, cells in variants for photo in photos_of(cells.get("variant_image", []))}
    common = [photo for photo in photos if photo not in own]
    for row, cells in variants:
        values = _variant(head, cells, several=len(variants) > 1)
        if "image_src" in head or "variant_image" in head:
            mine = photos_of(cells.get("variant_image", []))
            put_photos(values, mine + (common if mine else photos))
        yield FeedRow(row.line, values, complete=False, where=row.where)


def _variant(head: Values, cells: Values, *, several: bool) -> Values:
    handle = first(head, "handle")
    options = [_option(head, cells, number) for number in _OPTIONS]
    named = [(name, value) for name, value in options if value and (name, value) != ("Title", "Default Title")]
    values: Values = {}
    written = "-".join([handle, *(value for _, value in named)]) if several else handle
    put(values, "id", [first(cells, "variant_sku").lstrip("'") or written])
    copy(values, "title", head, "title")
    copy(values, "description", head, "body_(html)")
    copy(values, "brand", head, "vendor")
    copy(values, "product_type", head, "type")
    copy(values, "google_product_category", head, "product_category", "google_shopping_/_google_product_category")
    copy(values, "published", head, "published")
    copy(values, "status", head, "status")
    put(values, "item_group_id", [handle])
    _put_price(values, cells)
    _put_stock(values, cells)
    for name, value in named:
        put_attribute(values, name, [value])
    put_attribute(values, "gtin", [first(cells, "variant_barcode").lstrip("'")])
    put_attribute(values, "tags", [tag.strip() for tag in first(head, "tags").split(",")])
    for key, texts in head.items():
        if key.startswith("google_shopping_/_") and not key.endswith("google_product_category"):
            put_attribute(values, key.removeprefix("google_shopping_/_"), texts)
        elif "(product.metafields." in key:
            put_attribute(values, key.partition("_(product.metafields.")[0], texts)
    return values


def _option(head: Values, cells: Values, number: int) -> tuple[str, str]:
    """The name of an option, which only the first row says, and this variant's value."""
    name = first(cells, f"option{number}_name") or first(head, f"option{number}_name")
    return name or f"option {number}", first(cells, f"option{number}_value")


def _put_price(values: Values, cells: Values) -> None:
    """The price to compare at is the list price, where it is more than what is paid."""
    if "variant_price" not in cells:
        return
    paid, compared = first(cells, "variant_price"), first(cells, "variant_compare_at_price")
    if compared and _amount(compared) > _amount(paid):
        put_prices(values, compared, paid)
    else:
        put_prices(values, paid, "")


def _amount(text: str) -> Decimal:
    """0 for what is no plain number."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return Decimal(0)
    return amount if amount.is_finite() else Decimal(0)


def _put_stock(values: Values, cells: Values) -> None:
    """A variant that Shopify does not count, or goes on selling, is in stock."""
    quantity = first(cells, "variant_inventory_qty")
    if "variant_inventory_qty" not in cells or not quantity:
        return
    counted = "variant_inventory_tracker" not in cells or first(cells, "variant_inventory_tracker")
    sold_on = first(cells, "variant_inventory_policy").lower() in ("continue", "true")
    put(values, "availability", [quantity if counted and not sold_on else "in stock"])


def _position(cells: Values) -> int:
    text = first(cells, "image_position")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else _MOST_ROWS


SHOP = Shop(
    "Shopify",
    (
        frozenset(("handle", "title", "variant_price")),
        frozenset(("handle", "title", "variant_sku")),
        frozenset(("handle", "title", "option1_value", "image_src")),
        frozenset(("url_handle", "title", "option1_value")),
        frozenset(("url_handle", "title", "product_image_url")),
    ),
    _map,
)
