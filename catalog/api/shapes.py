"""Members of the OpenAPI schema whose shape is written as OpenAPI has it, and uploads as bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from catalog.parameters import MAX_ID

ID: Mapping[str, Any] = {"type": "integer", "format": "int64", "minimum": 1, "maximum": MAX_ID}


class Shaped(serializers.Field[Any, Any, Any, Any]):
    """A member of this OpenAPI shape."""

    def __init__(self, shape: Mapping[str, Any], **options: Any) -> None:
        super().__init__(**options)
        self.shape = shape


class ShapedInSchema(OpenApiSerializerFieldExtension):
    """Found by drf-spectacular, for being a subclass of its class."""

    target_class = Shaped
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        return dict(self.target.shape)


class UploadInSchema(OpenApiSerializerFieldExtension):
    """A file of a form is bytes; drf-spectacular would call it the URL that a model's file has in answers."""

    target_class = serializers.FileField
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        return {"type": "string", "format": "binary"}


def identifier(**options: Any) -> Shaped:
    """The number of a row."""
    return Shaped(ID, **options)


def body(
    name: str, members: Mapping[str, serializers.Field[Any, Any, Any, Any]], parameters: Iterable[OpenApiParameter] = ()
) -> type[serializers.Serializer[None]]:
    """A body of these members, and of optional ones that are written as the parameters of a query string."""
    also = {one.name: Shaped(one.type, required=False, help_text=one.description) for one in parameters}
    meta = type("Meta", (), {"ref_name": name})
    return type(name, (serializers.Serializer,), {**also, **members, "Meta": meta})
