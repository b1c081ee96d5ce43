"""Members of the OpenAPI schema whose shape is written as OpenAPI has it; `generator` knows how."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema_serializer
from rest_framework import serializers

from catalog.api.examples import asked
from catalog.parameters import MAX_ID

ID: Mapping[str, Any] = {"type": "integer", "format": "int64", "minimum": 1, "maximum": MAX_ID}


class Shaped(serializers.Field[Any, Any, Any, Any]):
    """A member of this OpenAPI shape."""

    def __init__(self, shape: Mapping[str, Any], **options: Any) -> None:
        super().__init__(**options)
        self.shape = shape


def identifier(**options: Any) -> Shaped:
    """The number of a row."""
    return Shaped(ID, **options)


def body(
    name: str,
    members: Mapping[str, serializers.Field[Any, Any, Any, Any]],
    parameters: Iterable[OpenApiParameter] = (),
    *,
    example: Mapping[str, Any] | None = None,
) -> type[serializers.Serializer[None]]:
    """A body of these members, and of optional ones that are written as the parameters of a query string."""
    also = {one.name: Shaped(one.type, required=False, help_text=one.description) for one in parameters}
    meta = type("Meta", (), {"ref_name": name})
    made = type(name, (serializers.Serializer,), {**also, **members, "Meta": meta})
    return made if example is None else extend_schema_serializer(examples=asked(example))(made)
