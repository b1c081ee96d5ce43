"""`status/`."""

from __future__ import annotations

import orjson
from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema

from recommender.api import schema
from recommender.api.doors import Door, json_response
from recommender.monitoring.status import status


class Status(Door):
    @extend_schema(
        operation_id="status",
        summary="Photos, queue, space and recall",
        responses={200: schema.StatusSchema, **schema.problems(503)},
    )
    def get(self, request: HttpRequest) -> HttpResponse:
        return json_response(orjson.dumps(status()))
