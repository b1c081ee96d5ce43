"""Writes the OpenAPI schema. Imported when somebody asks for it."""

from __future__ import annotations

from typing import Any

from django.urls import get_resolver
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.generators import SchemaGenerator
from rest_framework import serializers

from catalog.api.described import tell
from catalog.api.shapes import Shaped


class Generator(SchemaGenerator):
    """drf-spectacular's, which knows by then what the views say."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        _ = get_resolver().url_patterns  # importing the addresses imports the views
        tell()


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
