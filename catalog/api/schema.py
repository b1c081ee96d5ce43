"""Shapes of the API's answers for its OpenAPI schema. Answers themselves are made by catalog.representation."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from catalog.api.shapes import ID, Shaped, identifier
from catalog.facets import MAX_COUNTED, RANGES
from catalog.fields import CATALOGUE_PRODUCT, MAX_FIELDS, Fields, names_of
from catalog.filters.base import Parameter
from catalog.filters.registry import PARAMETERS
from catalog.parameters import MAX_VALUES
from catalog.sorting import SORTS

PRODUCT_NAME = {"oneOf": [dict(ID), {"type": "string", "pattern": "^sku:."}]}


def product_name() -> Shaped:
    """A product in JSON: its id, or `sku:` and its SKU."""
    return Shaped(PRODUCT_NAME)


def product_in_path(name: str, whose: str) -> OpenApiParameter:
    return OpenApiParameter(
        name,
        {"type": "string", "pattern": "^([0-9]+|sku:.+)$", "example": "sku:CL-DRES-000"},
        OpenApiParameter.PATH,
        description=f"{whose} id, or `sku:` and its SKU, as in `sku:CL-DRES-000`; what is not allowed in a path is"
        " percent-encoded, a slash as `%2F`.",
    )


PRODUCT = product_in_path("product", "The product's")


def field_list(*known: Fields) -> OpenApiParameter:
    """The parameter `fields` of answers with these members."""
    names = ", ".join(dict.fromkeys(name for fields in known for name in names_of(fields)))
    return OpenApiParameter(
        "fields",
        {"type": "array", "items": {"type": "string"}, "maxItems": MAX_FIELDS},
        OpenApiParameter.QUERY,
        explode=False,
        style="form",
        description=f"Only these members of each result, by repetition or comma; without it all: {names}. A name stands for"
        " every member that is called so.",
    )


def filters_query() -> Shaped:
    """What an answer says of its filters, in the schema."""
    return Shaped(
        {"type": "object", "additionalProperties": {"oneOf": [{"type": "string"}, {"type": "number"}]}},
        required=False,
        help_text="What was chosen where it was left open: the `currency` of a price filter, the words of a corrected `search`, the"
        " `color_weight` of a search.",
    )


_VALUES = [{"type": "string"}, {"type": "number"}, {"type": "boolean"}]


class CategorySchema(serializers.Serializer[None]):
    slug = serializers.CharField(required=False)
    name = serializers.CharField(required=False)

    class Meta:
        ref_name = "Category"


class CategoryNodeSchema(serializers.Serializer[None]):
    slug = serializers.CharField()
    name = serializers.CharField()
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
    id = identifier()
    url = serializers.CharField()
    thumbnail = serializers.CharField(help_text="JPEG of at most 400 pixels a side.")
    width = serializers.IntegerField(help_text="Pixels, upright.")
    height = serializers.IntegerField()
    position = serializers.IntegerField()
    alt = serializers.CharField()

    class Meta:
        ref_name = "Image"


class ProductFields(serializers.Serializer[None]):
    """What every answer says of a product, whichever of its photos it shows; each member only where `fields` has it."""

    id = identifier(required=False)
    sku = serializers.CharField(required=False)
    group = serializers.CharField(required=False, help_text="Variants share a group; empty: none.")
    title = serializers.CharField(required=False)
    description = serializers.CharField(required=False)
    category = CategorySchema(allow_null=True, required=False)
    brand = serializers.CharField(required=False)
    price = serializers.CharField(
        allow_null=True,
        required=False,
        help_text='What is paid now: "19.99"; two decimals, or the currency\'s if it has more.',
    )
    list_price = serializers.CharField(
        allow_null=True, required=False, help_text="While a sale is on, the price without it; null without a sale."
    )
    currency = serializers.CharField(required=False)
    in_stock = serializers.BooleanField(required=False)
    url = serializers.CharField(required=False)
    attributes = Shaped(
        {
            "type": "object",
            "additionalProperties": {"oneOf": [*_VALUES, {"type": "array", "items": {"oneOf": _VALUES}}]},
        },
        required=False,
        help_text="By name: a text, a number or true or false, or a list where there are several values.",
    )


class ProductSchema(ProductFields):
    images = ImageSchema(many=True, required=False)

    class Meta:
        ref_name = "Product"


class FacetValueSchema(serializers.Serializer[None]):
    value = serializers.CharField(help_text="As the filter takes it.")
    label = serializers.CharField(required=False, help_text="A category's name.")  # type: ignore[assignment]
    count = serializers.IntegerField()

    class Meta:
        ref_name = "FacetValue"


class FacetRangeSchema(serializers.Serializer[None]):
    min = serializers.CharField(help_text="As the filter's lower bound takes it; included.")
    max = serializers.CharField(help_text="Included, too.")
    count = serializers.IntegerField()

    class Meta:
        ref_name = "FacetRange"


class FacetSchema(serializers.Serializer[None]):
    values = FacetValueSchema(many=True, required=False, help_text=f"The {MAX_COUNTED} commonest.")
    ranges = FacetRangeSchema(
        many=True,
        required=False,
        help_text=f"At most {RANGES}, of prices or of an attribute's numbers, of about as many products each.",
    )
    currency = serializers.CharField(required=False, help_text="Of the prices.")

    class Meta:
        ref_name = "Facet"


class ProductPageSchema(serializers.Serializer[None]):
    count = serializers.IntegerField()
    next = serializers.CharField(allow_null=True, help_text="URL of the next page.")
    previous = serializers.CharField(allow_null=True, help_text="URL of the page before; null behind a cursor.")
    next_cursor = serializers.CharField(
        allow_null=True, help_text="For `cursor`: where the next page begins, whatever is added or removed until then."
    )
    results = ProductSchema(many=True)
    unknown = serializers.ListField(
        child=product_name(),
        required=False,
        help_text="Those of `ids` that are no published products, as they were written.",
    )
    query = filters_query()
    facets = serializers.DictField(child=FacetSchema(), required=False, help_text="By the names that were asked for.")

    class Meta:
        ref_name = "ProductPage"


class MemberErrorSchema(serializers.Serializer[None]):
    parameter = serializers.CharField(help_text="Where it is in the body, such as `items/3/price`.")
    detail = serializers.CharField()

    class Meta:
        ref_name = "MemberError"


class ProblemSchema(serializers.Serializer[None]):
    type = Shaped(
        {"type": "string", "format": "uri-reference", "example": "/problems/bad-parameter/"},
        help_text="The page that says what the problem means and what to do; `about:blank`: as `status` says.",
    )
    title = serializers.CharField()
    status = serializers.IntegerField(min_value=400, max_value=599)
    detail = serializers.CharField(help_text="What was wrong, with which input, and what would do; for people.")
    instance = serializers.CharField(help_text="The path that was asked for.")  # type: ignore[assignment]
    parameter = serializers.CharField(required=False, help_text="Which parameter was bad.")
    reason = serializers.CharField(required=False, help_text="Why a photo was not taken, in a word.")
    errors = MemberErrorSchema(
        many=True,
        required=False,
        help_text="Of a write: all members that cannot be taken.",
    )
    policy = serializers.CharField(required=False, help_text="Of 429: which bucket is empty, `address` or `key`.")

    class Meta:
        ref_name = "Problem"


def problem(description: str) -> OpenApiResponse:
    """A problem-details answer (RFC 9457) in an `extend_schema(responses=...)`."""
    return OpenApiResponse(ProblemSchema, description=description)


def query_parameter(parameter: Parameter) -> OpenApiParameter:
    """A filter's parameter in an `extend_schema(parameters=...)`."""
    one = dict(parameter.schema)
    return OpenApiParameter(
        parameter.name,
        {"type": "array", "items": one, "maxItems": MAX_VALUES} if parameter.many else one,
        OpenApiParameter.QUERY,
        description=parameter.help,
    )


