"""Middleware of every answer: its `X-Request-ID`, which is in its log lines too, probes by address, a content policy, and
what caches are told of errors and of 304."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import resolve

from catalog.caching import NOT_STORED
from config.request_ids import at_work_for, identifier

GetResponse = Callable[[HttpRequest], HttpResponse]

# Scripts and styles only from the shop's own address, none inside a page; photos may lie in a storage elsewhere.
POLICY = "; ".join(
    [
        "default-src 'self'",
        "img-src 'self' data: blob: https:",
        "style-src 'self'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)
# The API's explorer (Swagger UI) writes styles into its page.
EXPLORER = "/api/docs/"
EXPLORER_POLICY = POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
# Health probes ask for these under the machine's address, which is not among ALLOWED_HOSTS.
PROBED = frozenset({"/healthz", "/readyz", "/metrics"})


def request_id(get_response: GetResponse) -> GetResponse:
    """Take `X-Request-ID` from the caller or make one; attach it to the request, echo it on the answer."""

    def middleware(request: HttpRequest) -> HttpResponse:
        chosen = identifier(request.META.get("HTTP_X_REQUEST_ID", ""))
        request.META["HTTP_X_REQUEST_ID"] = chosen
        with at_work_for(chosen):
            response = get_response(request)
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
            policy = EXPLORER_POLICY if request.path_info == EXPLORER else POLICY
            response.headers.setdefault("Content-Security-Policy", policy)
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
