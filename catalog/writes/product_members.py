"""A product in JSON, with the names, types and units of answers, as a wish."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, cast

from catalog.changes.wishes import Prices, ProductWish
from catalog.models import Product
from catalog.writes.attribute_members import read_attributes
from catalog.writes.category_members import read_categories, read_category
from catalog.writes.members import Members, currency, moment, price, text_of, truth, web_address
from catalog.writes.photo_members import read_photos

Reader = Callable[[Any], Any]
_LENGTHS = {field.name: field.max_length for field in Product._meta.fields if field.max_length}
_FIELDS: Mapping[str, Reader] = MappingProxyType(
    {
        "sku": text_of(_LENGTHS["sku"], needed=True),
        "group": text_of(_LENGTHS["group"]),
        "title": text_of(_LENGTHS["title"], needed=True),
        "description": text_of(None),
        "brand": text_of(_LENGTHS["brand"]),
        "currency": currency,
        "in_stock": truth,
        "url": web_address(),
        "published": truth,
        "expires_at": moment(after=True),
    }
)
_PRICES: Mapping[str, Reader] = MappingProxyType(
    {
        "price": price,
        "list_price": price,
        "sale_price": price,
        "sale_from": moment(after=False),
        "sale_until": moment(after=True),
    }
)
MEMBERS = ("id", *_FIELDS, *_PRICES, "category", "further_categories", "attributes", "images")
# What a product is that is written whole, where its values are not given. Whether it is shown and its photos stay as they are.
_EMPTY: Mapping[str, object] = MappingProxyType(
    {
        "group": "",
        "description": "",
        "brand": "",
        "currency": "",
        "in_stock": True,
        "url": "",
        "expires_at": None,
    }
)


def read_product(members: Members, *, whole: bool) -> ProductWish:
    """The wish; what is wrong with it is in `members.errors`. `whole`: what is not given is emptied, and a title is needed."""
    fields = {name: members.read(name, read, None) for name, read in _FIELDS.items() if name in members}
    prices = {name: members.read(name, read, None) for name, read in _PRICES.items() if name in members}
    category, further = read_category(members, "category"), read_categories(members, "further_categories")
    attributes = read_attributes(members, "attributes") if members.given.get("attributes", ...) is not None else None
    if whole:
        if "title" not in members:
            members.wrong("is missing; every product needs one", "title")
        fields = {**_EMPTY, **fields}
        category, further, attributes = category or (), further or (), attributes or {}
    return ProductWish(
        fields=fields,
        prices=cast(Prices, prices),
        attributes=attributes,
        category=category,
        further=further,
        photos=read_photos(members, "images"),
        whole=whole,
    )
