"""Input of pages that neither Django nor Postgres can take is the caller's error (400); the API checks its own parameters."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.core.exceptions import BadRequest
from django.db import DataError
from django.http import HttpRequest, HttpResponse
from django.views import defaults

from catalog.api.problems import API_PREFIX

logger = logging.getLogger(__name__)


class UnusablePageInput:
    """Middleware: 400 for a page's address with a NUL character, and for input that a view of the admin cannot take.

    For example a key that is not a number, a year beyond the calendar, a text that the database refuses. Forms check
    their own fields; lists, actions and filters take their input from an address, which anyone may write by hand.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        asked = request.path_info + request.META.get("QUERY_STRING", "")
        if ("\0" in asked or "%00" in asked) and not request.path_info.startswith(API_PREFIX):
            return defaults.bad_request(request, BadRequest("a NUL character in the address"))
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Called by Django when a view raised. None: it is the server's own error, and Django answers 500."""
        match = request.resolver_match
        if (
            match is None
            or match.app_name != "admin"
            or not isinstance(exception, (DataError, ValueError, OverflowError))
        ):
            return None
        logger.warning("%s was asked with what it cannot take", request.path, exc_info=exception)
        return defaults.bad_request(request, exception)
