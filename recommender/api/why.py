"""`products/{id}/similar/{other}/why/`."""

from __future__ import annotations

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.described import extend_schema
from catalog.api.parameter_schema import PRODUCT, product_in_path
from catalog.api.problems import Problem
from catalog.api.schema import ImageSchema, problem
from catalog.api.shapes import ID
from catalog.identifiers import ProductName, ids_of
from catalog.parameters import check_names
from recommender.api import schema
from recommender.api.answers import parameters_of
from recommender.api.base_view import SearchView, json_answer
from recommender.search import why as explaining
from recommender.search.filters import parse_color_weight, parse_photo_id
from recommender.search.query_products import product_ids


class GridsSchema(serializers.Serializer[None]):
    shape = schema.grid("What each cell adds to `scores.shape`; in a space without colour as `grid`.")
    color = schema.grid("What each cell adds to `scores.color`; null in a space without colour.", allow_null=True)
    both = schema.grid(
        "What each cell adds to `score`, by shape and colour together; in a space without colour as `grid`."
    )

    class Meta:
        ref_name = "Grids"


class RegionsSchema(serializers.Serializer[None]):
    image = ImageSchema()
    grid = schema.grid(
        "What each cell of the part of the photo that the network saw adds, row by row from the top; sums to `pair_score`."
    )
    grids = GridsSchema()
    overlay = serializers.CharField(help_text="The photo with its matching regions tinted: a PNG as a data URL.")

    class Meta:
        ref_name = "Regions"


class WhySchema(serializers.Serializer[None]):
    pair_score = serializers.FloatField(
        help_text="Cosine of the vectors that the space makes of the two photos, at its own weight of colour."
    )
    score = serializers.FloatField(help_text="As in the answer of similar/.")
    scores = schema.ScoresSchema()
    query = RegionsSchema()
    result = RegionsSchema()

    class Meta:
        ref_name = "Why"


class Why(SearchView):
    """How much each region of two products' photos adds to their likeness, as numbers and as pictures to show."""

    @extend_schema(
        operation_id="why_similar",
        tags=["search"],
        summary="Which regions of two photos match",
        parameters=[
            PRODUCT,
            product_in_path("other", "The other product's"),
            schema.query("image", ID, "One of the product's photos; the primary one by default."),
            schema.query("other_image", ID, "One of the other's; the most similar one by default."),
            schema.COLOR_WEIGHT,
        ],
        responses={
            200: WhySchema,
            **schema.problems(400, 404, 503),
            409: problem("A product has no embedded photo yet."),
        },
    )
    def get(self, request: Request, product: ProductName, other: ProductName) -> Response:
        given = parameters_of(request)
        check_names(given, known=("image", "other_image", "color_weight"))
        known = ids_of([product, other])
        (product_id,), (other_id,) = product_ids([product], known), product_ids([other], known)
        try:
            answer = explaining.why(
                product_id=product_id,
                other_id=other_id,
                image_id=parse_photo_id(given, "image"),
                other_image_id=parse_photo_id(given, "other_image"),
                color_weight=parse_color_weight(given),
            )
        except explaining.NotEmbedded as error:
            raise Problem(409, "Nothing to explain", str(error)) from error
        return json_answer(answer)
