"""`products/{id}/similar/{other}/why/`."""

from __future__ import annotations

from collections.abc import Sequence

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.problems import Problem
from catalog.api.schema import ImageSchema, problem
from catalog.parameters import InvalidParameter
from recommender.api import schema
from recommender.api.answers import parameters_of
from recommender.api.base_view import SearchView, json_answer
from recommender.search import why as explaining


class RegionsSchema(serializers.Serializer[None]):
    image = ImageSchema()
    grid = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField()),
        help_text="What each cell of the photo's middle adds, row by row from the top; sums to `pair_score`.",
    )
    overlay = serializers.CharField(help_text="The photo with its matching regions tinted: a PNG as a data URL.")

    class Meta:
        ref_name = "Regions"


class WhySchema(serializers.Serializer[None]):
    pair_score = serializers.FloatField(help_text="Cosine of the two plain vectors.")
    score = serializers.FloatField(help_text="As in the answer of similar/: by the space's metric and gallery vector.")
    query = RegionsSchema()
    result = RegionsSchema()

    class Meta:
        ref_name = "Why"


class Why(SearchView):
    """How much each region of two products' photos adds to their likeness, as numbers and as pictures to show."""

    @extend_schema(
        operation_id="why_similar",
        summary="Which regions of two photos match",
        parameters=[
            schema.query("image", OpenApiTypes.INT, "One of the product's photos; the primary one by default."),
            schema.query("other_image", OpenApiTypes.INT, "One of the other's; the most similar one by default."),
        ],
        responses={
            200: WhySchema,
            **schema.problems(400, 404, 503),
            409: problem("A product has no embedded photo yet."),
        },
    )
    def get(self, request: Request, product_id: int, other_id: int) -> Response:
        given = parameters_of(request)
        for name in given:
            if name not in ("image", "other_image"):
                raise InvalidParameter(name, "there is no such parameter; there are image, other_image")
        try:
            answer = explaining.why(
                product_id=product_id,
                other_id=other_id,
                image_id=_image("image", given.get("image", [])),
                other_image_id=_image("other_image", given.get("other_image", [])),
            )
        except explaining.NotEmbedded as error:
            raise Problem(409, "Nothing to explain", str(error)) from error
        return json_answer(answer)


def _image(name: str, values: Sequence[str]) -> int | None:
    if not values:
        return None
    if len(values) > 1 or not (values[0].isascii() and values[0].isdigit() and len(values[0]) < 19):
        raise InvalidParameter(name, "the id of one of the product's photos is needed")
    return int(values[0])
