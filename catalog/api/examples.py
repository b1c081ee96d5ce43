"""Examples of what the API takes and answers, for the OpenAPI schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import OpenApiExample

from catalog.api.problem_types import TYPES

PRODUCT: Mapping[str, Any] = {
    "id": 17,
    "sku": "CL-DRES-000",
    "group": "CL-DRES",
    "title": "Linen dress",
    "category": {"slug": "dresses", "name": "Dresses"},
    "brand": "Aalto",
    "price": "59.90",
    "list_price": "79.90",
    "currency": "EUR",
    "in_stock": True,
    "url": "https://shop.example/p/linen-dress",
    "attributes": {"colour": ["red", "white"], "material": "linen"},
}
_PHOTO = "a3f1" * 16
PHOTO: Mapping[str, Any] = {
    "url": f"/media/photos/{_PHOTO}.jpg",
    "thumbnail": f"/media/thumbnails/{_PHOTO}.jpg",
    "width": 1200,
    "height": 1600,
}
WITH_PHOTOS = {**PRODUCT, "images": [{"id": 42, **PHOTO, "position": 0, "alt": "Linen dress, from the front"}]}
PAGE = {"count": 1, "next": None, "previous": None, "next_cursor": None, "results": [WITH_PHOTOS]}


def answered(value: Mapping[str, Any]) -> list[OpenApiExample]:
    """For `extend_schema_serializer(examples=...)` of an answer."""
    return [OpenApiExample("Answer", value=dict(value), response_only=True)]


def asked(value: Mapping[str, Any]) -> list[OpenApiExample]:
    """The same of a body."""
    return [OpenApiExample("Request", value=dict(value), request_only=True)]


def refused(status: int, path: str) -> dict[str, Any]:
    """A problem of this status, of the commonest type that has it."""
    one = next(one for one in TYPES.values() if status in one.statuses)
    members = {"type": one.path, "title": one.title, "status": status, "detail": one.meaning, "instance": path}
    return members | (
        {"parameter": "limit", "detail": "limit: '0' is no whole number from 1 to 100"} if status == 400 else {}
    )
