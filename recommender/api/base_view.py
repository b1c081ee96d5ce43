"""What the views of the search API have in common."""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn

from django.http import HttpRequest
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.api.problems import Problem
from catalog.caching import REVALIDATED, kept_as


class OneRepresentation(DefaultContentNegotiation):
    """The first renderer whatever `Accept` says: one answer is kept and given to everybody who asks the same."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


class SearchView(APIView):
    """An APIView that answers in JSON, and only to the methods that it has: `get` with HEAD, or `post`.

    `cache_control`: for whom and how long its good answers may be kept (catalog.caching).
    Bodies are read by recommender.api.json_body and photo_search, which bound them and name what is wrong in them.
    """

    http_method_names = ["get", "head", "post"]
    content_negotiation_class = OneRepresentation
    cache_control: ClassVar[str] = REVALIDATED

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        return kept_as(cls.cache_control)(super().as_view(**initkwargs))

    @property
    def default_response_headers(self) -> dict[str, str]:
        """None: `Allow` is for who used another method."""
        return {}

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> NoReturn:
        """Raises Problem 405, which names the methods that there are."""
        allowed = ", ".join(self.allowed_methods)
        raise Problem(405, detail=f"use {allowed} here", headers={"Allow": allowed})


def json_answer(data: Any) -> Response:
    """200 with `data`, or with bytes that are JSON already."""
    return Response(data)


def as_sent(request: Request) -> HttpRequest:
    """Django's request, whose body and form nothing has read yet."""
    return request._request
