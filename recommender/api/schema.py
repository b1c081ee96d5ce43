"""Shapes of the search API's answers for its OpenAPI schema. Answers themselves are made by recommender.api.answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema_serializer
from rest_framework import serializers

from catalog.api.examples import answered
from catalog.api.parameter_schema import FILTERS, field_list
from catalog.api.schema import ProductFields, filters_query, problem, product_name
from catalog.api.shapes import identifier
from catalog.fields import FOUND_PRODUCT
from recommender.api import examples
from recommender.api.answers import RESULT_FIELDS
from recommender.search.filters import DEFAULT_LIMIT, MAX_LIMIT

# Kinds of rules that move a result; the others only drop some.
MOVING_KINDS = ["pin", "boost", "bury", "stock_first"]

PROBLEMS = {
    400: "A bad parameter, named in `parameter`.",
    404: "No such product, or it is not published.",
    411: "Send the length of the body.",
    413: "The photo is too large.",
    415: "Not a photo, or a type of body that is not taken.",
    422: "A photo that cannot be decoded, or a query that cancels itself out.",
    502: "The photo's URL does not answer.",
    503: "Busy, or not available; ask again after Retry-After.",
}


def problems(*codes: int) -> dict[int, OpenApiResponse]:
    return {code: problem(PROBLEMS[code]) for code in codes}


def query(name: str, shape: Mapping[str, Any], description: str, *, required: bool = False) -> OpenApiParameter:
    return OpenApiParameter(name, dict(shape), OpenApiParameter.QUERY, description=description, required=required)


def number(least: float, most: float) -> dict[str, Any]:
    return {"type": "number", "minimum": least, "maximum": most}


LIMIT = query(
    "limit",
    {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT},
    f"Places of the answer, 1 to {MAX_LIMIT}; {DEFAULT_LIMIT} by default.",
)
EXACT = query("exact", {"type": "boolean"}, "Compare with every photo instead of asking the ANN index.")
FIELDS = field_list(FOUND_PRODUCT, RESULT_FIELDS)
THRESHOLD = query("threshold", number(0, 1), "Least cosine of plain features, 0 to 1; DUPLICATE_THRESHOLD by default.")
COLOR_WEIGHT = query(
    "color_weight",
    number(0, 1),
    "How much colour counts beside shape, 0 (shape alone) to 1 (colour alone); the space's own weight by default. Refused"
    " where the space has no colour part.",
)
RULES = query(
    "rules",
    {"type": "string", "enum": ["on", "off"]},
    "`on` by default. `off` answers without the rules of merchandisers: nothing is pinned, hidden, boosted or put behind what is in stock.",
)
LEAST = [
    query("min_score", number(-1, 1), "Nothing less alike than this, -1 to 1."),
    query(
        "min_confidence",
        number(0, 100),
        "Nothing of less confidence than this, 0 to 100: means the same in every space, where a score does not. Refused while"
        " `confidence_basis` is null.",
    ),
]
OF_ONE_PAGE = [
    query(
        "min_results",
        {"type": "integer", "minimum": 0, "maximum": MAX_LIMIT},
        "When a least score or confidence leaves fewer, fill from the same category; see `fallback`. At most `limit`.",
    ),
    query("diversity", number(0, 1), "0 to 1: how much answers should differ from each other."),
]
COLOR_SEARCH = [LIMIT, *FILTERS, *LEAST, *OF_ONE_PAGE, EXACT, FIELDS, RULES]
SEARCH = [*COLOR_SEARCH, COLOR_WEIGHT]
HEX = query(
    "hex",
    {"type": "string", "example": "c04a1f:3,ffffff:1"},
    "One to five colours, separated by commas: 3 or 6 hexadecimal digits each, and after a colon its weight, 1 by"
    " default. `c04a1f:3,ffffff:1` is three parts of the one and one of the other.",
    required=True,
)
IMAGE = query(
    "image",
    {"type": "string", "pattern": "^([0-9]{1,18}|all)$"},
    "The id of one of the product's photos, or `all` (each of them asks, and the best of each counts); the primary photo by default.",
)
CROP = query(
    "crop",
    {"type": "string", "example": "0.1,0.2,0.5,0.6"},
    "x,y,width,height in fractions of the upright photo; what stands on plain ground inside it is searched for.",
)


class AnswerImageSchema(serializers.Serializer[None]):
    url = serializers.CharField(required=False)
    thumbnail = serializers.CharField(required=False)
    width = serializers.IntegerField(required=False)
    height = serializers.IntegerField(required=False)

    class Meta:
        ref_name = "AnswerImage"


class AnswerProductSchema(ProductFields):
    image = AnswerImageSchema(required=False, help_text="The photo that matches best.")

    class Meta:
        ref_name = "AnswerProduct"


def grid(help_text: str, *, allow_null: bool = False) -> serializers.ListField:
    """Numbers of cells, row by row."""
    row = serializers.ListField(child=serializers.FloatField())
    return serializers.ListField(child=row, help_text=help_text, allow_null=allow_null)


class ScoresSchema(serializers.Serializer[None]):
    shape = serializers.FloatField(
        allow_null=True,
        required=False,
        help_text="Cosine of the shapes; `score` in a space without colour; null where the query says nothing of shape.",
    )
    color = serializers.FloatField(
        allow_null=True,
        required=False,
        help_text="Cosine of the colours; null in a space without colour, and where the query says nothing of colour.",
    )

    class Meta:
        ref_name = "Scores"


class RuleSchema(serializers.Serializer[None]):
    id = identifier(required=False)
    kind = serializers.ChoiceField(choices=MOVING_KINDS, required=False)

    class Meta:
        ref_name = "MovedBy"


class ResultSchema(serializers.Serializer[None]):
    product = AnswerProductSchema(required=False)
    image = identifier(required=False, help_text="Id of the photo that matches best.")
    score = serializers.FloatField(required=False, help_text="Higher is more alike.")
    confidence = serializers.FloatField(
        allow_null=True,
        required=False,
        help_text="What the score means, 0 to 100, rising with it; see `confidence_basis`. Null where that is null.",
    )
    distance = serializers.FloatField(
        required=False, help_text="In the metric of the space; 1 - score where it has a colour part."
    )
    scores = ScoresSchema(
        required=False, help_text="`score` is (1 - w) · shape + w · color, w the query's `color_weight`."
    )
    rule = RuleSchema(
        required=False,
        help_text="The rule of a merchandiser that moved the result; absent where none did. `rules=off` answers without.",
    )

    class Meta:
        ref_name = "Result"


def confidence_basis() -> serializers.ChoiceField:
    return serializers.ChoiceField(
        choices=["labels", "percentile"],
        allow_null=True,
        help_text="`labels`: a confidence is the share of answers of that score that have the label of what was asked, in per"
        " cent. `percentile`: how many of the catalogue's own first fifty answers have a lower score, in per cent. Null: nothing is"
        " fitted yet, as with too few photos, or the answer has no confidences: that of duplicates/.",
    )


@extend_schema_serializer(examples=answered(examples.ANSWER))
class AnswerSchema(serializers.Serializer[None]):
    status = serializers.ChoiceField(choices=["ready", "pending", "failed"])
    space = serializers.CharField()
    exact = serializers.BooleanField()
    fallback = serializers.CharField(allow_null=True, help_text="`category` when the page was filled from it.")
    confidence_basis = confidence_basis()
    took_ms = serializers.FloatField()
    query = serializers.DictField(
        help_text="What was asked: product and image; sha256 and crop; positive and negative; hex; currency of a price filter;"
        " and the color_weight that was used, where the space has a colour part."
    )
    results = ResultSchema(many=True)
    reason = serializers.CharField(required=False, help_text="Why it failed, in a word.")
    detail = serializers.CharField(required=False, help_text="Why it failed, in words.")

    class Meta:
        ref_name = "Answer"


@extend_schema_serializer(examples=answered(examples.BATCH_ANSWER))
class BatchAnswer(serializers.Serializer[None]):
    results = serializers.DictField(child=ResultSchema(many=True), help_text="By product, as it was written.")
    confidence_basis = confidence_basis()
    query = filters_query()
    unknown = serializers.ListField(
        child=product_name(), required=False, help_text="Products that do not exist, as they were written."
    )
    waiting = serializers.DictField(
        child=serializers.CharField(),
        required=False,
        help_text="Those without a vector: pending or failed, by product as it was written.",
    )


class ColorSchema(serializers.Serializer[None]):
    hex = serializers.CharField(help_text="Six digits, without #, as search/color/ takes them.")
    share = serializers.FloatField(help_text="Of the product's colours, 0 to 1.")

    class Meta:
        ref_name = "Color"


class ProductColorsSchema(serializers.Serializer[None]):
    status = serializers.ChoiceField(
        choices=["ready", "pending", "failed", "unavailable"],
        help_text="pending or failed: the photo has no vector; unavailable: the active space has no colour part.",
    )
    colors = ColorSchema(many=True, help_text="At most five, the largest share first.")
    reason = serializers.CharField(required=False, help_text="Why it failed, in a word.")
    detail = serializers.CharField(required=False, help_text="Why it failed, in words.")

    class Meta:
        ref_name = "ProductColors"
