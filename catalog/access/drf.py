"""Django REST framework's classes, and a middleware, around the one decision (catalog.access.admission).

settings.REST_FRAMEWORK names the classes. Each raises the refusals of its own step, so that a view may still go without one of
the steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from catalog.access import pages
from catalog.access.admission import ADMISSION, Admission, Asker, admit, charged_up_to

GetResponse = Callable[[HttpRequest], HttpResponse]
_UNKNOWN, _TOO_OFTEN = 401, 429


class AdmittedAuthentication(BaseAuthentication):
    """Who asks: raises the Problem of a caller who is refused with 401."""

    def authenticate(self, request: Request) -> None:
        """None: a caller who is admitted has no user of Django's."""
        _raise(request, _UNKNOWN)


class AdmittedPermission(BasePermission):
    """Whether they may: raises the Problem of a caller who is refused for any reason but being unknown or too frequent."""

    def has_permission(self, request: Request, view: Any) -> bool:
        refusal = admission_of(request).refusal
        if refusal is not None and refusal.status not in (_UNKNOWN, _TOO_OFTEN):
            raise refusal
        return True


class AdmittedThrottle(BaseThrottle):
    """How often: raises the Problem of a caller who is refused with 429."""

    def allow_request(self, request: Request, view: Any) -> bool:
        _raise(request, _TOO_OFTEN)
        return True


def admission_of(request: HttpRequest | Request) -> Admission:
    """The decision about a request: asked for at the first call, or before Django was reached, and then remembered."""
    known: Admission | None = request.META.get(ADMISSION)
    if known is None:
        known = request.META[ADMISSION] = admit(asker_of(request))
    return known


def charge_up_to(request: HttpRequest | Request, tokens: int) -> None:
    """For a view that has read what a request asks for: it costs so many tokens in all. Raises Problem 429 where they lack."""
    admission = request.META[ADMISSION] = charged_up_to(admission_of(request), tokens)
    if admission.refusal is not None:
        raise admission.refusal


def charge_page(request: HttpRequest, path: str) -> None:
    """For a page of the shop that asks, on the server, what the API's `path` answers: it costs its shopper's address as much.

    Raises Problem 429. A page needs no key, whatever API_ACCESS says.
    """
    asker = asker_of(request)

    def header(name: str) -> str | None:
        if name in ("authorization", "x-api-key"):
            return None
        return f"{pages.COOKIE}={pages.current_cookie()}" if name == "cookie" else asker.header(name)

    admission = request.META[ADMISSION] = admit(replace(asker, path=path, query="", header=header))
    if admission.refusal is not None and admission.refusal.status == _TOO_OFTEN:
        raise admission.refusal


def asker_of(request: HttpRequest | Request) -> Asker:
    """Who asks, as Django sees it."""

    def header(name: str) -> str | None:
        key = name.upper().replace("-", "_")
        value: str | None = request.META.get(key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}")
        return value

    address, query = request.META.get("REMOTE_ADDR", ""), request.META.get("QUERY_STRING", "")
    return Asker(request.method or "", request.path_info, address, header, query)


def limits(get_response: GetResponse) -> GetResponse:
    """Middleware: what the decision says of limits stands on every answer of the API (`RateLimit`)."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        admission: Admission | None = request.META.get(ADMISSION)
        if admission is not None:
            for name, value in admission.headers:
                response.headers[name] = value
        return response

    return middleware


def _raise(request: Request, status: int) -> None:
    refusal = admission_of(request).refusal
    if refusal is not None and refusal.status == status:
        raise refusal
