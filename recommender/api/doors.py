"""The doors of the search API: in the schema like any APIView, but answered as plain Django views.

DRF's request, negotiation and rendering cost more than the search itself; nothing here needs them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework.views import APIView

from catalog.api.problems import Problem, answered, away, bad_parameter, busy
from catalog.photos.fetch import FetchFailed, FetchRefused
from catalog.photos.reading import DecodersBusy, PhotoError
from catalog.photos.storage_errors import StorageUnavailable
from catalog.texts import printable
from recommender.encoder.serving import EncoderMismatch
from recommender.index.base import EngineAway
from recommender.index.types import SpaceGone
from recommender.search.answers import NoActiveSpace, QueryCancelsOut
from recommender.search.filters import InvalidParameter
from recommender.search.query_products import UnknownProduct

_FEW_MEMBERS = 50  # as many as a body has that asks for all there is
_PHOTO_STATUS = {"too_large": 413, "bomb": 413, "not_an_image": 415, "unsupported": 415}


class Door(APIView):
    """Handlers `get` and `post` take Django's request and give Django's response; what goes wrong is a problem."""

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        door = cls(**initkwargs)
        handlers = {name.upper(): getattr(door, name) for name in ("get", "post") if hasattr(door, name)}
        if "GET" in handlers:
            handlers["HEAD"] = handlers["GET"]

        def view(request: HttpRequest, /, **arguments: Any) -> HttpResponse:
            with problems():
                response: HttpResponse = handlers[request.method or ""](request, **arguments)
                return response

        view.cls = cls  # type: ignore[attr-defined]  # by this the schema finds an APIView
        view.initkwargs = initkwargs  # type: ignore[attr-defined]
        return csrf_exempt(answered(view, methods=tuple(handlers)))


@contextmanager
def problems() -> Iterator[None]:
    """What services raise, as problem details."""
    try:
        yield
    except InvalidParameter as error:
        raise bad_parameter(error.parameter, str(error)) from error
    except UnknownProduct as error:
        raise Problem(404, "Unknown product", str(error)) from error
    except QueryCancelsOut as error:
        raise Problem(422, "The query cancels itself out", str(error)) from error
    except DecodersBusy as error:
        raise busy(str(error)) from error
    except PhotoError as error:
        raise Problem(
            _PHOTO_STATUS.get(error.reason, 422), "Not a usable photo", str(error), reason=error.reason
        ) from error
    except FetchRefused as error:
        if error.reason == "too_large":
            raise Problem(413, "Photo too large", str(error), parameter="image_url") from error
        raise bad_parameter("image_url", str(error)) from error
    except FetchFailed as error:
        raise Problem(502, "The photo could not be fetched", str(error), parameter="image_url") from error
    except (NoActiveSpace, EncoderMismatch, EngineAway, StorageUnavailable) as error:
        raise away(str(error)) from error
    except SpaceGone as error:
        raise away("the space was replaced in the middle of the question, twice; ask again") from error


def json_response(body: bytes) -> HttpResponse:
    headers = {"Cache-Control": "no-store", "X-Frame-Options": "DENY", "Content-Length": str(len(body))}
    return HttpResponse(body, content_type="application/json", headers=headers)


def json_body(request: HttpRequest) -> dict[str, Any]:
    """The JSON object of a request. Raises Problem: 415 for another type, 400 for no object or a member that stands twice."""
    if request.content_type != "application/json":
        raise Problem(415, detail=f"{request.content_type or 'no content type'}: send application/json")
    try:
        body = orjson.loads(request.body)
    except orjson.JSONDecodeError as error:
        raise Problem(400, "Not JSON", f"the body is no JSON: {error}") from error
    if not isinstance(body, dict):
        raise Problem(400, "Not an object", "the body must be a JSON object")
    if twice := _standing_twice(request.body, body):
        raise bad_parameter(printable(twice)[:100], "stands twice in the body, and only one of the two would count")
    return body


def _standing_twice(written: bytes, body: dict[str, Any]) -> str:
    """A member of which the reader kept the last value only, or "". An ordinary body is read again only where a name is
    written twice at all; in one of many members looking for each name would take as long as the square of their number."""
    if len(body) <= _FEW_MEMBERS and all(written.count(orjson.dumps(name)) < 2 for name in body):
        return ""
    members: list[tuple[str, Any]] = []

    def keep(pairs: list[tuple[str, Any]]) -> None:
        members[:] = pairs  # the outermost object is closed last

    try:
        json.loads(written, object_pairs_hook=keep)
    except (ValueError, RecursionError):
        return ""  # values that this reader cannot take are refused by name
    times = Counter(name for name, _ in members)
    return next((name for name, count in times.items() if count > 1), "")
