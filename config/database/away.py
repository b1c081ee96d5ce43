"""The answer while Postgres is away, at every address alike: 503 with Retry-After."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from catalog.api.problems import not_available

# What Django raises when the server is gone, hangs, refuses or gives up; a wrong statement raises other errors.
AWAY = (OperationalError, InterfaceError)

logger = logging.getLogger(__name__)


def away_response(request: HttpRequest, error: Exception) -> HttpResponseBase:
    """503 with Retry-After: problem details under /api/, a short page elsewhere; the log has the reason."""
    logger.warning("Postgres does not answer %s: %s", request.path, error)
    return not_available(request)


class DatabaseAway:
    """Middleware: an AWAY error of any view is answered by `away_response`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponseBase | None:
        return away_response(request, error) if isinstance(error, AWAY) else None
