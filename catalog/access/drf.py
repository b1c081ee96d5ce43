"""Django REST framework's classes around the one decision (catalog.access.admission); settings.REST_FRAMEWORK names them.

Each raises the refusals of its own step, so that a view may still go without one of the steps.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from catalog.access.admission import ADMISSION, Admission, Asker, admit

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
        known = request.META[ADMISSION] = admit(_asker(request))
    return known


def _asker(request: HttpRequest | Request) -> Asker:
    def header(name: str) -> str | None:
        key = name.upper().replace("-", "_")
        value: str | None = request.META.get(key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}")
        return value

    return Asker(request.method or "", request.path_info, request.META.get("REMOTE_ADDR", ""), header)


def _raise(request: Request, status: int) -> None:
    refusal = admission_of(request).refusal
    if refusal is not None and refusal.status == status:
        raise refusal
