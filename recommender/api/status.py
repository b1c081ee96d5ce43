"""`status/`."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.described import extend_schema
from catalog.caching import NOT_STORED
from recommender.api import schema
from recommender.api.base_view import SearchView, json_answer
from recommender.api.status_schema import StatusSchema
from recommender.monitoring.status import status


class Status(SearchView):
    """How far the photos are embedded, which space answers, and how well its index finds what exact search finds."""

    cache_control = NOT_STORED

    @extend_schema(
        operation_id="status",
        tags=["service"],
        summary="Photos, queue, space and recall",
        responses={200: StatusSchema, **schema.problems(503)},
    )
    def get(self, request: Request) -> Response:
        return json_answer(status())
