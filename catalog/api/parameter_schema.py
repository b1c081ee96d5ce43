"""Parameters in paths and query strings for the OpenAPI schema. They are read by catalog.api.product_list and catalog.filters."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter

from catalog.fields import CATALOGUE_PRODUCT, MAX_FIELDS, Fields, names_of
from catalog.filters.base import Parameter
from catalog.filters.registry import PARAMETERS
from catalog.parameters import MAX_VALUES
from catalog.sorting import SORTS


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
