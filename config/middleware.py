"""Middleware of every answer: its `X-Request-ID`, which is in its log lines too, probes by address, a content policy, and
what caches are told of errors and of 304."""

import logging
import re
import secrets
from collections.abc import Callable
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse
from django.urls import resolve

from catalog.caching import NOT_STORED

GetResponse = Callable[[HttpRequest], HttpResponse]

# Scripts only from the shop's own address; photos may lie in a storage elsewhere.
POLICY = "; ".join(
    [
        "default-src 'self'",
        "img-src 'self' data: blob: https:",
        "style-src 'self' 'unsafe-inline'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)
# Health probes ask for these under the machine's address, which is not among ALLOWED_HOSTS.
PROBED = frozenset({"/healthz", "/readyz", "/metrics"})
_ACCEPTED = re.compile(r"[A-Za-z0-9._-]{1,128}")
_current: ContextVar[str] = ContextVar("request_id", default="")


def identifier(given: str) -> str:
    """The id of a request: the caller's own, if it has 1 to 128 letters, digits, `.`, `_` and `-`; else a random one."""
    return given if _ACCEPTED.fullmatch(given) else secrets.token_hex(16)


def request_id(get_response: GetResponse) -> GetResponse:
    """Take `X-Request-ID` from the caller or make one; attach it to the request, echo it on the answer."""

    def middleware(request: HttpRequest) -> HttpResponse:
        chosen = identifier(request.META.get("HTTP_X_REQUEST_ID", ""))
        request.META["HTTP_X_REQUEST_ID"] = chosen
        token = _current.set(chosen)
        try:
            response = get_response(request)
        finally:
            _current.reset(token)
        response.headers["X-Request-ID"] = chosen
        return response

    return middleware


def probes(get_response: GetResponse) -> GetResponse:
    """Answer PROBED before Django checks ALLOWED_HOSTS and redirects to HTTPS: a probe uses neither the name nor TLS."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.path_info not in PROBED:
            return get_response(request)
        match = resolve(request.path_info)
        response: HttpResponse = match.func(request, *match.args, **match.kwargs)
        return response

    return middleware


def content_security_policy(get_response: GetResponse) -> GetResponse:
    """Set `Content-Security-Policy` on pages unless the view set its own."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.headers.get("Content-Type", "").startswith("text/html"):
            response.headers.setdefault("Content-Security-Policy", POLICY)
        return response

    return middleware


def cache_headers(get_response: GetResponse) -> GetResponse:
    """Let nobody keep an error, which may be over at the next request. Let 304 name no length: Django's is that of no body, and
    caches would take it for the length of the answer that they have.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.status_code >= 400:
            response.headers["Cache-Control"] = NOT_STORED
        if response.status_code == 304:
            response.headers.pop("Content-Length", None)
        return response

    return middleware


class RequestIdFilter(logging.Filter):
    """Sets `request` of each log record: " [id]" while a request is answered, else the empty text."""

    def filter(self, record: logging.LogRecord) -> bool:
        current = _current.get()
        record.request = f" [{current}]" if current else ""
        return True
