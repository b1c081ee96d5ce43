"""Magento 2: configurables list the SKUs of their variants in `configurable_variations`; further attributes are in one column."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from catalog.feeds.mapping.lists import deepest, named_values
from catalog.feeds.mapping.photos import photos_of, put_photos
from catalog.feeds.mapping.shop import Again, Rows, Shop, Values, copy, first, keyed, put, put_attribute, put_prices
from catalog.feeds.rows import BadRow, FeedRow

_PHOTOS = ("base_image", "additional_images", "small_image", "thumbnail_image")
_INHERITED = ("description", "short_description", "categories", "base_image", "additional_images")
_PASSED_OVER = frozenset(
    ("has_options", "required_options", "gift_message_available", "ts_country_of_origin", "links_exist")
)
_SLASH = re.compile(r"(?<!\\)/")
_AMERICAN = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{2}|\d{4})(?:,? .*)?")


@dataclass
class _Family:
    """The configurables of a feed by the SKU of their variants, what each variant is called there, which variants there are, and
    the hashes of SKUs that have a row of no store view.
    """

    configurables: dict[str, Values] = field(default_factory=dict)
    variants: dict[str, tuple[str, dict[str, list[str]]]] = field(default_factory=dict)
    with_variants: set[str] = field(default_factory=set)
    in_no_view: set[int] = field(default_factory=set)


def _map(rows: Rows, again: Again) -> Rows:
    family = _family(again())
    for row in rows:
        if isinstance(row, BadRow):
            yield row
            continue
        cells = keyed(row)
        sku = first(cells, "sku")
        if _is_translation(cells, family) or (sku in family.with_variants and sku in family.configurables):
            continue  # a text in another language; or a configurable, of which the variants are what can be bought
        yield FeedRow(row.line, _values(cells, family, sku), complete=False, where=row.where)


def _family(rows: Rows) -> _Family:
    family = _Family()
    present: set[int] = set()
    for row in rows:
        if isinstance(row, BadRow):
            continue
        cells = keyed(row)
        sku = first(cells, "sku")
        if not first(cells, "store_view_code"):
            family.in_no_view.add(hash(sku))
        elif not first(cells, "product_type"):
            continue
        if not (variations := first(cells, "configurable_variations")):
            present.add(hash(sku))
            continue
        family.configurables[sku] = {
            key: texts for key, texts in cells.items() if key in (*_INHERITED, "product_online", "name")
        }
        for variation in variations.split("|"):
            named = named_values(variation)
            if child := "".join(named.pop("sku", [])[:1]):
                family.variants[child] = sku, named
    family.with_variants = {parent for child, (parent, _) in family.variants.items() if hash(child) in present}
    return family


def _is_translation(cells: Values, family: _Family) -> bool:
    """Whether a row gives the texts of one store view; the row of the SKU itself names none. Exports repeat the type in both."""
    return bool(first(cells, "store_view_code")) and (
        not first(cells, "product_type") or hash(first(cells, "sku")) in family.in_no_view
    )


def _values(cells: Values, family: _Family, sku: str) -> Values:
    group, options = family.variants.get(sku, ("", {}))
    above = family.configurables.get(group, {})
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
