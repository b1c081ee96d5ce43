"""Shapes of the API's answers for its OpenAPI schema. Answers themselves are made by catalog.representation."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from catalog.filters.base import Parameter
from catalog.filters.registry import PARAMETERS


def filters_query() -> serializers.DictField:
    """What an answer says of its filters, in the schema."""
    return serializers.DictField(
        child=serializers.CharField(),
        required=False,
        help_text="What was chosen for filters that left it open: the `currency` of a price filter.",
    )


class CategorySchema(serializers.Serializer[None]):
    slug = serializers.CharField()
    name = serializers.CharField()

    class Meta:
        ref_name = "Category"


class CategoryNodeSchema(CategorySchema):
    # A field of that name hides an attribute that an answer-only serializer never uses.
    parent = serializers.CharField(allow_null=True, help_text="Slug of the category above.")  # type: ignore[assignment]
    depth = serializers.IntegerField(help_text="1 at the top.")
    products = serializers.IntegerField(help_text="Published products here and below.")

    class Meta:
        ref_name = "CategoryNode"


class CategoriesSchema(serializers.Serializer[None]):
    results = CategoryNodeSchema(many=True)

    class Meta:
        ref_name = "Categories"


class ImageSchema(serializers.Serializer[None]):
    id = serializers.IntegerField()
    url = serializers.CharField()
    thumbnail = serializers.CharField(help_text="JPEG of at most 400 pixels a side.")
    width = serializers.IntegerField(help_text="Pixels, upright.")
    height = serializers.IntegerField()
    position = serializers.IntegerField()
    alt = serializers.CharField()

    class Meta:
        ref_name = "Image"


class ProductFields(serializers.Serializer[None]):
    """What every answer says of a product, whichever of its photos it shows."""

    id = serializers.IntegerField()
    sku = serializers.CharField()
    group = serializers.CharField(help_text="Variants share a group; empty: none.")
    title = serializers.CharField()
    description = serializers.CharField()
    category = CategorySchema(allow_null=True)
    brand = serializers.CharField()
    price = serializers.CharField(
        allow_null=True, help_text='What is paid now: "19.99"; two decimals, or the currency\'s if it has more.'
    )
    list_price = serializers.CharField(
        allow_null=True, help_text="While a sale is on, the price without it; null without a sale."
    )
    currency = serializers.CharField()
    in_stock = serializers.BooleanField()
    url = serializers.CharField()
    attributes = serializers.DictField(
        child=serializers.JSONField(), help_text="A text, or a list where there are several values."
    )


class ProductSchema(ProductFields):
    images = ImageSchema(many=True)

    class Meta:
        ref_name = "Product"


class ProductPageSchema(serializers.Serializer[None]):
    count = serializers.IntegerField()
    next = serializers.CharField(allow_null=True, help_text="URL of the next page.")
    previous = serializers.CharField(allow_null=True)
    results = ProductSchema(many=True)
    query = filters_query()

    class Meta:
        ref_name = "ProductPage"


class ProblemSchema(serializers.Serializer[None]):
    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    instance = serializers.CharField()  # type: ignore[assignment]
    parameter = serializers.CharField(required=False, help_text="Which parameter was bad.")

    class Meta:
        ref_name = "Problem"


def problem(description: str) -> OpenApiResponse:
    """A problem-details answer (RFC 9457) in an `extend_schema(responses=...)`."""
    return OpenApiResponse(ProblemSchema, description=description)


def query_parameter(parameter: Parameter) -> OpenApiParameter:
    """A filter's parameter in an `extend_schema(parameters=...)`."""
    one = dict(parameter.schema)
    return OpenApiParameter(
        parameter.written("name"),
        {"type": "array", "items": one} if parameter.many else one,
        OpenApiParameter.QUERY,
        description=parameter.help,
    )


FILTERS = [query_parameter(parameter) for parameter in PARAMETERS]
LIST = [
    OpenApiParameter("search", str, description="Words that must all occur in title, brand or sku."),
    OpenApiParameter("page", int, description="From 1."),
    OpenApiParameter("page_size", int, description="1 to 100, 24 by default."),
]
