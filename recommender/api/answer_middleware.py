"""The middleware of settings.MIDDLEWARE around an answer that Django's handler does not make.

What an answer carries (security headers, CORS, compression) and who gets none (a host that is not allowed, HTTP where HTTPS
is asked for) is decided by the same classes, by the same settings, as for answers of views.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed, PermissionDenied, SuspiciousOperation
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string

from catalog.access.origins import allowed_origin

Environ = dict[str, Any]
Handler = Callable[[HttpRequest], HttpResponse]
Caller = tuple[str | None, ...]

# What they do with a good answer of the API depends on the request's scheme and on `_deciding_headers` alone.
_SAME_FOR_LIKE_CALLERS = frozenset(
    {
        "django.middleware.security.SecurityMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
        "corsheaders.middleware.CorsMiddleware",
        "config.middleware.cache_headers",
    }
)

logger = logging.getLogger(__name__)


class AnswerMiddleware:
    """Runs everything in settings.MIDDLEWARE but settings.CACHED_ANSWERS_LEAVE_OUT, in the thread that calls it."""

    def __init__(self) -> None:
        names = [name for name in settings.MIDDLEWARE if name not in settings.CACHED_ANSWERS_LEAVE_OUT]
        handler: Handler | None = _make
        for name in reversed(names):
            handler = _around(handler, name) if handler is not None else None
        self._handler = handler
        self._deciding = _deciding_headers() if _SAME_FOR_LIKE_CALLERS.issuperset(names) else None

    def caller(self, scheme: str, header: Callable[[str], str | None]) -> Caller | None:
        """What decides, of a request, which headers a good answer gets: they are the same for callers alike in it.

        `header`: a header's value by its name in lower case. None where each answer has to be run through. Raises Undecided where
        Postgres would have to be asked about the origin.
        """
        origin = header("origin")
        if origin and not allowed_origin(origin, may_wait=False):
            origin = None  # all who may not read are alike: nobody can fill a memory of callers with made-up origins
        return None if self._deciding is None else (scheme, origin or None, *map(header, self._deciding))

    def run(self, environ: Environ, make: Callable[[], HttpResponse]) -> HttpResponse | None:
        """The answer of `make` as the middleware leaves it; None where it asks for another one, which Django then gives.

        `environ`: the request's, without a body; middleware may add to it.
        """
        if self._handler is None:
            return None
        request = _Request(environ, make)
        try:
            response = self._handler(request)
        except (SuspiciousOperation, PermissionDenied):
            return None
        except Exception:
            logger.warning("an answer from Redis is left to Django, for middleware failed around it", exc_info=True)
            return None
        return response if request.made and not response.streaming else None


class _Request(WSGIRequest):
    """A request that carries the making of its answer through the middleware."""

    def __init__(self, environ: Environ, make: Callable[[], HttpResponse]) -> None:
        super().__init__(environ)
        self.make, self.made = make, False


def _make(request: HttpRequest) -> HttpResponse:
    """What stands in the place of the view."""
    assert isinstance(request, _Request)
    request.made = True
    return request.make()


def _around(handler: Handler, name: str) -> Handler | None:
    """The middleware of that name around `handler`; None where it also guards views, and without a view cannot be asked."""
    try:
        middleware: Handler = import_string(name)(handler)
    except MiddlewareNotUsed:
        return handler
    if hasattr(middleware, "process_view"):
        logger.warning("answers are not given from Redis before Django, for %s looks at views", name)
        return None
    return middleware


def _deciding_headers() -> tuple[str, ...] | None:
    """The request headers that Django's own middleware looks at, beside the origin; None where it looks at the path too."""
    if settings.SECURE_REDIRECT_EXEMPT:
        return None
    proxy: tuple[str, str] | None = settings.SECURE_PROXY_SSL_HEADER
    headers: Mapping[str, object] = {
        "host": True,
        _header(proxy[0]) if proxy else "": proxy,
        "x-forwarded-host": settings.USE_X_FORWARDED_HOST,
        "user-agent": settings.DISALLOWED_USER_AGENTS,
    }
    return tuple(name for name, wanted in headers.items() if wanted)


def _header(key: str) -> str:
    """`x-forwarded-proto` of `HTTP_X_FORWARDED_PROTO`."""
    return key.removeprefix("HTTP_").replace("_", "-").lower()