def _open_filters() -> str:
    """What parameters whose names callers write are for: the schema can name none of them."""
    return "\n".join(f"- `{one.written('<name>')}`: {one.help}" for one in PARAMETERS if one.open)


_LISTED = {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
ATTRIBUTES = OpenApiParameter(
    "attributes",
    {"type": "object", "additionalProperties": _LISTED, "example": {"attr.colour": "red", "attr.weight.min": "2"}},
    OpenApiParameter.QUERY,
    style="form",
    explode=True,
    description=f"Each member is a parameter of its own, such as `attr.colour=red`.\n{_open_filters()}",
)


def _name_of_sort(sort: str) -> str:
    """What generators call it: `-price` would be no name."""
    return f"{sort[1:]}_descending".upper() if sort.startswith("-") else sort.upper()


FIXED_FILTERS = [query_parameter(parameter) for parameter in PARAMETERS if not parameter.open]
FILTERS = [*FIXED_FILTERS, ATTRIBUTES]
FIELDS = field_list(CATALOGUE_PRODUCT)
LIST = [
    OpenApiParameter(
        "search",
        {"type": "string", "maxLength": 200},
        description="Up to eight words, each of which must be in title, brand or SKU: in any form of the word, joined or hyphenated,"
        " as a part of a word, without case and accents; the last one may be its beginning. A word that no product has is taken for a"
        " typing error; `query.search` then says what was searched for. Best first, unless `sort` is given.",
    ),
    OpenApiParameter(
        "sort",
        {"type": "string", "enum": list(SORTS), "x-enum-varnames": [_name_of_sort(one) for one in SORTS]},
        description="`id` by default, `relevance` with `search`. Products without a price come last.",
    ),
    OpenApiParameter(
        "page", {"type": "integer", "minimum": 1, "maximum": 1_000_000}, description="From 1, which is the default."
    ),
    OpenApiParameter(
        "page_size",
        {"type": "integer", "minimum": 1, "maximum": 100},
        description="1 to 100, 24 by default.",
    ),
    OpenApiParameter(
        "cursor",
        {"type": "string", "maxLength": 4000},
        description="The `next_cursor` of the page before, with the same `sort` and `search`: as quick at any depth, and no product"
        " is shown twice or left out because others came or went. Not with `page`.",
    ),
    OpenApiParameter(
        "ids",
        {"type": "array", "items": {"type": "string"}, "maxItems": 100},
        explode=False,
        style="form",
        description="These products in this order: ids, or `sku:` and a SKU, by repetition or comma; those that pass the filters."
        " `unknown` names those that there are not. Not with `sort`, `page`, `page_size` or `cursor`.",
    ),
    OpenApiParameter(
        "facets",
        {
            "type": "array",
            "items": {"type": "string", "pattern": "^(brand|category|in_stock|price|attr[.].+)$"},
            "maxItems": 10,
        },
        explode=False,
        style="form",
        description="Count the products of each brand, category, in_stock, range of price, or value of an attribute (`attr.colour`),"
        " under all filters but the facet's own; several by repetition or comma.",
    ),
    FIELDS,
]
