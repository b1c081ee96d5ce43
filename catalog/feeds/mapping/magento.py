"""Magento 2: configurables list the SKUs of their variants in `configurable_variations`; further attributes are in one column."""

from __future__ import annotations

import re

from catalog.feeds.kept import Kept
from catalog.feeds.mapping.lists import deepest, named_values
from catalog.feeds.mapping.photos import photos_of, put_photos
from catalog.feeds.mapping.shop import Context, Rows, Shop, Values, copy, first, keyed, put, put_attribute, put_prices
from catalog.feeds.rows import BadRow, FeedRow

_PHOTOS = ("base_image", "additional_images", "small_image", "thumbnail_image")
_INHERITED = ("description", "short_description", "categories", "base_image", "additional_images")
_PASSED_OVER = frozenset(
    ("has_options", "required_options", "gift_message_available", "ts_country_of_origin", "links_exist")
)
_SLASH = re.compile(r"(?<!\\)/")
_AMERICAN = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{2}|\d{4})(?:,? .*)?")


class _Family:
    """The configurables of a feed, what each of their variants is called there, and which SKUs have rows of their own."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    def read(self, rows: Rows) -> None:
        for row in rows:
            if isinstance(row, BadRow):
                continue
            cells = keyed(row)
            sku = first(cells, "sku")
            if not first(cells, "store_view_code"):
                self._kept.put("in no view", sku)
            elif not first(cells, "product_type"):
                continue
            if not (variations := first(cells, "configurable_variations")):
                self._kept.put("variant", sku)
                continue
            self._read_configurable(sku, cells, variations)

    def _read_configurable(self, sku: str, cells: Values, variations: str) -> None:
        inherited = {key: texts for key, texts in cells.items() if key in (*_INHERITED, "product_online", "name")}
        self._kept.put("configurable", sku, inherited)
        children = []
        for variation in variations.split("|"):
            named = named_values(variation)
            if child := "".join(named.pop("sku", [])[:1]):
                self._kept.put("options", child, [sku, named])
                children.append(child)
        self._kept.put("children", sku, children)

    def is_translation(self, cells: Values) -> bool:
        """Whether a row gives the texts of one store view; the row of the SKU itself names none. Exports repeat the type in both."""
        return bool(first(cells, "store_view_code")) and (
            not first(cells, "product_type") or self._kept.has("in no view", first(cells, "sku"))
        )

    def is_parent(self, sku: str) -> bool:
        """Whether a row is a configurable of which a variant has a row, so that variants are what can be bought."""
        children: list[str] = self._kept.get("children", sku) or []
        return any(self.of(child)[0] == sku and self._kept.has("variant", child) for child in children)

    def of(self, sku: str) -> tuple[str, dict[str, list[str]]]:
        """The SKU of a variant's configurable, "" where it has none, and its options."""
        group, options = self._kept.get("options", sku) or ("", {})
        return group, options

    def configurable(self, sku: str) -> Values:
        """What variants inherit."""
        cells: Values = self._kept.get("configurable", sku) or {}
        return cells


def _map(rows: Rows, context: Context) -> Rows:
    with Kept() as kept:
        family = _Family(kept)
        family.read(context.again())
        for row in rows:
            if isinstance(row, BadRow):
                yield row
                continue
            cells = keyed(row)
            if not family.is_translation(cells) and not family.is_parent(first(cells, "sku")):
                yield FeedRow(row.line, _values(cells, family), complete=False, where=row.where)


def _values(cells: Values, family: _Family) -> Values:
    sku = first(cells, "sku")
    group, options = family.of(sku)
    above = family.configurable(group)
    whole = {**cells, **{key: above[key] for key in _INHERITED if above.get(key) and not cells.get(key)}}
    values: Values = {}
    put(values, "id", [sku])
    put(values, "title", [first(cells, "name") or first(above, "name")])
    copy(values, "description", whole, "description", "short_description")
    if "categories" in whole:
        put(values, "product_type", _categories(first(whole, "categories")))
    put(values, "item_group_id", [group], there=False)
    if "product_online" in cells:
        off = "2" in (first(cells, "product_online"), first(above, "product_online"))
        put(values, "published", ["false" if off or first(cells, "product_online") == "0" else "true"])
    if "price" in cells:
        _put_prices(values, cells)
    copy(values, "availability", cells, "is_in_stock", "qty")
    if any(key in whole for key in _PHOTOS):
        mine = photos_of([text for key in _PHOTOS for text in cells.get(key, [])])
        theirs = photos_of([text for key in _PHOTOS for text in above.get(key, [])])
        put_photos(values, [photo.removeprefix("/") for photo in mine or theirs])
    attributes = {**named_values(first(cells, "additional_attributes")), **options}
    put(
        values,
        "brand",
        next((attributes.pop(name) for name in ("manufacturer", "brand") if name in attributes), []),
        there=False,
    )
    for name, texts in attributes.items():
        if name not in _PASSED_OVER:
            put_attribute(values, name, texts)
    return values


def _categories(text: str) -> list[str]:
    """`Default Category/Gear/Bags,Default Category/New` → `Gear > Bags` and `New`."""
    paths = []
    for path in text.split(","):
        names = [name.replace("\\/", "/").strip() for name in _SLASH.split(path)]
        names = [
            name.replace(">", "/")
            for name in (names[1:] if names[0] in ("Default Category", "Root Catalog") else names)
            if name
        ]
        paths.append(" > ".join(names))
    return deepest([path for path in paths if path])


def _put_prices(values: Values, cells: Values) -> None:
    special = first(cells, "special_price")
    put_prices(values, first(cells, "price"), special)
    begins, ends = _day(first(cells, "special_price_from_date")), _day(first(cells, "special_price_to_date"))
    if special and (begins or ends):
        put(values, "sale_price_effective_date", [f"{begins}/{ends}"])


def _day(text: str) -> str:
    """`11/27/26` → `2026-11-27`: exports have American dates."""
    if (match := _AMERICAN.fullmatch(text)) is None:
        return text
    month, day, year = match.groups()
    return f"{'20' if len(year) == 2 else ''}{year}-{int(month):02}-{int(day):02}"


SHOP = Shop(
    "Magento",
    (
        frozenset(("sku", "attribute_set_code", "product_type", "name")),
        frozenset(("sku", "product_type", "name", "additional_attributes")),
        frozenset(("sku", "product_type", "name", "configurable_variations")),
    ),
    _map,
)
