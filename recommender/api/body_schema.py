"""Bodies of searches for the OpenAPI schema: the same options and filters as in a query string, and what stands in bodies alone."""

from __future__ import annotations

from rest_framework import serializers

from catalog.api.parameter_schema import FIXED_FILTERS
from catalog.api.schema import PRODUCT_NAME, product_name
from catalog.api.shapes import Shaped, body
from catalog.filters.attribute_names import MAX_ATTRIBUTES
from catalog.parameters import MAX_VALUES
from recommender.api import examples
from recommender.api.schema import COLOR_WEIGHT, CROP, EXACT, FIELDS, LEAST, LIMIT, OF_ONE_PAGE, RULES, query

MOST_IDS = 100  # products in one list
_VALUE = {"oneOf": [{"type": "string"}, {"type": "number"}, {"type": "boolean"}]}
ATTRIBUTES = Shaped(
    {
        "type": "object",
        "additionalProperties": {"oneOf": [*_VALUE["oneOf"], {"type": "array", "items": _VALUE}]},
        "maxProperties": MAX_ATTRIBUTES,
        "example": {"colour": ["red", "blue"], "weight.min": 2},
    },
    required=False,
    help_text="By name: a value or a list, of which a product must have one. `weight.min` and `weight.max` bound an attribute's"
    " number.",
)
EXCLUDE = query(
    "exclude",
    {"type": "array", "items": PRODUCT_NAME, "maxItems": MAX_VALUES},
    "Products never answered.",
)
_JSON_FILTERS = [*(one for one in FIXED_FILTERS if one.name != "exclude"), EXCLUDE]
_JSON_SEARCH = [LIMIT, *_JSON_FILTERS, *LEAST, EXACT, FIELDS, COLOR_WEIGHT, RULES]


def product_list(*, required: bool = True) -> serializers.ListField:
    return serializers.ListField(
        child=product_name(),
        min_length=1 if required else 0,
        max_length=MOST_IDS,
        required=required,
        help_text="Product ids, or `sku:` and a SKU.",
    )


RecommendationsRequest = body(
    "RecommendationsRequest",
    {"positive": product_list(), "negative": product_list(required=False), "attributes": ATTRIBUTES},
    [*_JSON_SEARCH, *OF_ONE_PAGE],
    example=examples.RECOMMENDATIONS,
)
BatchRequest = body(
    "BatchRequest", {"products": product_list(), "attributes": ATTRIBUTES}, _JSON_SEARCH, example=examples.BATCH
)
PhotoUpload = body(
    "PhotoUpload",
    {"image": serializers.FileField()},
    [LIMIT, *FIXED_FILTERS, *LEAST, *OF_ONE_PAGE, EXACT, FIELDS, COLOR_WEIGHT, RULES, CROP],
)
PhotoUrl = body(
    "PhotoUrl",
    {"image_url": serializers.URLField(help_text="http or https, on a public host."), "attributes": ATTRIBUTES},
    [*_JSON_SEARCH, *OF_ONE_PAGE, CROP],
    example=examples.PHOTO_URL,
)
