"""What every view of the API has in common that is made of a class."""

from __future__ import annotations

from typing import Any, NoReturn

from django.http import HttpRequest
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from catalog.api.problems import Problem


class OneRepresentation(DefaultContentNegotiation):
    """The first renderer whatever `Accept` says: one answer is kept and given to everybody who asks the same."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


class JsonView(APIView):
    """An APIView that answers in JSON, and only to the methods that it has."""

    content_negotiation_class = OneRepresentation

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> NoReturn:
        """Raises Problem 405, which names the methods that there are."""
        allowed = ", ".join(self.allowed_methods)
        raise Problem(405, detail=f"use {allowed} here", headers={"Allow": allowed})


def as_sent(request: Request) -> HttpRequest:
    """Django's request, whose body and form nothing has read yet."""
    return request._request
