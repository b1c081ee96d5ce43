"""`search/color/`, and `products/{id}/colors/`."""

from __future__ import annotations

import time
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.described import extend_schema
from catalog.api.json_view import as_sent
from catalog.api.parameter_schema import PRODUCT
from catalog.identifiers import ProductName
from catalog.parameters import InvalidParameter
from recommender.api import schema
from recommender.api.answers import answer_bytes, fields_of, parameters_of
from recommender.api.base_view import SearchView, json_answer
from recommender.api.cached_answers import cached_or_made
from recommender.models import Space
from recommender.search.colours import hex_of, parse_colours
from recommender.search.filters import parse
from recommender.search.product_colours import product_colours
from recommender.search.query_products import product_id_of
from recommender.search.similarity import similar_to_colours


class ColorSearch(SearchView):
    """The products whose photos have these colours most nearly, each product once, whatever its shape."""

    @extend_schema(
        operation_id="search_color",
        tags=["search"],
        summary="What has these colours",
        parameters=[schema.HEX, *schema.COLOR_SEARCH],
        responses={200: schema.AnswerSchema, **schema.problems(400, 503)},
    )
    def get(self, request: Request) -> Response:
        began = time.perf_counter()

        def make() -> tuple[bytes, Space | None]:
            parameters = parameters_of(request)
            if "color_weight" in parameters:
                raise InvalidParameter("color_weight", "search/color/ answers by colour alone: leave it out")
            colours = parse_colours(parameters)
            fields = fields_of(parameters)
            options = parse(parameters, also=["hex", "fields"], without=["color_weight"])
            return answer_bytes(similar_to_colours(colours=colours, options=options), began, fields)

        return json_answer(cached_or_made(as_sent(request), make))


class ProductColors(SearchView):
    """The colours of a product's primary photo, counted when it was embedded; no photo is read for them."""

    @extend_schema(
        operation_id="product_colors",
        tags=["search"],
        summary="The product's own colours",
        parameters=[PRODUCT],
        responses={200: schema.ProductColorsSchema, **schema.problems(404, 503)},
    )
    def get(self, request: Request, product: ProductName) -> Response:
        found = product_colours(product_id=product_id_of(product))
        colors = [{"hex": hex_of(rgb), "share": round(share, 4)} for rgb, share in found.colours]
        payload: dict[str, Any] = {"status": found.status, "colors": colors}
        if found.status == "failed":
            payload["reason"], payload["detail"] = found.reason, found.detail
        return json_answer(payload)
