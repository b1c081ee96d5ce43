"""WooCommerce: a variation is a row that names its `Parent`; attributes are columns `Attribute 1 name`, `Attribute 1 value(s)`."""

from __future__ import annotations

import re

from catalog.feeds.kept import Kept
from catalog.feeds.mapping.lists import comma_list
from catalog.feeds.mapping.photos import photos_of, put_photos
from catalog.feeds.mapping.shop import Context, Rows, Shop, Values, copy, first, keyed, put, put_attribute, put_prices
from catalog.feeds.mapping.woocommerce_names import english_key
from catalog.feeds.rows import BadRow, FeedRow

_ATTRIBUTE = re.compile(r"attribute_(\d{1,3})_name")
_INHERITED = ("description", "short_description", "categories", "brands", "images", "published", "tags")
_KEPT = (*_INHERITED, "id", "sku", "name", "visibility_in_catalog")


class _Parents:
    """The rows that variations name, by SKU and by `id:NUMBER`: what variations inherit, and which photos are single variations'."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    def read(self, rows: Rows) -> None:
        for row in rows:
            if isinstance(row, BadRow):
                continue
            cells = keyed(row, english_key)
            if reference := _reference(cells):
                self._kept.put("variation of", reference)
                for photo in photos_of(cells.get("images", [])):
                    self._kept.put("photo of", f"{reference}\n{photo}")
            elif first(cells, "type").lower().startswith("variable"):
                inherited = {key: texts for key, texts in cells.items() if key in _KEPT or key.startswith("attribute_")}
                for name in _names(cells):
                    self._kept.put("parent", name, inherited)

    def of(self, reference: str) -> Values:
        """The cells of the row that a variation names; none where the feed does not have it."""
        cells: Values = (self._kept.get("parent", reference) if reference else None) or {}
        return cells

    def have_variations(self, cells: Values) -> bool:
        """Whether another row names this one."""
        return any(self._kept.has("variation of", name) for name in _names(cells))

    def shared_photos(self, above: Values) -> list[str]:
        """The photos of a parent that are those of no single variation."""
        names = _names(above)
        return [
            photo
            for photo in photos_of(above.get("images", []))
            if not any(self._kept.has("photo of", f"{name}\n{photo}") for name in names)
        ]


def _map(rows: Rows, context: Context) -> Rows:
    with Kept() as kept:
        parents = _Parents(kept)
        parents.read(context.again())
        for row in rows:
            if isinstance(row, BadRow):
                yield row
                continue
            cells = keyed(row, english_key)
            variable = not _reference(cells) and first(cells, "type").lower().startswith("variable")
            if variable and parents.have_variations(cells):
                continue  # what can be bought are its variations
            yield FeedRow(row.line, _values(cells, parents), complete=False, where=row.where)


def _reference(cells: Values) -> str:
    return first(cells, "parent")


def _names(cells: Values) -> list[str]:
    """How a variation may name this row."""
    sku, number = first(cells, "sku"), first(cells, "id")
    return [*([sku] if sku else []), *([f"id:{number}"] if number else [])]


def _values(cells: Values, parents: _Parents) -> Values:
    above = parents.of(_reference(cells))
    whole = {**cells, **{key: above[key] for key in _INHERITED if above.get(key) and not cells.get(key)}}
    values: Values = {}
    put(values, "id", [first(cells, "sku") or first(cells, "id")])
    put(values, "title", [first(cells, "name") or first(above, "name")])
    copy(values, "description", whole, "description", "short_description")
    copy(values, "brand", whole, "brands")
    if "categories" in whole:
        put(values, "product_type", comma_list(first(whole, "categories")))
    put(values, "item_group_id", [first(above, "sku") or first(above, "id") or _reference(cells)], there=False)
    _put_published(values, whole, above)
    if "regular_price" in cells:
        put_prices(values, first(cells, "regular_price"), first(cells, "sale_price"))
        if first(cells, "sale_price") and "date_sale_price_starts" in cells:
            begins, ends = first(cells, "date_sale_price_starts"), first(cells, "date_sale_price_ends")
            put(values, "sale_price_effective_date", [f"{begins}/{ends}" if begins or ends else ""])
    copy(values, "availability", cells, "in_stock?", "stock")
    if "images" in whole:
        mine = photos_of(cells.get("images", []))
        put_photos(values, mine + parents.shared_photos(above) or photos_of(above.get("images", [])))
    _put_attributes(values, cells, above)
    put_attribute(values, "tags", comma_list(first(whole, "tags")))
    put_attribute(values, "gtin", [first(cells, "gtin,_upc,_ean,_or_isbn")])
    return values


def _put_published(values: Values, cells: Values, above: Values) -> None:
    """A product that the shop hides from its catalogue and its search is hidden here, too."""
    if "published" not in cells:
        return
    said = [first(source, "published") for source in (cells, above)]
    hidden = [text for text in said if text in ("0", "-1")]
    if "hidden" in (first(source, "visibility_in_catalog").lower() for source in (cells, above)):
        hidden.append("0")
    put(values, "published", hidden[:1] or said[:1])


def _put_attributes(values: Values, cells: Values, above: Values) -> None:
    """Its own attributes, and of its parent's those that it does not give itself."""
    for source in (cells, above):
        found: Values = {}
        for key in source:
            if match := _ATTRIBUTE.fullmatch(key):
                number = match[1]
                texts = comma_list(first(source, f"attribute_{number}_value(s)", f"attribute_{number}_value"))
                put_attribute(found, first(source, key), texts)
        for name, texts in found.items():
            values.setdefault(name, texts)


_NEEDED = (
    frozenset(("type", "sku", "name", "regular_price")),
    frozenset(("type", "sku", "name", "published", "images")),
    frozenset(("id", "type", "name", "regular_price", "categories")),
)
# Asked for beside translated names, as `Typ`, `Artikelnummer`, `Name` and `Regulärer Preis` may be in anybody's table.
_HALLMARKS = ("published", "visibility_in_catalog", "parent", "attribute_1_name")
SHOPS = (
    Shop("WooCommerce", _NEEDED, _map),
    Shop("WooCommerce", tuple(names | {one} for names in _NEEDED for one in _HALLMARKS), _map, english_key),
)
