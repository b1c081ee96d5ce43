"""Errors of the API, all of one shape: problem details (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from http import HTTPStatus
from typing import Any

import orjson
from django.conf import settings
from django.core.exceptions import (
    DisallowedHost,
    PermissionDenied,
    RequestDataTooBig,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.encoding import force_str
from django.views import defaults
from rest_framework import exceptions

from catalog.api.problem_types import type_of
from catalog.parameters import InvalidParameter
from catalog.photos.errors import PhotoError
from catalog.retry import AWAY_SECONDS, BUSY_SECONDS

API_PREFIX = "/api/"
CONTENT_TYPE = "application/problem+json"


class Problem(Exception):
    """An answer that is an error. `detail` says what was wrong, with which input, and what to do.

    Members given by name (`parameter` above all) become members of the answer; `headers` become headers of it.
    """

    def __init__(
        self,
        status: int,
        title: str | None = None,
        detail: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        **extra: object,
    ) -> None:
        super().__init__(detail or title)
        self.status = status
        self.title = title or HTTPStatus(status).phrase
        self.detail = detail
        self.headers = dict(headers or {})
        self.extra = extra


def bad_parameter(parameter: str, detail: str) -> Problem:
    """400, naming the parameter."""
    return Problem(400, "Bad parameter", f"{parameter}: {detail}", parameter=parameter)


def problem_members(problem: Problem) -> dict[str, Any]:
    """What an outcome within an answer says of a problem."""
    return _plain_members(problem) | problem.extra


def problem_response(problem: Problem, *, instance: str) -> HttpResponse:
    """The answer as `application/problem+json`; `instance` is the path that was asked for."""
    content = orjson.dumps(_plain_members(problem) | {"instance": instance} | problem.extra)
    return HttpResponse(content, status=problem.status, content_type=CONTENT_TYPE, headers=problem.headers)


def _plain_members(problem: Problem) -> dict[str, Any]:
    return {
        "type": type_of(problem.title),
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
    }


def handle_exception(error: Exception, context: Mapping[str, Any]) -> HttpResponseBase | None:
    """For DRF's EXCEPTION_HANDLER. None: not an answer to the caller but the server's error, which Django reports."""
    ours = (Problem, InvalidParameter, Http404, PermissionDenied, exceptions.APIException, *_UNREADABLE)
    if not isinstance(error, ours):
        return None
    return problem_response(_as_problem(error), instance=context["request"].path)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Django's handler400, in the API's shape under /api/."""
    if not request.path.startswith(API_PREFIX):
        return defaults.bad_request(request, exception)
    return problem_response(Problem(400, detail=_why_bad(exception)), instance=request.path)


def _why_bad(error: Exception) -> str:
    if isinstance(error, TooManyFilesSent):
        return f"a form may have {settings.DATA_UPLOAD_MAX_NUMBER_FILES} files; send the others in another request"
    if isinstance(error, TooManyFieldsSent):
        return f"a query or form may have {settings.DATA_UPLOAD_MAX_NUMBER_FIELDS} fields; send fewer"
    if isinstance(error, DisallowedHost):
        return "the host in the request is none of this service; whoever runs it names its hosts in ALLOWED_HOSTS"
    return "the request cannot be read"


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Django's handler403, in the API's shape under /api/."""
    if not request.path.startswith(API_PREFIX):
        return defaults.permission_denied(request, exception)
    return problem_response(Problem(403, detail="not allowed"), instance=request.path)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Django's handler404, in the API's shape under /api/."""
    if not request.path.startswith(API_PREFIX):
        return defaults.page_not_found(request, exception)
    detail = f"nothing is at {request.path}; /api/docs/ lists what is"
    return problem_response(Problem(404, detail=detail), instance=request.path)


def server_error(request: HttpRequest) -> HttpResponseBase:
    """Django's handler500, in the API's shape under /api/."""
    if not request.path.startswith(API_PREFIX):
        with in_language_of(request):
            return defaults.server_error(request)
    identifier = request.META.get("HTTP_X_REQUEST_ID", "")
    detail = f"the server failed; its log has the reason under request {identifier}"
    return problem_response(Problem(500, detail=detail), instance=request.path)


def not_available(request: HttpRequest) -> HttpResponseBase:
    """503 with Retry-After, in the API's shape under /api/, else a page: the database does not answer."""
    if request.path.startswith(API_PREFIX):
        return problem_response(away("the database does not answer, or not in time; try again"), instance=request.path)
    with in_language_of(request):
        page = render_to_string("503.html")
    return HttpResponse(page, status=503, headers={"Retry-After": str(AWAY_SECONDS)})


def in_language_of(request: HttpRequest) -> AbstractContextManager[None]:
    """For pages that are shown in a hurry: the shopper's language, as the storefront speaks it."""
    return translation.override(translation.get_language_from_request(request))


def photo_problem(error: PhotoError) -> Problem:
    """The answer to a photo that cannot be used, or not now."""
    if error.reason == "busy":
        return busy(str(error))
    status = _PHOTO_STATUS.get(error.reason, 422)
    return Problem(status, "Not a usable photo", str(error), reason=error.reason)


def away(detail: str) -> Problem:
    """503: what is needed is not there now, and may be in a moment."""
    return Problem(503, "Not available", detail, headers={"Retry-After": str(AWAY_SECONDS)})


def busy(detail: str) -> Problem:
    """503: others are being answered, and there may be room in a moment."""
    return Problem(503, "Busy", detail, headers={"Retry-After": str(BUSY_SECONDS)})


_PHOTO_STATUS = {"too_large": 413, "bomb": 413, "not_an_image": 415, "unsupported": 415, "duplicate": 409}
_UNREADABLE = (UnreadablePostError, MultiPartParserError, RequestDataTooBig)


def _as_problem(error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, InvalidParameter):
        return bad_parameter(error.parameter, str(error))
    if isinstance(error, Http404):
        return Problem(404, detail=str(error) or "nothing is here")
    if isinstance(error, PermissionDenied):
        return Problem(403, detail=str(error) or "not allowed")
    if isinstance(error, RequestDataTooBig):
        return Problem(413, detail="the request is too large")
    if isinstance(error, exceptions.APIException):
        return _of_rest_framework(error)
    return Problem(400, detail="the request's body cannot be read; send it again")


def _of_rest_framework(error: exceptions.APIException) -> Problem:
    headers = {}
    if authenticate := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = authenticate
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait))
    if isinstance(error, exceptions.ValidationError) and isinstance(error.detail, dict):
        parameter, messages = next(iter(error.detail.items()))
        message = messages[0] if isinstance(messages, list) and messages else messages
        return bad_parameter(str(parameter), force_str(message))
    detail = error.detail[0] if isinstance(error.detail, list) and error.detail else error.detail
    return Problem(error.status_code, detail=force_str(detail), headers=headers)
