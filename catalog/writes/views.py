"""What the views that write have in common: who writes, of which version, and how it is answered."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn
from unicodedata import normalize

from django.http import HttpRequest
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.api.problems import Problem
from catalog.changes.refusals import Refused
from catalog.changes.versions import ANY
from catalog.changes.wishes import Outcome, Target
from catalog.identifiers import ProductName
from catalog.photos.reading import PhotoError
from catalog.photos.storage_errors import StorageUnavailable
from catalog.writes.answers import written_product
from catalog.writes.refused import problem_of

NOT_STORED = {"Cache-Control": "no-store"}
MOST_BYTES = 2 * 1024 * 1024  # of a body about one product


class JsonAlone(DefaultContentNegotiation):
    """JSON whatever `Accept` says."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


class WriteView(APIView):
    """A view whose changes may be refused."""

    content_negotiation_class = JsonAlone

    def handle_exception(self, exc: Exception) -> Response:
        """A change that was not made is a problem of the caller's."""
        refused = isinstance(exc, (Refused, PhotoError, StorageUnavailable))
        return super().handle_exception(problem_of(exc) if refused else exc)  # type: ignore[arg-type]

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> NoReturn:
        """Raises Problem 405, which names the methods that there are."""
        allowed = ", ".join(self.allowed_methods)
        raise Problem(405, detail=f"use {allowed} here", headers={"Allow": allowed})


def as_sent(request: Request) -> HttpRequest:
    """Django's request, whose body and form nothing has read yet."""
    return request._request


def if_match(request: Request) -> str:
    """The versions that the caller knows, "" for any."""
    given = str(request.META.get("HTTP_IF_MATCH", "")).strip()
    return "" if given == ANY else given


def if_none(request: Request) -> bool:
    """Whether the product must not be there. Raises Problem for anything but `*`."""
    given = str(request.META.get("HTTP_IF_NONE_MATCH", "")).strip()
    if given not in ("", ANY):
        raise Problem(400, detail="If-None-Match of a write is *, which makes a product only where there is none")
    return given == ANY


def target_of(name: ProductName) -> Target:
    """The product of a path."""
    return Target(name.id, normalize("NFC", name.sku))


def needed(model: str, actions: Iterable[str]) -> list[str]:
    """The permissions of a person for actions such as `change`."""
    return [f"catalog.{action}_{model}" for action in actions]


def answer(request: Request, outcome: Outcome) -> Response:
    """The product as it is now, 201 with its address where it was made."""
    written = written_product(outcome.id)
    if written is None:
        raise Problem(404, detail=f"product {outcome.id} was written, and deleted by somebody else since")
    told, tag = written
    headers = {**NOT_STORED, "ETag": tag}
    if outcome.done == "created":
        headers["Location"] = request.build_absolute_uri(f"/api/v1/products/{outcome.id}/")
    return Response(told, status=201 if outcome.done == "created" else 200, headers=headers)
