"""`products/{id}/duplicates/`."""

from __future__ import annotations

import time

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.described import extend_schema
from catalog.api.parameter_schema import PRODUCT
from catalog.identifiers import ProductName
from catalog.parameters import check_names
from recommender.api import schema
from recommender.api.answers import answer_bytes, fields_of, parameters_of
from recommender.api.base_view import SearchView, json_answer
from recommender.search.duplicates import duplicates_of
from recommender.search.filters import parse, parse_score
from recommender.search.query_products import product_id_of


class Duplicates(SearchView):
    @extend_schema(
        operation_id="duplicates",
        tags=["search"],
        summary="Products whose photos show the same",
        description="Candidates from the index, judged by the cosine of plain features (`score`), confirmed by a perceptual hash.",
        parameters=[PRODUCT, schema.THRESHOLD, schema.LIMIT, schema.EXACT, schema.FIELDS],
        responses={200: schema.AnswerSchema, **schema.problems(400, 404, 503)},
    )
    def get(self, request: Request, product: ProductName) -> Response:
        began = time.perf_counter()
        parameters = parameters_of(request)
        check_names(parameters, known=("exact", "fields", "limit", "threshold"))
        fields = fields_of(parameters)
        options = parse(parameters, also=["threshold", "fields"])
        threshold = parse_score(parameters, "threshold", settings.DUPLICATE_THRESHOLD)
        answer = duplicates_of(product_id=product_id_of(product), threshold=threshold, options=options)
        return json_answer(answer_bytes(answer, began, fields)[0])
