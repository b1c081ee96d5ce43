"""Shapes of the search API's answers for its OpenAPI schema. Answers themselves are made by recommender.api.answers."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from catalog.api.schema import FILTERS, ProductFields, filters_query, problem
from catalog.filters.attribute_names import MAX_ATTRIBUTES
from catalog.parameters import MAX_VALUES

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


def query(name: str, kind: OpenApiTypes, description: str, *, many: bool = False) -> OpenApiParameter:
    return OpenApiParameter(name, kind, OpenApiParameter.QUERY, description=description, many=many)


LIMIT = query("limit", OpenApiTypes.INT, "Places of the answer, 1 to 100; 12 by default.")
EXACT = query("exact", OpenApiTypes.BOOL, "Compare with every photo instead of asking the ANN index.")
THRESHOLD = query(
    "threshold", OpenApiTypes.FLOAT, "Least cosine of plain features, 0 to 1; DUPLICATE_THRESHOLD by default."
)
COLOR_WEIGHT = query(
    "color_weight",
    OpenApiTypes.FLOAT,
    "How much colour counts beside shape, 0 (shape alone) to 1 (colour alone); the space's own weight by default. Refused"
    " where the space has no colour part.",
)
_COLOR_WEIGHT = "How much colour counts beside shape, 0 to 1; the space's own weight by default."
COLOR_SEARCH = [
    LIMIT,
    *FILTERS,
    query("min_score", OpenApiTypes.FLOAT, "Nothing less alike than this, -1 to 1."),
    query(
        "min_confidence",
        OpenApiTypes.FLOAT,
        "Nothing of less confidence than this, 0 to 100: means the same in every space, where a score does not. Refused while"
        " `confidence_basis` is null.",
    ),
    query(
        "min_results",
        OpenApiTypes.INT,
        "When a least score or confidence leaves fewer, fill from the same category; see `fallback`.",
    ),
    query("diversity", OpenApiTypes.FLOAT, "0 to 1: how much answers should differ from each other."),
    EXACT,
]
SEARCH = [*COLOR_SEARCH, COLOR_WEIGHT]
HEX = OpenApiParameter(
    "hex",
    OpenApiTypes.STR,
    OpenApiParameter.QUERY,
    required=True,
    description="One to five colours, separated by commas: 3 or 6 hexadecimal digits each, and after a colon its weight, 1 by"
    " default. `c04a1f:3,ffffff:1` is three parts of the one and one of the other.",
)
IMAGE = query(
    "image",
    OpenApiTypes.STR,
    "The id of one of the product's photos, or `all` (each of them asks, and the best of each counts); the primary photo by default.",
)
_FILTERS = (
    "And every filter of products/{id}/similar/, within the same bounds:"
    f" {MAX_ATTRIBUTES} attributes, {MAX_VALUES} values of all parameters together."
)
_CROP = "x,y,width,height in fractions of the upright photo; what stands on plain ground inside it is searched for."
CROP = query("crop", OpenApiTypes.STR, _CROP)


class AnswerImageSchema(serializers.Serializer[None]):
    url = serializers.CharField()
    thumbnail = serializers.CharField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()

    class Meta:
        ref_name = "AnswerImage"


class AnswerProductSchema(ProductFields):
    image = AnswerImageSchema(help_text="The photo that matches best.")

    class Meta:
        ref_name = "AnswerProduct"


def grid(help_text: str, *, allow_null: bool = False) -> serializers.ListField:
    """Numbers of cells, row by row."""
    row = serializers.ListField(child=serializers.FloatField())
    return serializers.ListField(child=row, help_text=help_text, allow_null=allow_null)


class ScoresSchema(serializers.Serializer[None]):
    shape = serializers.FloatField(
        allow_null=True,
        help_text="Cosine of the shapes; `score` in a space without colour; null where the query says nothing of shape.",
    )
    color = serializers.FloatField(
        allow_null=True,
        help_text="Cosine of the colours; null in a space without colour, and where the query says nothing of colour.",
    )

    class Meta:
        ref_name = "Scores"


class ResultSchema(serializers.Serializer[None]):
    product = AnswerProductSchema()
    image = serializers.IntegerField(help_text="Id of the photo that matches best.")
    score = serializers.FloatField(help_text="Higher is more alike.")
    confidence = serializers.FloatField(
        allow_null=True,
        help_text="What the score means, 0 to 100, rising with it; see `confidence_basis`. Null where that is null.",
    )
    distance = serializers.FloatField(help_text="In the metric of the space; 1 - score where it has a colour part.")
    scores = ScoresSchema(help_text="`score` is (1 - w) · shape + w · color, w the query's `color_weight`.")

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


class RecommendationsRequest(serializers.Serializer[None]):
    positive = serializers.ListField(child=serializers.IntegerField(), max_length=100)
    negative = serializers.ListField(child=serializers.IntegerField(), max_length=100, required=False)
    limit = serializers.IntegerField(required=False, help_text=_FILTERS)
    color_weight = serializers.FloatField(required=False, min_value=0, max_value=1, help_text=_COLOR_WEIGHT)


class BatchRequest(serializers.Serializer[None]):
    products = serializers.ListField(child=serializers.IntegerField(), max_length=100)
    limit = serializers.IntegerField(required=False, help_text=_FILTERS)
    color_weight = serializers.FloatField(required=False, min_value=0, max_value=1, help_text=_COLOR_WEIGHT)


class BatchAnswer(serializers.Serializer[None]):
    results = serializers.DictField(child=ResultSchema(many=True), help_text="By product id.")
    confidence_basis = confidence_basis()
    query = filters_query()
    unknown = serializers.ListField(
        child=serializers.IntegerField(), required=False, help_text="Products that do not exist."
    )
    waiting = serializers.DictField(
        child=serializers.CharField(), required=False, help_text="Those without a vector: pending or failed, by id."
    )


class PhotoUpload(serializers.Serializer[None]):
    image = serializers.FileField()
    crop = serializers.CharField(required=False, help_text=_CROP)
    limit = serializers.IntegerField(required=False)
    color_weight = serializers.FloatField(required=False, min_value=0, max_value=1, help_text=_COLOR_WEIGHT)


class PhotoUrl(serializers.Serializer[None]):
    image_url = serializers.URLField()
    crop = serializers.CharField(required=False, help_text=_CROP)
    limit = serializers.IntegerField(required=False)
    color_weight = serializers.FloatField(required=False, min_value=0, max_value=1, help_text=_COLOR_WEIGHT)


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


class StatusImages(serializers.Serializer[None]):
    total = serializers.IntegerField()
    embedded = serializers.IntegerField(help_text="Photos with a vector in the active space.")
    pending = serializers.IntegerField()
    processing = serializers.IntegerField()
    failed = serializers.IntegerField()
    failed_by_reason = serializers.DictField(child=serializers.IntegerField())


class StatusPlaceholders(serializers.Serializer[None]):
    pictures = serializers.IntegerField(help_text="Pictures that stand for many products: neither queries nor answers.")
    products_with_nothing_else = serializers.IntegerField(help_text="Products whose photos are all placeholders.")


class StatusSpace(serializers.Serializer[None]):
    name = serializers.CharField()
    projection = serializers.CharField()
    dimensions = serializers.IntegerField()
    metric = serializers.CharField()
    index = serializers.CharField()
    activated_at = serializers.DateTimeField(allow_null=True)


class RecallPoint(serializers.Serializer[None]):
    measured_at = serializers.DateTimeField()
    recall = serializers.FloatField(allow_null=True)
    queries = serializers.IntegerField()
    worst_share = serializers.FloatField(
        allow_null=True, help_text="Share of the queries that found fewer than half of their true ten."
    )


class StatusRecall(serializers.Serializer[None]):
    latest = serializers.FloatField(allow_null=True)
    measured_at = serializers.DateTimeField(allow_null=True)
    worst_share = serializers.FloatField(
        allow_null=True,
        help_text="Share of the queries of the latest samples that found fewer than half of their true ten.",
    )
    worst_queries = serializers.IntegerField(help_text="How many queries stand behind `worst_share`.")
    series = RecallPoint(many=True)


class StatusOverdueFeed(serializers.Serializer[None]):
    id = serializers.IntegerField()
    since = serializers.DateTimeField(help_text="When it was last read to its end, or got its schedule.")
    read_at = serializers.DateTimeField(allow_null=True, help_text="When it was last read to its end; null: never.")


class StatusFeeds(serializers.Serializer[None]):
    scheduled = serializers.IntegerField(help_text="Feeds that run by themselves.")
    running = serializers.IntegerField(help_text="Feeds that are being read.")
    overdue = StatusOverdueFeed(
        many=True, help_text="A warning: feeds that were not read to their end for twice their period."
    )


class StatusSchema(serializers.Serializer[None]):
    images = StatusImages()
    placeholders = StatusPlaceholders()
    feeds = StatusFeeds()
    rate_per_minute = serializers.IntegerField(help_text="Photos embedded in the last minute.")
    oldest_pending_seconds = serializers.FloatField(allow_null=True)
    space = StatusSpace(allow_null=True)
    encoder = serializers.CharField(allow_null=True)
    recall = StatusRecall(help_text="recall@10 of the live index against exact search, newest first.")

    class Meta:
        ref_name = "Status"
