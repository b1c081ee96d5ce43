"""`products/{id}/duplicates/`."""

from __future__ import annotations

import time

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.parameters import check_names
from recommender.api import schema
from recommender.api.answers import answer_bytes, parameters_of
from recommender.api.base_view import SearchView, json_answer
from recommender.search.duplicates import duplicates_of
from recommender.search.filters import parse, parse_score


class Duplicates(SearchView):
    @extend_schema(
        operation_id="duplicates",
        summary="Products whose photos show the same",
        description="Candidates from the index, judged by the cosine of plain features (`score`), confirmed by a perceptual hash.",
        parameters=[schema.THRESHOLD, schema.LIMIT, schema.EXACT],
        responses={200: schema.AnswerSchema, **schema.problems(400, 404, 503)},
    )
    def get(self, request: Request, product_id: int) -> Response:
        began = time.perf_counter()
        parameters = parameters_of(request)
        check_names(parameters, known=("exact", "limit", "threshold"))
        options = parse(parameters, also=["threshold"])
        threshold = parse_score(parameters, "threshold", settings.DUPLICATE_THRESHOLD)
        answer = duplicates_of(product_id=product_id, threshold=threshold, options=options)
        return json_answer(answer_bytes(answer, began)[0])
