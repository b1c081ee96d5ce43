"""A product as its page shows it, and as search engines and other sites read it from there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import Truncator
from django.utils.translation import gettext

from catalog.attributes import flat
from catalog.models import Category, Product
from catalog.representation import absolute_url, price_text, products_for_answers
from catalog.storefront.cards import list_price_of, price_of
from catalog.storefront.pictures import STAGE, Picture, picture_of

SUMMARY = 160  # characters, which is what search engines show
# What would end a script element, or begin a comment in one, as JSON writes it.
_ESCAPED = {ord("<"): "\\u003C", ord(">"): "\\u003E", ord("&"): "\\u0026"}


@dataclass(frozen=True)
class Detail:
    """`photos`: as cards show them; `stage`: the one that is shown large, number `shown` of them, counted from 1.

    `crumbs`: its category and those above, the topmost first. `facts`: attributes as names and texts. `linked_data`: JSON-LD.
    """

    product: Product
    price: str
    list_price: str
    photos: Sequence[Picture]
    stage: Picture | None
    shown: int
    crumbs: Sequence[Category]
    facts: Sequence[tuple[str, str]]
    summary: str
    canonical: str
    share_picture: str
    linked_data: SafeString


def detail_of(request: HttpRequest, *, product_id: int, shown: int) -> Detail | None:
    """`shown`: the number of the photo, from 1; another than there is means the first. None where no such product is published."""
    product = products_for_answers().filter(pk=product_id).first()
    if product is None:
        return None
    images = [image for image in product.images.all() if image.digest]
    number = shown if 1 <= shown <= len(images) else 1
    photos = [picture_of(image, title=product.title) for image in images]
    stage = picture_of(images[number - 1], title=product.title, place=STAGE) if images else None
    canonical = absolute_url(request, reverse("storefront-product", args=[product.pk]))
    pictures = [_absolute(request, photo.original) for photo in photos]
    summary = _summary(product)
    return Detail(
        product=product,
        price=price_of(product),
        list_price=list_price_of(product),
        photos=photos,
        stage=stage,
        shown=number,
        crumbs=_crumbs(product.category),
        facts=_facts(product.attributes),
        summary=summary,
        canonical=canonical,
        share_picture=pictures[0] if pictures else "",
        linked_data=_script_json(_linked_data(product, canonical, pictures, summary)),
    )


def _crumbs(category: Category | None) -> list[Category]:
    if category is None:
        return []
    step = Category.steplen
    above = [category.path[:end] for end in range(step, len(category.path), step)]
    return [*Category.objects.filter(path__in=above).order_by("path"), category]


def _absolute(request: HttpRequest, url: str) -> str:
    return absolute_url(request, url) if url.startswith("/") else url


def _summary(product: Product) -> str:
    text = " ".join(product.description.split())
    return (
        Truncator(text).chars(SUMMARY)
        if text
        else " · ".join(filter(None, (product.title, product.brand, price_of(product))))
    )


def _facts(attributes: Mapping[str, object]) -> list[tuple[str, str]]:
    return [(_name(name), _text(value)) for name, value in flat(attributes).items() if value not in ("", [])]


def _name(name: str) -> str:
    """`heel_height` as `Heel height`."""
    words = " ".join(name.replace("_", " ").replace(".", " ").split())
    return words[:1].upper() + words[1:]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return gettext("Yes") if value else gettext("No")
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return str(value)


def _linked_data(product: Product, canonical: str, pictures: Sequence[str], summary: str) -> dict[str, Any]:
    """A Product of schema.org, with an Offer where its price is known."""
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": product.title,
        "sku": product.sku,
        "description": summary,
        "url": canonical,
    }
    if pictures:
        data["image"] = list(pictures)
    if product.brand:
        data["brand"] = {"@type": "Brand", "name": product.brand}
    if product.category is not None:
        data["category"] = product.category.name
    if product.price is not None and product.currency:
        state = "InStock" if product.in_stock else "OutOfStock"
        data["offers"] = {
            "@type": "Offer",
            "price": price_text(product.price, product.currency),
            "priceCurrency": product.currency.upper(),
            "availability": f"https://schema.org/{state}",
            "url": product.url or canonical,
        }
    return data


def _script_json(data: dict[str, Any]) -> SafeString:
    return mark_safe(json.dumps(data, ensure_ascii=False).translate(_ESCAPED))
