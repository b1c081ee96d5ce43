"""What the views that write have in common: who writes, of which version, and how it is answered."""

from __future__ import annotations

from collections.abc import Iterable

from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.json_view import JsonView, as_sent
from catalog.api.problems import Problem
from catalog.caching import NOT_STORED
from catalog.changes.refusals import Refused
from catalog.changes.versions import ANY
from catalog.changes.wishes import Outcome, Target
from catalog.identifiers import ProductName, canonical_sku
from catalog.photos.reading import PhotoError
from catalog.photos.storage_errors import StorageUnavailable
from catalog.representation import absolute_url
from catalog.writes.answers import written_product
from catalog.writes.refused import problem_of

KEPT_BY_NOBODY = {"Cache-Control": NOT_STORED}
MOST_BYTES = 2 * 1024 * 1024  # of a body about one product


class WriteView(JsonView):
    """A view whose changes may be refused."""

    def handle_exception(self, exc: Exception) -> Response:
        """A change that was not made is a problem of the caller's."""
        refused = isinstance(exc, (Refused, PhotoError, StorageUnavailable))
        return super().handle_exception(problem_of(exc) if refused else exc)  # type: ignore[arg-type]


def if_match(request: Request) -> str:
    """The versions that the caller knows, "" for any.

    Raises Problem for a header without any: read as no header, it would let the caller overwrite what they meant to leave alone.
    """
    if "HTTP_IF_MATCH" not in request.META:
        return ""
    given = str(request.META["HTTP_IF_MATCH"]).strip()
    if not given:
        raise Problem(
            400, detail="If-Match is empty, or no ASCII; send the ETag that you read, or leave the header out"
        )
    return "" if given == ANY else given


def if_none(request: Request) -> bool:
    """Whether the product must not be there. Raises Problem for anything but `*`."""
    if "HTTP_IF_NONE_MATCH" not in request.META:
        return False
    if str(request.META["HTTP_IF_NONE_MATCH"]).strip() != ANY:
        raise Problem(400, detail="If-None-Match of a write is *, which makes a product only where there is none")
    return True


def target_of(name: ProductName) -> Target:
    """The product of a path."""
    return Target(name.id, canonical_sku(name.sku))


def needed(model: str, actions: Iterable[str]) -> list[str]:
    """The permissions of a person for actions such as `change`."""
    return [f"catalog.{action}_{model}" for action in actions]


def answer(request: Request, outcome: Outcome) -> Response:
    """The product as it is now, 201 with its address where it was made."""
    written = written_product(outcome.id)
    if written is None:
        raise Problem(404, detail=f"product {outcome.id} was written, and deleted by somebody else since")
    told, tag = written
    headers = {**KEPT_BY_NOBODY, "ETag": tag}
    if outcome.done == "created":
        headers["Location"] = absolute_url(as_sent(request), reverse("product", args=[outcome.id]))
    return Response(told, status=201 if outcome.done == "created" else 200, headers=headers)
